"""Tells frames in which something has changed from those that need no detector."""

from __future__ import annotations

from typing import Optional

import numpy as np

from runtime.common.opencv import cv2

# Small enough to cost a fraction of a millisecond, large enough that a person far away is some pixels.
WIDTH = 160
# A pixel has changed by this much of 255; noise of cameras in the dark stays below.
PIXEL = 25
# How fast the image to compare with follows: what stays still is background after some dozen frames.
FOLLOW = 0.05
# The default for the share of pixels that must have changed: 0.2 % is 29 of 160 x 90.
SHARE = 0.002


class MotionGate:
    """Compares each frame with what the scene has looked like lately."""

    def __init__(self, share: float = SHARE) -> None:
        """`share` (0..1) of the pixels must have changed."""
        self._share = share
        self._background: Optional[np.ndarray] = None

    def moves(self, image: np.ndarray) -> bool:
        """Whether `image`, uint8 [height, width, 3], differs from the frames before it. The first
        one does, and one of another size.
        """
        height, width = image.shape[:2]
        scale = min(1.0, WIDTH / width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Nearest picks pixels without reading all of them; the blur then stills their noise.
        small = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
        grey = cv2.blur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3)).astype(np.float32)
        if self._background is None or self._background.shape != grey.shape:
            self._background = grey
            return True
        changed = np.abs(grey - self._background) > PIXEL
        cv2.accumulateWeighted(grey, self._background, FOLLOW)
        return float(changed.mean()) >= self._share

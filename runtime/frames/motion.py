"""Detects motion, so that frames without it need not go through the detector."""

from __future__ import annotations

from typing import Optional

import numpy as np

from runtime.common.opencv import cv2

# Width that images are scaled to. Costs a fraction of a millisecond; a distant person still covers some pixels.
WIDTH = 160
# Difference, of 255, from which a pixel counts as changed. The noise of cameras in the dark is below it.
PIXEL = 25
# Weight of a new frame in the background: what stays still joins the background within some dozen frames.
UPDATE_RATE = 0.05
# The default for the share of pixels that must have changed: 0.2 % is 29 of 160 x 90.
SHARE = 0.002


class MotionGate:
    """Compares each frame with a running average of the frames before it."""

    def __init__(self, share: float = SHARE) -> None:
        """`share` (0 to 1) is the share of the pixels that must have changed."""
        self._share = share
        self._background: Optional[np.ndarray] = None

    def has_motion(self, image: np.ndarray) -> bool:
        """Whether `image`, uint8 [height, width, 3] in BGR or RGB, differs from the frames before it.

        True for the first image and for one of another size.
        """
        height, width = image.shape[:2]
        scale = min(1.0, WIDTH / width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Nearest-neighbor scaling does not read every pixel; the blur then reduces noise.
        small = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
        grey = cv2.blur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3)).astype(np.float32)
        if self._background is None or self._background.shape != grey.shape:
            self._background = grey
            return True
        changed = np.abs(grey - self._background) > PIXEL
        cv2.accumulateWeighted(grey, self._background, UPDATE_RATE)
        return float(changed.mean()) >= self._share

"""Encoded frames: those of the last seconds, and which one shows an object best."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Deque, List, Optional, Tuple

import numpy as np

from runtime.common.opencv import cv2
from runtime.common.values import Box, Frame

# Visibly the same as the source, and half the size of quality 95.
_QUALITY = 88
# Most bytes of frames that are kept for what comes before an event.
MOST_BYTES = 48_000_000

# Sharpness is measured on at most this many pixels a side, so that it depends little on an object's size.
_SIDE = 96
# The variance of the Laplacian, in squared gray levels, at which an image counts as half sharp: blurred street scenes have
# some 10 to 50, sharp ones over 200.
_HALF_SHARP = 100.0


@dataclass(frozen=True, eq=False)
class Still:
    """A frame as JPEG. `time` is `Frame.steady_time`, in seconds.

    `planes` are those of a video, if they were asked for: uint8 [height * 3 / 2, width], I420, BT.601 at limited range.
    """

    time: float
    jpeg: bytes
    planes: Optional[np.ndarray] = None

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.jpeg) + (self.planes.nbytes if self.planes is not None else 0)

    def compressed(self) -> Still:
        """The same without planes."""
        return Still(self.time, self.jpeg) if self.planes is not None else self


def encode(frame: Frame, widest: int, planes: bool = False) -> Still:
    """Encodes a frame, scaled to at most `widest` pixels across, with `planes` if both its sides are even."""
    image = frame.image
    height, width = image.shape[:2]
    if width > widest:
        # Even, as planes are: 2028 x 1520, which a camera of the Raspberry Pi has, would be 1280 x 959.
        image = cv2.resize(image, (widest, max(2, 2 * round(height * widest / width / 2))), interpolation=cv2.INTER_AREA)
    if frame.color != "BGR":
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    planes = planes and image.shape[0] % 2 == 0 == image.shape[1] % 2
    return Still(
        frame.steady_time, data.tobytes() if done else b"", cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420) if planes else None
    )


def decode(jpeg: bytes) -> np.ndarray:
    """The image in a JPEG that `encode` has made: uint8 [height, width, 3] in BGR."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


class Ring:
    """The frames of the last `seconds`, of which the oldest go first beyond `most_bytes`."""

    def __init__(self, seconds: float, most_bytes: int = MOST_BYTES) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._stills: Deque[Still] = deque()
        self._bytes = 0

    def add(self, still: Still) -> None:
        """Adds the newest frame, which is kept as JPEG alone."""
        still = still.compressed()
        self._stills.append(still)
        self._bytes += len(still.jpeg)
        while self._stills[0].time < still.time - self._seconds or self._bytes > self._most_bytes:
            self._bytes -= len(self._stills.popleft().jpeg)
            if not self._stills:
                return

    def since(self, time: float) -> List[Still]:
        """The frames from `time` on, the oldest first."""
        return [still for still in self._stills if still.time >= time]

    def clear(self) -> None:
        """Forgets all frames."""
        self._stills.clear()
        self._bytes = 0


def most_worth(score: float, box: Box, size: Tuple[int, int]) -> float:
    """What `worth` is at most, which costs nothing to know. `size` is the image's (width, height)."""
    share = box.area / max(size[0] * size[1], 1)
    return score * float(np.sqrt(min(share, 1.0)))


def worth(image: np.ndarray, score: float, box: Box) -> float:
    """How well an image, BGR or RGB, shows an object: score x size x sharpness, each from 0 to 1.

    The size is the square root of the box's share of the image: an object twice as wide and high counts twice. The
    sharpness is v / (v + 100), v the variance of the Laplacian over the box (Pech-Pacheco et al., ICPR 2000), in gray levels.
    """
    height, width = image.shape[:2]
    left, top = max(0, int(box.xmin)), max(0, int(box.ymin))
    part = image[top : max(top + 1, int(box.ymax)), left : max(left + 1, int(box.xmax))]
    if not part.size:
        return 0.0
    scale = min(1.0, _SIDE / max(part.shape[:2]))
    if scale < 1:
        small = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    variance = float(cv2.Laplacian(gray, cv2.CV_64F).var())
    return most_worth(score, box, (width, height)) * variance / (variance + _HALF_SHARP)

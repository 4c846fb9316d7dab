"""What sources share that read through OpenCV's VideoCapture and have no end."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, Iterator

import numpy as np

from runtime.common.errors import KitError
from runtime.common.opencv import cv2
from runtime.common.values import Frame
from runtime.sources import Source


class CaptureSource(Source):
    """Frames of an open VideoCapture, with the time at which each came, in seconds since 1970.

    Raises KitError from its iterator when no frame comes any more.
    """

    live = True

    def __init__(self, name: str, capture: cv2.VideoCapture, lost: str) -> None:
        """`name` is for people; `lost` says what may be the matter when frames stop coming."""
        self.name = name
        self._capture = capture
        self._lost = lost
        # A VideoCapture must not be released while another thread waits in it.
        self._reading = threading.Lock()
        self._closed = False
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else None
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        self.size = size if min(size) > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while not self._closed:
            with self._reading:
                try:
                    # The time is taken before decoding, as near to the capture as can be had.
                    came = self._capture.grab()
                    now = time.time()
                    done, image = self._capture.retrieve() if came else (False, None)
                except cv2.error:
                    done, image = False, None
            if self._closed:
                break
            if not done or image is None or not image.size:
                raise KitError(f"{self.name}: no more frames; {self._lost}")
            yield Frame(_bgr(image), index, now)
            index += 1
        self._release()

    def file_name(self, index: int) -> str:
        return re.sub(r"[^\w.-]+", "_", f"{self.name.rpartition('://')[2]}_{index:06d}.jpg").lstrip("_.")

    def close(self) -> None:
        """Returns at once: an iterator that waits for a frame lets go of the device when it wakes."""
        self._closed = True
        self._release()

    def _release(self) -> None:
        if self._reading.acquire(blocking=False):
            try:
                self._capture.release()
            finally:
                self._reading.release()


def opened(*arguments: Any) -> cv2.VideoCapture:
    """cv2.VideoCapture(*arguments), which is closed where OpenCV raises instead.

    Not inside `silence_native_output`: this may take seconds, for which nobody else could write an error.
    """
    try:
        return cv2.VideoCapture(*arguments)
    except cv2.error:
        return cv2.VideoCapture()


def _bgr(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    if image.shape[2] == 4:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)
    return image

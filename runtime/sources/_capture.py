"""Base of the live sources that read through OpenCV's VideoCapture."""

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
    """Frames of an open VideoCapture, with the time of each frame's arrival in seconds since 1970.

    Its iterator raises KitError when no more frames arrive.
    """

    live = True

    def __init__(self, name: str, capture: cv2.VideoCapture, lost: str) -> None:
        """`name` is used in messages; `lost` is the possible cause to print when frames stop arriving."""
        self.name = name
        self._capture = capture
        self._lost = lost
        # A VideoCapture must not be released while another thread waits in it.
        self._reading = threading.Lock()
        self._closed = threading.Event()
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else None
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        self.size = size if min(size) > 0 else None

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while not self._closed.is_set():
            with self._reading:
                try:
                    # The time is taken before decoding, as close to the capture as possible.
                    grabbed = self._capture.grab()
                    now, monotonic = time.time(), time.monotonic()
                    done, image = self._capture.retrieve() if grabbed else (False, None)
                except cv2.error:
                    done, image = False, None
            if self._closed.is_set():
                break
            if not done or image is None or not image.size:
                raise KitError(f"{self.name}: no more frames; {self._lost}")
            yield Frame(_bgr(image), index, now, monotonic=monotonic)
            index += 1
        self._release()

    def file_name(self, index: int) -> str:
        """A file name made of the source's name, with only characters that file systems allow."""
        return file_name(self.name, index)

    def close(self) -> None:
        """Returns at once. An iterator that waits for a frame releases the device when the wait ends."""
        self._closed.set()
        self._release()

    def _release(self) -> None:
        if self._reading.acquire(blocking=False):
            try:
                self._capture.release()
            finally:
                self._reading.release()


def file_name(name: str, index: int) -> str:
    """The file name of frame `index` of the camera or stream `name`, with only characters that file systems allow."""
    return re.sub(r"[^\w.-]+", "_", f"{name.rpartition('://')[2]}_{index:06d}.jpg").lstrip("_.")


def opened(*arguments: Any) -> cv2.VideoCapture:
    """`cv2.VideoCapture(*arguments)`, or one that is not open if OpenCV raises an error.

    Native output is not silenced here: opening may take seconds, and other threads could print no errors.
    """
    try:
        return cv2.VideoCapture(*arguments)
    except cv2.error:
        return cv2.VideoCapture()


def _bgr(image: np.ndarray) -> np.ndarray:
    """`image`, which may be gray or have an alpha channel, as uint8 [height, width, 3] in BGR."""
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    if image.shape[2] == 4:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2BGR))
    return image

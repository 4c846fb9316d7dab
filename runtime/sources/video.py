"""A video file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator, Optional

import numpy as np

from runtime.common.errors import InputError
from runtime.common.opencv import cv2, silence_native_output
from runtime.common.values import Frame
from runtime.sources import Source

KIND = "a video file (.mp4, .avi, .mov, .mkv, .webm)"

SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".wmv",
        ".flv",
        ".3gp",
        ".ogv",
        ".gif",
        ".h264",
        ".mjpeg",
    ]
)

# Size of a frame, in pixels, up to which one decoder thread is fast enough for any engine. More threads take
# a sixth more processor time, which the engine needs.
SMALL = 1280 * 720


def accepts(spec: str) -> bool:
    """Whether `spec` names a video file."""
    return "://" not in spec and Path(spec).suffix.lower() in SUFFIXES and not Path(spec).is_dir()


def connect(spec: str) -> Source:
    """Opens a video file. Raises InputError if it cannot be decoded."""
    return VideoSource(spec)


class VideoSource(Source):
    """The frames of a video file, with their times in the file in seconds."""

    def __init__(self, path: str) -> None:
        """Raises InputError if `path` is missing or not a video that OpenCV can decode."""
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.is_file():
            raise InputError(f"{path}: no such file")
        self._capture = self._open()
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        # Containers without an index give 0, a negative number, or an impossibly high one.
        self.fps = fps if 0 < fps < 1000 else None
        frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frames = frames if frames > 0 else None
        # A file that opens may still have no frame; only reading one shows it.
        image = self._read()
        if image is None:
            self._capture.release()
            raise InputError(f"{path}: the video has no frame that can be decoded")
        height, width = image.shape[:2]
        self.size = (width, height)
        self._threads = 1 if width * height <= SMALL else None
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        self._capture.release()
        self._capture = self._open(self._threads)
        index, time = 0, 0.0
        while True:
            image = self._read()
            if image is None:
                break
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # For containers without times, OpenCV gives 0 or repeats the last time.
            if index and not stamp > time:
                stamp = time + 1 / (self.fps or 25.0)
            time = max(stamp, 0.0)
            yield Frame(image, index, time)
            index += 1
        if self.frames and index < 0.9 * self.frames:
            print(
                f"warning: {self.path}: ended after {index} of {self.frames} frames; it may be cut short",
                file=sys.stderr,
            )

    def close(self) -> None:
        """Closes the file."""
        self._capture.release()

    def _open(self, threads: Optional[int] = None) -> cv2.VideoCapture:
        # Missing in OpenCV 4.6, the version of Debian 12.
        known = getattr(cv2, "CAP_PROP_N_THREADS", None)
        settings = [] if threads is None or known is None else [known, threads]
        with silence_native_output():
            capture = cv2.VideoCapture(str(self.path), cv2.CAP_ANY, settings)
        if not capture.isOpened():
            raise InputError(f"{self.path}: cannot be opened as a video; is it whole, and of a usual format?")
        return capture

    def _read(self) -> Optional[np.ndarray]:
        """The next frame; None at the end, and where decoding fails."""
        try:
            done, image = self._capture.read()
        except cv2.error:
            return None
        return np.asarray(image) if done else None

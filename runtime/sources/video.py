"""A video file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator, Optional

from runtime.common.errors import InputError
from runtime.common.opencv import cv2, silence_native_output
from runtime.common.values import Frame
from runtime.sources import Source

KIND = "a video file (.mp4, .avi, .mov, .mkv, .webm)"

SUFFIXES = frozenset(
    [".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv", ".gif", ".h264", ".mjpeg"]
)


# Pixels of a frame up to which one thread decodes fast enough for any engine. Several cost a sixth
# more of the processor, which the engine has better use for.
SMALL = 1280 * 720


def accepts(spec: str) -> bool:
    return "://" not in spec and Path(spec).suffix.lower() in SUFFIXES and not Path(spec).is_dir()


def connect(spec: str) -> Source:
    return VideoSource(spec)


class VideoSource(Source):
    """Every frame of a video file; times are those in the file, from its start."""

    def __init__(self, path: str) -> None:
        """Raises InputError where `path` is missing or no video that OpenCV can decode."""
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.is_file():
            raise InputError(f"{path}: no such file")
        self._capture = self._open()
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        # Containers without an index give 0, a negative number, or nonsense.
        self.fps = fps if 0 < fps < 1000 else None
        frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frames = frames if frames > 0 else None
        # A file may open and yet hold no frame; that is known only after trying.
        done, image = self._read()
        if not done:
            self._capture.release()
            raise InputError(f"{path}: the video has no frame that can be decoded")
        self.size = (image.shape[1], image.shape[0])
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        self._capture.release()
        self._capture = self._open(1 if self.size[0] * self.size[1] <= SMALL else None)
        index, time = 0, 0.0
        while True:
            done, image = self._read()
            if not done:
                break
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some containers carry no times: OpenCV then gives 0, or the same again.
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
        self._capture.release()

    def _open(self, threads: Optional[int] = None) -> cv2.VideoCapture:
        # OpenCV 4.6, which Debian 12 has, does not know it.
        known = getattr(cv2, "CAP_PROP_N_THREADS", None)
        settings = [] if threads is None or known is None else [known, threads]
        with silence_native_output():
            capture = cv2.VideoCapture(str(self.path), cv2.CAP_ANY, settings)
        if not capture.isOpened():
            raise InputError(f"{self.path}: cannot be opened as a video; is it whole, and of a usual format?")
        return capture

    def _read(self) -> tuple:
        try:
            return self._capture.read()
        except cv2.error:
            return False, None

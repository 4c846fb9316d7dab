"""An annotated video."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

from runtime import draw
from runtime.errors import KitError
from runtime.files import atomic_path
from runtime.opencv import cv2, quiet
from runtime.sinks import Sink, check_file, writing
from runtime.sources import Source
from runtime.values import Detection, Frame

KIND = "a video (.mp4, .avi, .mov, .mkv)"

# What OpenCV's wheels can always encode: they carry no H.264 encoder.
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}

# MPEG-4 ends at 8191; few players go beyond this.
MOST_SIDE = 4096
DEFAULT_FPS = 10.0


def accepts(spec: str) -> bool:
    return "://" not in spec and Path(spec).suffix.lower() in CODECS


def connect(spec: str, source: Source) -> Sink:
    check_file(Path(spec), source)
    return Video(Path(spec), source.fps or DEFAULT_FPS)


class Video(Sink):
    """Has the size of the first frame; later frames of another size are fitted into it.

    Sides are made even, as the codec asks, and at most MOST_SIDE. The file appears under its name
    when it is finished.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._fps = fps
        self._stack = contextlib.ExitStack()
        self._writer: Optional[cv2.VideoWriter] = None
        self._size = (0, 0)

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        image = draw.draw(frame.image, detections, frame.color)
        if self._writer is None:
            self._open(image)
        self._writer.write(draw.fit(image, *self._size))

    def close(self) -> None:
        if self._writer is None:
            return
        self._writer.release()
        with writing(self._path):
            self._stack.close()

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.release()
        # Closing with an error in hand makes atomic_path remove the file; the error is not news.
        with contextlib.suppress(_Discarded), self._stack:
            raise _Discarded

    def _open(self, image: np.ndarray) -> None:
        self._size = _even_size(image)
        with writing(self._path):
            temporary = self._stack.enter_context(atomic_path(self._path))
        fourcc = cv2.VideoWriter_fourcc(*CODECS[self._path.suffix.lower()])
        with quiet():
            self._writer = cv2.VideoWriter(str(temporary), fourcc, self._fps, self._size)
        if not self._writer.isOpened():
            raise KitError(f"{self._path}: OpenCV cannot write a video of {self._size[0]} x {self._size[1]}")


class _Discarded(Exception):
    pass


def _even_size(image: np.ndarray) -> Tuple[int, int]:
    height, width = image.shape[:2]
    scale = min(1.0, MOST_SIDE / max(width, height))
    width, height = (max(2, round(side * scale)) for side in (width, height))
    return width + width % 2, height + height % 2

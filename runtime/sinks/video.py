"""An annotated video."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.errors import KitError
from runtime.common.files import atomic_path
from runtime.common.opencv import cv2, silence_native_output
from runtime.common.values import Detection, Frame
from runtime.media import drawing
from runtime.media.fragmented_mp4 import FragmentedFile, read
from runtime.sinks import Sink, check_file, writing
from runtime.sources import Source

KIND = "a video (.mp4, .avi, .mov, .mkv)"

# What OpenCV's wheels can always encode: they carry no H.264 encoder.
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}

FRAGMENTED = frozenset((".mp4", ".mov"))
FRAGMENT_SECONDS = 2.0

# MPEG-4 ends at 8191; few players go beyond this.
MOST_SIDE = 4096
DEFAULT_FPS = 10.0


def accepts(spec: str) -> bool:
    return "://" not in spec and Path(spec).suffix.lower() in CODECS


def connect(spec: str, source: Source) -> Sink:
    path = Path(spec)
    check_file(path, source)
    fps = source.fps or DEFAULT_FPS
    if path.suffix.lower() in FRAGMENTED:
        return FragmentedVideo(path, fps, source.live)
    return Video(path, fps)


class FragmentedVideo(Sink):
    """Has the size of the first frame; later frames of another size are fitted into it.

    Sides are made even, as the codec asks, and at most MOST_SIDE. The file grows by a fragment every
    FRAGMENT_SECONDS, and can be played up to the last of them however the run ends. Frames of a live
    source are shown for as long as they were apart, others for 1 / fps.
    """

    def __init__(self, path: Path, fps: float, live: bool = False) -> None:
        self._path = path
        self._fps = fps
        self._live = live
        self._file: Optional[FragmentedFile] = None
        self._folder: Optional[tempfile.TemporaryDirectory] = None
        self._writer: Optional[cv2.VideoWriter] = None
        self._size = (0, 0)
        self._times: List[float] = []
        # A run that ends in haste may close the sink while its thread still writes.
        self._busy = threading.Lock()
        self._closed = False

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        image = drawing.draw(frame.image, detections, frame.color)
        with self._busy:
            self._write(image, frame.time)

    def close(self) -> None:
        with self._busy:
            if self._file is None or self._closed:
                return
            self._closed = True
            if self._times:
                self._end_fragment(None)
            with writing(self._path):
                self._file.close()
                self._folder.cleanup()

    def discard(self) -> None:
        # The fragments so far are whole, and may be hours of work.
        self.close()

    def _write(self, image: np.ndarray, time: float) -> None:
        if self._closed:
            return
        if self._file is None:
            self._size = _even_size(image)
            with writing(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._folder = tempfile.TemporaryDirectory(prefix="edge-detection-kit-")
                self._file = FragmentedFile(self._path)
        if len(self._times) >= max(1, round(FRAGMENT_SECONDS * self._fps)):
            self._end_fragment(time)
        if self._writer is None:
            self._writer = _writer(Path(self._folder.name) / "fragment.mp4", self._path, self._fps, self._size)
        self._writer.write(drawing.fit(image, *self._size))
        self._times.append(time)

    def _end_fragment(self, next_time: Optional[float]) -> None:
        self._writer.release()
        self._writer = None
        usual = 1 / self._fps
        apart = [usual] * len(self._times)
        if self._live:
            following = [*self._times[1:], self._times[-1] + usual if next_time is None else next_time]
            gaps = [after - before for before, after in zip(self._times, following)]
            apart = [gap if gap > 0 else usual for gap in gaps]
        self._times = []
        with writing(self._path):
            self._file.add(read(Path(self._folder.name) / "fragment.mp4"), apart)


class Video(Sink):
    """As `FragmentedVideo`, for other kinds of file: it appears under its name when it is finished."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._fps = fps
        self._stack = contextlib.ExitStack()
        self._writer: Optional[cv2.VideoWriter] = None
        self._size = (0, 0)

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        image = drawing.draw(frame.image, detections, frame.color)
        if self._writer is None:
            self._size = _even_size(image)
            with writing(self._path):
                temporary = self._stack.enter_context(atomic_path(self._path))
            self._writer = _writer(temporary, self._path, self._fps, self._size)
        self._writer.write(drawing.fit(image, *self._size))

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


class _Discarded(Exception):
    pass


def _writer(path: Path, target: Path, fps: float, size: Tuple[int, int]) -> cv2.VideoWriter:
    """`target` is what messages call it, and chooses the codec."""
    with silence_native_output():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODECS[target.suffix.lower()]), fps, size)
    if not writer.isOpened():
        raise KitError(f"{target}: OpenCV cannot write a video of {size[0]} x {size[1]}")
    return writer


def _even_size(image: np.ndarray) -> Tuple[int, int]:
    height, width = image.shape[:2]
    scale = min(1.0, MOST_SIDE / max(width, height))
    width, height = (max(2, round(side * scale)) for side in (width, height))
    return width + width % 2, height + height % 2

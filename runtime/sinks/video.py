"""An annotated video."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import numpy as np

from runtime.common.errors import KitError
from runtime.common.files import atomic_path
from runtime.common.opencv import cv2, silence_native_output
from runtime.common.values import Detection, Frame
from runtime.media import drawing, h264
from runtime.media.fragmented_mp4 import FragmentedFile, read
from runtime.sinks import Sink, check_file, writing
from runtime.sinks._disk_flush import DiskFlush, flush, new_folders
from runtime.sources import Source

KIND = "a video (.mp4, .avi, .mov, .mkv)"

# Codecs that OpenCV's wheels can always encode; they include no H.264 encoder. Where PyAV is installed, fragmented
# files are H.264.
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}

FRAGMENTED = frozenset((".mp4", ".mov"))
FRAGMENT_SECONDS = 2.0

# A longer interval between two frames of a live source is a gap, which is cut: an outage, or a clock that was set
# where the source knows no monotonic one.
LONGEST_SECONDS = 10.0

# The format allows 8191; few players support more than this.
MOST_SIDE = 4096
DEFAULT_FPS = 10.0


def accepts(spec: str) -> bool:
    """Whether `spec` names a video file."""
    return "://" not in spec and Path(spec).suffix.lower() in CODECS


def connect(spec: str, source: Source) -> Sink:
    """Makes the video. Raises InputError for a wrong file name."""
    path = Path(spec)
    check_file(path, source)
    fps = source.fps or DEFAULT_FPS
    if path.suffix.lower() in FRAGMENTED:
        return FragmentedVideo(path, fps, source.live)
    return Video(path, fps)


class FragmentedVideo(Sink):
    """An annotated .mp4 or .mov that can be played up to its last fragment, however the run ends.

    The video has the size of the first frame; frames of another size are fitted into it. Sides are made even,
    as the codec requires, and at most MOST_SIDE. The file grows by a fragment every FRAGMENT_SECONDS, and is flushed to
    the disk regularly. Frames of a live source last as long as the interval to the next frame by the monotonic clock,
    other frames and those before a gap 1 / fps.
    """

    def __init__(self, path: Path, fps: float, live: bool = False) -> None:
        self._path = path
        self._fps = fps
        self._live = live
        self._output: Optional[_FragmentedOutput] = None
        # A run that is stopped may close the sink while its thread still writes.
        self._busy = threading.Lock()
        self._closed = False

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """See `Sink.write`. Raises KitError if the file cannot be written."""
        image = drawing.annotated(frame, detections)
        with self._busy:
            if self._closed:
                return
            if self._output is None:
                self._output = _FragmentedOutput(self._path, self._fps, self._live, _even_size(image))
            self._output.write(image, frame.steady_time)

    def close(self) -> None:
        """Writes the last fragment. Raises KitError if it cannot be written."""
        with self._busy:
            if self._output is None or self._closed:
                return
            self._closed = True
            self._output.close()

    def discard(self) -> None:
        """Closes the file: its fragments are complete, and may be hours of video."""
        self.close()


class _FragmentedOutput:
    """The open file of a `FragmentedVideo`, and the fragment that is being encoded."""

    def __init__(self, path: Path, fps: float, live: bool, size: Tuple[int, int]) -> None:
        self._path = path
        self._fps = fps
        self._live = live
        self._size = size
        self._writer: Optional[Union[cv2.VideoWriter, h264.H264Writer]] = None
        self._h264 = h264.available()
        # Times of the frames of the current fragment, in seconds.
        self._times: List[float] = []
        with writing(path):
            folders = new_folders(path)
            self._folder = tempfile.TemporaryDirectory(prefix="edge-detection-kit-")
            self._fragment = Path(self._folder.name) / "fragment.mp4"
            self._file = FragmentedFile(path)
            self._disk = DiskFlush(path, self._file.fileno(), folders)

    def write(self, image: np.ndarray, time: float) -> None:
        if len(self._times) >= max(1, round(FRAGMENT_SECONDS * self._fps)):
            self._end_fragment(time)
        if self._writer is None:
            if self._h264:
                self._writer = h264.H264Writer(self._fragment, self._fps, self._size)
            else:
                self._writer = _writer(self._fragment, self._path, self._fps, self._size)
        self._writer.write(drawing.fit(image, *self._size))
        self._times.append(time)

    def close(self) -> None:
        """Completes the file."""
        self._end_fragment(None)
        with writing(self._path):
            self._file.close()
            self._folder.cleanup()
        self._disk.close()

    def _end_fragment(self, next_time: Optional[float]) -> None:
        """Adds the current fragment to the file. `next_time` is the time of the frame after it, if any."""
        if self._writer is None or not self._times:
            return
        self._writer.release()
        self._writer = None
        usual = 1 / self._fps
        durations = [usual] * len(self._times)
        if self._live:
            following = [*self._times[1:], self._times[-1] + usual if next_time is None else next_time]
            gaps = [after - before for before, after in zip(self._times, following)]
            durations = [gap if 0 < gap <= LONGEST_SECONDS else usual for gap in gaps]
        self._times = []
        with writing(self._path):
            self._file.add(read(self._fragment), durations)
        self._disk.written()


class Video(Sink):
    """An annotated .avi or .mkv, sized like a `FragmentedVideo`. It appears under its name when it is complete."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._fps = fps
        self._stack = contextlib.ExitStack()
        self._temporary = path
        self._writer: Optional[cv2.VideoWriter] = None
        self._size = (0, 0)

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Adds the annotated frame. Raises KitError if it cannot be written."""
        image = drawing.annotated(frame, detections)
        if self._writer is None:
            self._size = _even_size(image)
            with writing(self._path):
                self._temporary = self._stack.enter_context(atomic_path(self._path))
            self._writer = _writer(self._temporary, self._path, self._fps, self._size)
        self._writer.write(drawing.fit(image, *self._size))

    def close(self) -> None:
        """Completes the file."""
        if self._writer is None:
            return
        self._writer.release()
        with writing(self._path):
            # Flushed before it is renamed: after a power cut the name is never that of an empty file.
            flush(self._temporary)
            self._stack.close()
            flush(self._path)

    def discard(self) -> None:
        """Removes the incomplete file."""
        if self._writer is not None:
            self._writer.release()
        # Leaving the stack with an exception makes atomic_path remove the file.
        with contextlib.suppress(_Discarded), self._stack:
            raise _Discarded


class _Discarded(Exception):
    pass


def _writer(path: Path, target: Path, fps: float, size: Tuple[int, int]) -> cv2.VideoWriter:
    """Opens a video file at `path`. `target` is the name for messages, and its suffix chooses the codec."""
    with silence_native_output():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODECS[target.suffix.lower()]), fps, size)
    if not writer.isOpened():
        raise KitError(f"{target}: OpenCV cannot write a video of {size[0]} x {size[1]}")
    return writer


def _even_size(image: np.ndarray) -> Tuple[int, int]:
    """Width and height of a video for `image`: even, and at most MOST_SIDE."""
    height, width = image.shape[:2]
    scale = min(1.0, MOST_SIDE / max(width, height))
    width, height = (max(2, round(side * scale)) for side in (width, height))
    return width + width % 2, height + height % 2

"""Writes the video of an event, in a format that browsers play."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Optional, Tuple, Union

import numpy as np

from runtime.common.errors import KitError
from runtime.common.files import sync
from runtime.common.opencv import cv2, silence_native_output
from runtime.events.still import Still, decode
from runtime.media import drawing, h264

# H.264 where PyAV is installed, else VP8, which OpenCV's wheels encode at five times the processor time.
H264_SUFFIX, VP8_SUFFIX = ".mp4", ".webm"

# A gap between two frames, in seconds, that is cut: an outage of the source.
_LONGEST_GAP = 10.0
# Two frames of one video have different times in its milliseconds.
_SHORTEST_GAP = 0.002
_MOST_SIDE = 4096


def suffix() -> str:
    """The suffix of the names of new clips."""
    return H264_SUFFIX if h264.available() else VP8_SUFFIX


class ClipFile:
    """A clip that is being written to the file `path`, whose suffix is one of `suffix`. Sides are made even."""

    def __init__(self, path: Path, fps: float) -> None:
        """Creates nothing before the first frame. A VP8 file has `fps` frames a second, an H.264 file those it is given."""
        self.path = path
        self._fps = fps
        self._writer: Optional[Union[h264.H264Writer, cv2.VideoWriter]] = None
        self._size = (0, 0)
        self._last = 0.0
        # Seconds of the frame within the clip, and frames of constant duration written so far.
        self._at = 0.0
        self._written = 0
        self.frames = 0

    def add(self, still: Still) -> None:
        """Adds a frame. Raises KitError."""
        planes = still.planes if self._fits(still.planes) else None
        image = decode(still.jpeg) if planes is None else planes
        if self._writer is None:
            self._size = _even(image.shape[1], image.shape[0])
            self._writer = self._open()
        else:
            gap = still.time - self._last
            self._at += max(gap, _SHORTEST_GAP) if gap <= _LONGEST_GAP else 1 / self._fps
        self._last = still.time
        self.frames += 1
        if isinstance(self._writer, h264.H264Writer) and planes is not None:
            self._writer.write_planes(planes, self._at)
            return
        image = drawing.fit(image, *self._size)
        if isinstance(self._writer, h264.H264Writer):
            self._writer.write(image, self._at)
            return
        # The format has one duration for all: a frame is repeated until its time, and left out where that has come.
        until = round(self._at * self._fps) + 1
        while self._written < until:
            self._writer.write(image)
            self._written += 1

    def size(self) -> int:
        """The bytes on the disk so far."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def close(self) -> None:
        """Completes the file, and writes it to the disk. Raises KitError or OSError."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.release()
            sync(self.path)

    def abandon(self) -> None:
        """Closes the file, whatever is in it, so that it can be removed."""
        if self._writer is not None:
            with contextlib.suppress(KitError):
                self._writer.release()
            self._writer = None

    def _fits(self, planes: Optional[np.ndarray]) -> bool:
        """Whether the clip can take `Still.planes` as they are."""
        width, height = self._size
        return isinstance(self._writer, h264.H264Writer) and planes is not None and planes.shape == (height * 3 // 2, width)

    def _open(self) -> Union[h264.H264Writer, cv2.VideoWriter]:
        if self.path.suffix == H264_SUFFIX:
            return h264.H264Writer(self.path, self._fps, self._size, timed=True)
        with silence_native_output():
            writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*"VP80"), self._fps, self._size)
        if not writer.isOpened():
            raise KitError(f"{self.path}: this OpenCV has no VP8; install PyAV for H.264: pip install av")
        return writer


def _even(width: int, height: int) -> Tuple[int, int]:
    scale = min(1.0, _MOST_SIDE / max(width, height))
    width, height = (max(2, round(side * scale)) for side in (width, height))
    return width + width % 2, height + height % 2

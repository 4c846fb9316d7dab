"""Sources of frames. One file for each kind of source.

A module of this package provides

    KIND: str                            what it reads, for messages: "an image"
    accepts(spec: str) -> bool           whether `spec` names such a source, existing or not
    connect(spec: str) -> Source         opens it; raises InputError
    LIVE: bool                           true for cameras and streams, which may be opened again later; else left out

Modules are found by their place in this folder: adding a source changes no other file. A module may also
provide `options` and `specs` (see `runtime.common.plugins`); a source given by them replaces `--source`.
Queueing and reconnection belong to `frames` and `pipeline`. Uses `common`, `machine` and `media`.
"""

from __future__ import annotations

import abc
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Iterator, Optional, Tuple

from runtime.common import plugins, redaction
from runtime.common.errors import InputError, KitError
from runtime.common.values import Frame


class Source(abc.ABC):
    """An iterable of frames, and a context manager that closes it.

    `path` is the file or folder, or None. `size` (width, height) in pixels, `fps` (frames per second) and
    `frames` (their number) are None if they are not known in advance. `skipped` is the number of frames
    that could not be read so far.

    A `live` source (a camera, a stream) delivers frames whether or not they are taken, and has no end: if its
    iterator ends or raises KitError, the loop closes the source and opens the same spec again. The iterator
    runs in its own thread. `close` may be called from another thread, more than once, and makes an iterator
    that waits for a frame end soon. The `time` of a live frame is its capture time in seconds since 1970;
    the loop sets its `index`.
    """

    live: bool = False

    name: str = ""
    path: Optional[Path] = None
    size: Optional[Tuple[int, int]] = None
    fps: Optional[float] = None
    frames: Optional[int] = None
    skipped: int = 0

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yields frames in order. Raises InputError if there are none."""

    def file_name(self, index: int) -> str:
        """A file name for results of frame `index`, such as `street_000012.jpg`."""
        return f"{Path(self.name).stem}_{index:06d}.jpg"

    def name_of(self, frame: Frame) -> str:
        """A file name for results of `frame`: that of the image file it is of, else by its number.

        Where a folder is read again and again, numbers go on and files do not.
        """
        return frame.file or self.file_name(frame.index)

    def close(self) -> None:
        """Releases the device or file."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_source(spec: str) -> Source:
    """Opens the source that `spec` names, with the first module here that accepts it.

    Raises InputError if no module accepts `spec`, and InputError or KitError if the source cannot be opened.
    """
    kind = _kind(spec)
    try:
        source: Source = kind.connect(spec)
    except Exception as error:
        # Not at the top: who only asks whether a source is live needs no OpenCV.
        from runtime.common.opencv import cv2

        if not isinstance(error, (OSError, cv2.error)):
            raise
        # A device or a disk, and no bug.
        reason = " ".join(str(error).split())
        raise KitError(f"{redaction.address(spec)}: cannot be opened: {reason}; see whether it is there and may be read") from error
    return source


def is_live(spec: str) -> bool:
    """Whether `spec` names a camera or stream, without opening it. Raises InputError if no module accepts `spec`."""
    return bool(getattr(_kind(spec), "LIVE", False))


def _kind(spec: str) -> ModuleType:
    kinds = plugins.modules(sys.modules[__name__])
    for module in kinds:
        if module.accepts(spec):
            return module
    shown = redaction.address(spec)
    # Two letters at least: C:\clip is a path.
    if not re.match(r"[A-Za-z]\w+:", spec) and not Path(spec).exists():
        raise InputError(f"{shown}: no such file or folder")
    raise InputError(f"{shown}: not a source; give {' or '.join(module.KIND for module in kinds)}")

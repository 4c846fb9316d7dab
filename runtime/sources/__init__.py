"""Where frames come from. One file a kind of source.

A module of this package offers

    KIND: str                            what it reads, for messages: "an image"
    accepts(spec: str) -> bool           whether `spec` names such a source, existing or not
    connect(spec: str) -> Source         opens it; raises InputError

and is found by being here: adding a source touches no other file. It may also offer `options` and
`specs` (see `runtime.common.plugins`); what those ask for takes the place of `--source`.
"""

from __future__ import annotations

import abc
import sys
from pathlib import Path
from typing import Iterator, Optional, Tuple

from runtime.common import plugins
from runtime.common.errors import InputError
from runtime.common.values import Frame


class Source(abc.ABC):
    """An iterable of frames, to be used with `with`.

    `path` is the file or folder, if it is one. `size` (width, height) in pixels, `fps` and `frames`
    are None where they are not known beforehand. `skipped` counts what could not be read so far.

    A `live` source (a camera, a stream) goes on whether its frames are taken or not, and has no end:
    where its iterator ends or raises KitError, the loop closes it and opens the same spec again. The
    iterator runs in a thread of its own; `close` may be called from another one, more than once, and
    makes an iterator that waits for a frame end soon. The `time` of a live source's frames is that of
    the capture in seconds since 1970; their `index` is set by the loop.
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
        """Frames in order. Raises InputError where there turn out to be none."""

    def file_name(self, index: int) -> str:
        """A file name for what is made of frame `index`, such as `street_000012.jpg`."""
        return f"{Path(self.name).stem}_{index:06d}.jpg"

    def close(self) -> None:
        """Lets go of the device or file."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_source(spec: str) -> Source:
    """Opens what `spec` names: a file, a folder, or whatever else a module here accepts.

    Raises InputError where nothing accepts it, or it cannot be opened.
    """
    kinds = plugins.modules(sys.modules[__name__])
    for module in kinds:
        if module.accepts(spec):
            return module.connect(spec)
    if "://" not in spec and not Path(spec).exists():
        raise InputError(f"{spec}: no such file or folder")
    raise InputError(f"{spec}: not a source; give {' or '.join(module.KIND for module in kinds)}")

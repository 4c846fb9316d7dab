"""Where results go. One file a kind of sink.

A module of this package offers

    KIND: str                                   what it writes, for messages: "a video (.mp4)"
    accepts(spec: str) -> bool                  whether `spec` names such a sink
    connect(spec: str, source: Source) -> Sink  checks it, and creates nothing yet; raises InputError

and is found by being here: adding a sink touches no other file. It may also offer `options` and
`specs` (see `runtime.common.plugins`), so that `--serve 8000` asks for a sink as `--out` does.
"""

from __future__ import annotations

import abc
import contextlib
import sys
from pathlib import Path
from typing import Iterator, Optional, Sequence, Type

from runtime.common import plugins
from runtime.common.errors import InputError, KitError
from runtime.common.values import Detection, Frame
from runtime.sources import Source
from runtime.telemetry.state import State


class Sink(abc.ABC):
    """Takes frames with what was found in them, to be used with `with`.

    Nothing is created before the first frame, so that a run which fails early leaves nothing.

    The loop calls `write` in a thread that belongs to this sink alone, behind a short queue; with
    `on_main_thread`, in the program's main thread instead, where some systems want their windows.
    Where `lossless` is true (files) and the source is no live one, the loop waits for room in the
    queue; otherwise frames that find it full are counted as dropped. An error from `write` ends the
    run where `lossless` is true; from another sink it is told once, and its frames are counted as
    dropped until it works again. `name` stands for the sink in such messages and counts.
    """

    name: str = ""
    lossless: bool = True
    on_main_thread: bool = False

    def attach(self, state: State) -> None:
        """Called once before the first frame. What is read from `state` later is up to date.

        Raises InputError where the sink cannot do its work at all, such as for a port in use.
        """

    @abc.abstractmethod
    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Takes the next frame. Raises KitError where it cannot be written."""

    def close(self) -> None:
        """Finishes what was written."""

    def discard(self) -> None:
        """Ends after an error: removes what would be half a file."""

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *_: object) -> None:
        # Ctrl-C is how a user ends a run that goes on for ever; what was seen until then is kept.
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self.discard()


def open_sink(spec: str, source: Source) -> Sink:
    """The sink that `spec` names, for the frames of `source`. Raises InputError for none."""
    kinds = plugins.modules(sys.modules[__name__])
    for module in kinds:
        if module.accepts(spec):
            sink = module.connect(spec, source)
            sink.name = sink.name or plugins.name_of(module)
            return sink
    raise InputError(f"{spec}: cannot write such a file; give {' or '.join(module.KIND for module in kinds)}")


def check_file(path: Path, source: Source) -> None:
    """Raises InputError where `path` is a folder, or the very file that `source` reads."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file in it")
    if source.path is not None and path.resolve() == source.path.resolve():
        raise InputError(f"{path}: is the source itself; give another name to write to")


@contextlib.contextmanager
def writing(path: object) -> Iterator[None]:
    """Turns what the system says about `path` into a KitError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise KitError(f"{path}: cannot be written: {error.strerror or error}") from error

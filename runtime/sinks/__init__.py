"""Sinks, which take the results. One file for each kind of sink.

A module of this package provides

    KIND: str                                   what it writes, for messages: "a video (.mp4)"
    accepts(spec: str) -> bool                  whether `spec` names such a sink
    connect(spec: str, source: Source) -> Sink  checks it, and creates nothing yet; raises InputError

Modules are found by their place in this folder: adding a sink changes no other file. A module may also
provide `options` and `specs` (see `runtime.common.plugins`), so that an option of its own (`--serve 8000`) opens
a sink as `--out` does. Where several cameras run, a module may provide

    connect_shared(spec: str) -> SharedSink     one output for all of them, in place of `connect`; raises InputError

and `TRACKS = True` where its sinks need tracked objects, for which tracking is then switched on.

The MQTT client and the web server belong to `mqtt` and `web`. Uses these two, `common`,
`events`, `media`, `sources` and `telemetry`.
"""

from __future__ import annotations

import abc
import contextlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Iterator, Mapping, Optional, Sequence, Type

from runtime.common import plugins, redaction
from runtime.common.errors import InputError, KitError
from runtime.common.values import Detection, Frame
from runtime.sources import Source
from runtime.telemetry.state import State


class Sink(abc.ABC):
    """Takes frames and their detections. A context manager that closes or discards the output.

    A sink creates nothing before the first frame, so that a run that fails early leaves no files.

    The loop calls `write` in the sink's own thread, behind a short queue. With `on_main_thread` it calls it
    in the program's main thread, which some systems require for windows. If `lossless` is true (files) and
    the source is not live, the loop waits while the queue is full; otherwise it drops the frame and counts
    it. An error from a lossless sink ends the run; an error from another sink is printed once, and its frames
    count as dropped until it works again. `name` is used for the sink in messages and counts. A sink with a `floor` also
    gets what is below the threshold, down to this score, as the candidates of `write_all`. `camera` is the name of the camera whose frames it
    gets, empty where only one runs.
    """

    name: str = ""
    lossless: bool = True
    on_main_thread: bool = False
    floor: Optional[float] = None
    # The camera's name where several run; set before the first frame.
    camera: str = ""

    def attach(self, state: State) -> None:
        """Called once before the first frame, with the state of the run, which stays up to date.

        Raises InputError if the sink cannot work, for example because its port is in use.
        """

    @abc.abstractmethod
    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Takes the next frame. Raises KitError if it cannot be written."""

    def write_all(self, frame: Frame, detections: Sequence[Detection], candidates: Sequence[Detection]) -> None:
        """As `write`, and called in its place, with the detections below the threshold that some sink wants.

        Candidates are sorted by descending score, have passed no filter, and so have no track.
        """
        self.write(frame, detections)

    def compare(self, frame: Frame, detections: Sequence[Detection], other: Sequence[Detection]) -> None:
        """Takes what a second model finds in a frame, `other`, beside the `detections` that count; from any thread."""

    def finish(self) -> None:
        """Called once after the last frame, before the summary of the run is made; must not raise."""

    def close(self) -> None:
        """Completes the output."""

    def discard(self) -> None:
        """Ends after an error: removes incomplete files."""

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *_: object) -> None:
        # Ctrl-C is the usual end of a run on a live source; its results are kept.
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self.discard()


class SharedSink(abc.ABC):
    """An output that several cameras have together: a page, a server of metrics. A context manager that closes it."""

    @abc.abstractmethod
    def start(self, states: Mapping[str, State]) -> None:
        """Begins with the states of the cameras by name; before their sources are open. Raises InputError if it cannot."""

    @abc.abstractmethod
    def sink(self, camera: str) -> Sink:
        """Takes the frames of one camera."""

    def close(self) -> None:
        """Ends the output."""

    def __enter__(self) -> SharedSink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_sink(spec: str, source: Source) -> Sink:
    """Opens the sink that `spec` names, for the frames of `source`. Raises InputError if no module accepts it."""
    module = _kind(spec)
    sink: Sink = module.connect(spec, source)
    sink.name = sink.name or plugins.name_of(module)
    return sink


def open_shared(spec: str) -> SharedSink:
    """Opens the output of several cameras that `spec` names, for which `is_shared` must be true. Raises InputError."""
    shared: SharedSink = _kind(spec).connect_shared(spec)
    return shared


def is_shared(spec: str) -> bool:
    """Whether several cameras have the output `spec` together. Raises InputError if no module accepts it."""
    return hasattr(_kind(spec), "connect_shared")


def needs_tracks(specs: Sequence[str]) -> bool:
    """Whether one of the outputs needs tracked objects; those that no module accepts don't."""
    kinds = [module for module in plugins.modules(sys.modules[__name__]) if getattr(module, "TRACKS", False)]
    return any(module.accepts(spec) for module in kinds for spec in specs)


def _kind(spec: str) -> ModuleType:
    kinds = plugins.modules(sys.modules[__name__])
    for module in kinds:
        if module.accepts(spec):
            return module
    raise InputError(f"{redaction.address(spec)}: cannot write such a file; give {' or '.join(module.KIND for module in kinds)}")


def check_file(path: Path, source: Source) -> None:
    """Raises InputError if `path` is a folder, or the file that `source` reads."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file in it")
    if source.path is not None and path.resolve() == source.path.resolve():
        raise InputError(f"{path}: is the source itself; give another name to write to")


@contextlib.contextmanager
def writing(path: object) -> Iterator[None]:
    """Context manager that turns an OSError about `path` into a KitError; BrokenPipeError is passed on."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise KitError(f"{path}: cannot be written: {error.strerror or error}") from error

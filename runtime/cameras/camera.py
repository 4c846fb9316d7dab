"""One of several cameras: its source, filters, sinks, zones and loop, in a thread of its own."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from typing import List, Optional, Sequence

from runtime.cameras.outputs import Outputs
from runtime.cameras.shared_model import SharedModel
from runtime.cameras.shared_shadow import SharedShadow
from runtime.common import redaction
from runtime.pipeline.active_model import PendingSwap
from runtime.pipeline.capture import FIRST_WAIT, LONGEST_WAIT, error_text
from runtime.pipeline.loop import run as run_loop
from runtime.pipeline.session import loop_settings, make_watch, open_sinks
from runtime.sinks import SharedSink, Sink, open_sink
from runtime.sources import Source, open_source
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary


class Camera(threading.Thread):
    """Runs a camera. Whatever happens to it, hangs included, is its own matter: `error` says why it ended, None for no error.

    `summary` is there when it has ended without an error.
    """

    def __init__(
        self,
        name: str,
        options: argparse.Namespace,
        outputs: Outputs,
        shared: Sequence[SharedSink],
        live: bool,
        state: State,
        model: SharedModel,
        shadow: Optional[SharedShadow] = None,
    ) -> None:
        """`shared` are the outputs that it has together with others. `live` says whether a source that cannot be opened is tried again.

        Raises InputError for wrong zones.
        """
        super().__init__(name=f"camera {name}", daemon=True)
        self.summary: Optional[Summary] = None
        self.error: Optional[BaseException] = None
        # Whether its loop and its sinks are at work, which end soon when they are told to; a source may hang.
        self.is_running = False
        self._options = options
        self._outputs = outputs
        self._shared = tuple(shared)
        self._live = live
        self._state = state
        self._model = model
        self._shadow = shadow
        self._watch = make_watch(options, name)
        self._camera = name
        state.areas = self._watch
        state.source(name=redaction.address(options.source))

    def run(self) -> None:
        """Opens the source and runs until it ends, or the state says stop."""
        try:
            with contextlib.ExitStack() as stack:
                source = self._open()
                if source is not None:
                    stack.enter_context(source)
                # Opening may have taken longer than the run.
                if source is not None and not self._state.stopping:
                    self._run(source, stack)
        except BaseException as error:
            self.error = error
            print(f"camera {self._camera}: ended: {error_text(error)}", file=sys.stderr)
            self._state.source(error=error_text(error))
        finally:
            self._state.source(state="ended")

    def _open(self) -> Optional[Source]:
        """Opens the source, for as long as it takes; None where the run ends before."""
        tries = 0
        while not self._state.stopping:
            try:
                return open_source(self._options.source)
            except Exception as error:
                # Any error, as where a source is opened again: a driver that is not ready yet raises what it likes.
                retries = self._options.retries
                if not self._live or (retries is not None and tries >= retries):
                    raise
                if not tries:
                    print(f"camera {self._camera}: {error_text(error)}; trying again", file=sys.stderr)
            tries += 1
            self._state.source(state="reopening", retries=tries)
            if self._state.wait_for_stop(min(FIRST_WAIT * 2 ** min(tries - 1, 10), LONGEST_WAIT)):
                break
        return None

    def _run(self, source: Source, stack: contextlib.ExitStack) -> None:
        options, pending = self._options, PendingSwap()
        # Before it counts as running: a device that is closed for another model may take longer than a run has to end.
        active = self._model.join(options, pending)
        stack.callback(self._model.leave, pending)
        self.is_running = True
        stack.callback(self._has_ended)
        sinks: List[Sink] = [
            stack.enter_context(sink) for sink in open_sinks(source, self._outputs.json, self._outputs.specs)
        ]
        sinks += [shared.sink(self._camera) for shared in self._shared]
        if not sinks:
            sinks = [open_sink("console", source)]
        for sink in sinks:
            sink.camera = self._camera
        # A lane has what the loop needs of a worker, and a share what it needs of a second model.
        self.summary = run_loop(
            active.detector,
            source,
            sinks,
            options.frames,
            None,
            self._state,
            active.filters,
            loop_settings(options),
            reopen=lambda: open_source(options.source),
            workers=active.workers,
            pending=pending,
            shadow=self._shadow.share(sinks, self._state, frozenset(options.only or ())) if self._shadow else None,
            watch=self._watch,
        )

    def _has_ended(self) -> None:
        self.is_running = False

"""A run as its options describe it: engine, detector, source, filters, sinks, and the loop."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Any, Callable, List, Optional, Sequence

import runtime.sinks
from runtime.common import plugins
from runtime.common.errors import InputError
from runtime.filters import open_filters
from runtime.inference.detector import Detector
from runtime.inference.process.worker import Worker
from runtime.pipeline import active_model
from runtime.pipeline.active_model import Equipment, Exchange
from runtime.pipeline.capture import Playing
from runtime.pipeline.loop import Settings
from runtime.pipeline.loop import run as run_loop
from runtime.pipeline.model_swap import Reloader
from runtime.sinks import Sink, json_lines, open_sink
from runtime.sources import Source, open_source
from runtime.telemetry.health import HealthFile
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary

# A file gives up on an engine that does not start any more; a camera has time.
ATTEMPTS = 3


def detect(
    options: argparse.Namespace,
    extra: Sequence[Sink] = (),
    use: Callable[[State], None] = lambda state: None,
) -> Summary:
    """Does what the options (`runtime.config.arguments.parse`) say, with `extra` sinks to those they name.

    `use` gets the state of the run before it begins. Raises InputError before anything is written
    where the model, the source or a target is wrong.
    """
    with contextlib.ExitStack() as stack:
        # First of all, since the engine's process loads the model while this one goes on.
        file = active_model.settled(options.file)
        runners = active_model.start(options, file)
        stack.callback(active_model.close, runners)
        source = stack.enter_context(open_source(options.source))
        active_model.wait(runners)
        detector = active_model.detector(options, file, runners[0])
        filters = open_filters(options, detector.labels)
        out = [*options.out, *plugins.specs(runtime.sinks, options)]
        sinks = [stack.enter_context(sink) for sink in _sinks(source, options.json, out)]
        if not sinks and not extra:
            sinks = [open_sink("console", source)]
        _tell(options, detector, runners)
        state = State(detector.path, detector.labels, detector.score)
        attempts = None if source.live else ATTEMPTS
        workers = [Worker(runner, state, attempts) for runner in runners]
        exchange = Exchange()
        running = Equipment(detector, tuple(filters), tuple(workers), detector.score)
        stack.enter_context(Reloader(options, state, exchange, running, attempts))
        use(state)
        if options.health:
            # After `use`: whoever reads there that the run is alive may send it a signal.
            stack.enter_context(HealthFile(options.health, state))
        return run_loop(
            detector,
            source,
            [*sinks, *extra],
            options.frames,
            _progress(source, options.frames),
            state,
            filters,
            Settings(
                options.policy,
                Playing(options.realtime, options.loop, retries=options.retries),
                options.motion,
                tuple(options.roi),
            ),
            reopen=lambda: open_source(options.source),
            workers=workers,
            exchange=exchange,
        )


def _tell(options: argparse.Namespace, detector: Detector, runners: Sequence[Any]) -> None:
    for runner in runners:
        for note in runner.notes:
            print(f"warning: {note}", file=sys.stderr)
        print(f"engine: {runner.engine}, {runner.what}", file=sys.stderr)
    if not detector.labels_from:
        print(
            f'warning: {options.file}: no class names in it or beside it, so classes are called "class N"; '
            "give them with --labels",
            file=sys.stderr,
        )


def _sinks(source: Source, json: Optional[str], out: Sequence[str]) -> List[Sink]:
    if [*out, json].count("-") > 1:
        raise InputError("-: standard output can take the results only once")
    sinks = [json_lines.connect(json, source)] if json else []
    return sinks + [open_sink(spec, source) for spec in out]


def _progress(source: Source, frames: Optional[int]) -> Optional[Callable[[int], None]]:
    """Counts frames on a terminal's standard error; elsewhere there is nobody to watch."""
    if not sys.stderr.isatty() or source.frames == 1 or source.live:
        return None
    total = min(filter(None, (source.frames, frames)), default=None)

    def show(done: int) -> None:
        if done == total or done % 10 == 0:
            of = f" of {total}" if total else ""
            end = "\n" if done == total else ""
            print(f"\r{done}{of} frames", end=end, file=sys.stderr, flush=True)

    return show

"""Builds a run from its options: engines, detector, source, filters, sinks, and the loop."""

from __future__ import annotations

import argparse
import contextlib
import sys
from functools import partial
from typing import Callable, List, Optional, Sequence, Tuple

import runtime.sinks
from runtime.boxes import tiles
from runtime.common import plugins
from runtime.common.errors import InputError
from runtime.common.values import Detection, Frame
from runtime.filters import open_filters
from runtime.inference.detector import Detector
from runtime.inference.interpreter import Runner
from runtime.inference.process.worker import Worker
from runtime.pipeline import active_model, output_files
from runtime.pipeline.active_model import ActiveModel, PendingSwap
from runtime.pipeline.capture import Playback
from runtime.pipeline.followed_shadow import open_shadow
from runtime.pipeline.loop import Settings
from runtime.pipeline.loop import run as run_loop
from runtime.pipeline.model_swap import Reloader
from runtime.sinks import Sink, json_lines, open_sink
from runtime.sources import Source, open_source
from runtime.telemetry.health import HealthFile
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary
from runtime.zones.watch import Save, Watch

# Failed starts of an engine in a row after which a run ends; without limit with a live source.
ATTEMPTS = 3


def detect(
    options: argparse.Namespace,
    extra: Sequence[Sink] = (),
    use: Callable[[State], None] = lambda state: None,
    loading: Callable[[Sequence[Runner]], None] = lambda runners: None,
) -> Summary:
    """Runs the detector as the options (`runtime.config.arguments.parse`) say, and returns the summary.

    `extra` sinks are added to those that the options name. `use` is called with the state of the run
    before it begins, and `loading` before that, with the engines that load the model. Raises InputError if the model, the source or a target is wrong; nothing has been
    written by then.
    """
    if options.sources:
        raise InputError("this runs one camera; give one source, without sources in the configuration file")
    with contextlib.ExitStack() as stack:
        # First, so that the engine's process loads the model while this one opens the source.
        file = active_model.resolved_path(options.file)
        runners = active_model.start_engines(options, file)
        stack.callback(active_model.close_engines, runners)
        loading(runners)
        source = stack.enter_context(open_source(options.source))
        active_model.wait_until_loaded(runners)
        detector = active_model.make_detector(options, file, runners[0])
        filters = open_filters(options, detector.labels)
        out = [*options.out, *plugins.specs(runtime.sinks, options)]
        output_files.check(options, source, detector.path, detector.labels_from, out)
        sinks = [stack.enter_context(sink) for sink in open_sinks(source, options.json, out)]
        if not sinks and not extra:
            sinks = [open_sink("console", source)]
        print_start(options, detector, runners)
        state = State(detector.path, detector.labels, detector.score, detector.scores)
        state.areas = watch = make_watch(options)
        attempts = None if source.live else ATTEMPTS
        workers = [Worker(runner, state, attempts) for runner in runners]
        pending = PendingSwap()
        running = ActiveModel(detector, tuple(filters), tuple(workers), detector.score)
        stack.enter_context(Reloader(options, state, pending, running, attempts))
        use(state)
        if options.health:
            # After `use`, which installs signal handlers: a reader of the file may send a signal at once.
            stack.enter_context(HealthFile(options.health, state))
        shadow = None
        if options.shadow:

            def deliver(frame: Frame, counted: Tuple[Detection, ...], other: Tuple[Detection, ...]) -> None:
                for sink in sinks:
                    sink.compare(frame, counted, other)

            shadow = stack.enter_context(open_shadow(options, state, deliver))
        return run_loop(
            detector,
            source,
            [*sinks, *extra],
            options.frames,
            _progress(source, options.frames),
            state,
            filters,
            loop_settings(options),
            reopen=lambda: open_source(options.source),
            workers=workers,
            pending=pending,
            shadow=shadow,
            watch=watch,
        )


def loop_settings(options: argparse.Namespace) -> Settings:
    """The settings of the loop that the options ask for."""
    return Settings(
        options.policy,
        Playback(options.realtime, options.loop, retries=options.retries),
        options.motion,
        tuple(options.roi),
        tuple(options.mask),
        options.blur or (),
    )


def make_watch(options: argparse.Namespace, camera: str = "") -> Watch:
    """Counts at the zones and lines of the options. What is drawn is saved in the configuration file that holds them.

    With `camera`, it is saved in the entry of that camera.
    """
    save: Optional[Save] = None
    if options.areas_file:
        from runtime.config.config_edit import set_item

        save = partial(set_item, options.areas_file, camera=camera)
    given = [*options.zone, *options.line]
    return Watch(given, options.anchor, options.track_lost, options.track, save)


def print_start(options: argparse.Namespace, detector: Detector, runners: Sequence[Runner]) -> None:
    """Prints which engines run the model, and what is wrong with its class names."""
    for runner in runners:
        for note in runner.notes:
            print(f"warning: {note}", file=sys.stderr)
        print(f"engine: {runner.engine}, {runner.what}", file=sys.stderr)
    advice = tiles.advice(options.file, detector.trained_tiles, detector.tiles)
    if advice:
        print(advice, file=sys.stderr)
    if detector.labels_warning:
        print(f"warning: {detector.labels_warning}", file=sys.stderr)
    if not detector.labels_from:
        print(
            f'warning: {options.file}: no class names in it or beside it, so classes are called "class N"; '
            "give them with --labels",
            file=sys.stderr,
        )


def open_sinks(source: Source, json: Optional[str], out: Sequence[str]) -> List[Sink]:
    """The sinks for `--json` and for the specs `out`. Raises InputError."""
    if [*out, json].count("-") > 1:
        raise InputError("-: standard output can take the results only once")
    sinks = [json_lines.connect(json, source)] if json else []
    return sinks + [open_sink(spec, source) for spec in out]


def _progress(source: Source, frames: Optional[int]) -> Optional[Callable[[int], None]]:
    """A function that prints the number of frames on standard error; None if that is not a terminal."""
    if not sys.stderr.isatty() or source.frames == 1 or source.live:
        return None
    total = min(filter(None, (source.frames, frames)), default=None)

    def show(done: int) -> None:
        if done == total or done % 10 == 0:
            of = f" of {total}" if total else ""
            end = "\n" if done == total else ""
            print(f"\r{done}{of} frames", end=end, file=sys.stderr, flush=True)

    return show

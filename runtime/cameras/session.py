"""Builds a run of several cameras from its options: one model and its engines, and a thread with a loop for each camera.

camera -> its queue -> prepared -> its lane ┐                ┌ its lane -> filters, zones -> its sinks
camera -> its queue -> prepared -> its lane ┴ shared engines ┴ its lane -> filters, zones -> its sinks
"""

from __future__ import annotations

import argparse
import contextlib
import time
from typing import Callable, Dict, List, Tuple

from runtime.cameras import outputs
from runtime.cameras.camera import Camera
from runtime.cameras.outputs import Outputs, Unopened
from runtime.cameras.shared_model import SharedModel
from runtime.cameras.shared_shadow import SharedShadow
from runtime.cameras.summaries import Summaries
from runtime.common.errors import InputError
from runtime.common.native_output import messages_apart
from runtime.common.values import Labels
from runtime.filters import Filter
from runtime.inference.process.worker import Worker
from runtime.pipeline import active_model
from runtime.pipeline.active_model import ActiveModel
from runtime.pipeline.capture import error_text
from runtime.pipeline.followed_shadow import open_shadow
from runtime.pipeline.model_swap import Reloader
from runtime.pipeline.session import ATTEMPTS, print_start
from runtime.sinks import SharedSink, open_shared
from runtime.sources import is_live
from runtime.telemetry.cameras import CamerasState
from runtime.telemetry.health import HealthFile
from runtime.telemetry.state import State

# Seconds after which the main thread notices that a stop was asked for.
_TICK = 0.1
# Seconds that loops have to end, all together; each takes less than two.
_END_SECONDS = 10.0
# Seconds that sources have to open or close then.
_SOURCE_SECONDS = 0.3


# Options, outputs, and what is known of the source.
_Described = Tuple[argparse.Namespace, Outputs, Unopened]


def detect_all(options: argparse.Namespace, use: Callable[[State], None] = lambda state: None) -> Summaries:
    """Runs the cameras in `options.sources` (`runtime.config.arguments.parse`), and returns their summaries.

    `use` is called with the state of the run before it begins. A camera that ends with an error does not end the others.
    Raises InputError if the model, a target or the name of a file is wrong; nothing has been written by then.
    """
    begin = time.perf_counter()
    with contextlib.ExitStack() as stack:
        # A camera that opens a file must not swallow what others have to say.
        stack.enter_context(messages_apart())
        file = active_model.resolved_path(options.file)
        runners = active_model.start_engines(options, file)
        stack.callback(active_model.close_engines, runners)
        cameras = {name: _described(name, own) for name, own in options.sources.items()}
        active_model.wait_until_loaded(runners)
        detector = active_model.make_detector(options, file, runners[0])
        outputs.check(cameras, detector.path, detector.labels_from, options.health)
        for name, (_, made, source) in cameras.items():
            for reason in outputs.wrong_specs(made, source):
                raise InputError(f"{name}: {reason}")
        print_start(options, detector, runners)
        state = CamerasState(cameras, detector.path, detector.labels, detector.score, detector.scores)
        attempts = None if any(source.live for _, _, source in cameras.values()) else ATTEMPTS
        workers = tuple(Worker(runner, state, attempts) for runner in runners)
        running = ActiveModel(detector, (), workers, detector.score)
        model = SharedModel(running)
        stack.callback(model.end)
        for name, own in options.sources.items():
            _check(name, own, model, model.labels)
            for_all = [score for label, score in own.score if not label]
            if for_all:
                state.cameras[name].score = for_all[-1]
                state.own_score.add(name)
        state.engine(name=detector.engine, package=detector.runner.package, state="running")
        stack.enter_context(
            Reloader(options, state, model, running, attempts, lambda labels: _check_all(options, model, labels))
        )
        use(state)
        if options.health:
            stack.enter_context(HealthFile(options.health, state))
        shadow = None
        if options.shadow:
            shadow = stack.enter_context(SharedShadow(lambda deliver: open_shadow(options, state, deliver)))
        shared = _open_shared(cameras, state, stack)
        threads = [
            Camera(
                name, own, made, [shared[spec] for spec in made.shared], source.live, state.cameras[name], model, shadow
            )
            for name, (own, made, source) in cameras.items()
        ]  # fmt: skip
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) and not state.stopping and model.error is None:
                # Not by waiting for the stop: a signal's handler, which runs in this thread, could find its lock taken.
                time.sleep(_TICK)
        finally:
            state.stop()
            _join(threads)
        return _summaries(dict(zip(cameras, threads)), time.perf_counter() - begin, state.snapshot()["engine"]["restarts"])


def _described(name: str, options: argparse.Namespace) -> _Described:
    try:
        source = Unopened(options.source, is_live(options.source))
        if not source.live and source.path is None and "://" not in options.source:
            raise InputError(f"{options.source}: no such file or folder")
        return options, Outputs.of(name, options), source
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _check(name: str, options: argparse.Namespace, model: SharedModel, labels: Labels) -> None:
    """Raises InputError where the options of the camera `name` name a class that is not in `labels`."""
    try:
        model.check(labels, [options])
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _check_all(options: argparse.Namespace, model: SharedModel, labels: Labels) -> Tuple[Filter, ...]:
    """Nothing. As `_check`, for all cameras."""
    for name, own in options.sources.items():
        _check(name, own, model, labels)
    return ()


def _open_shared(cameras: Dict[str, _Described], state: CamerasState, stack: contextlib.ExitStack) -> Dict[str, SharedSink]:
    """The outputs that cameras have together, by spec; they begin before any camera does."""
    found: Dict[str, SharedSink] = {}
    specs = dict.fromkeys(spec for _, made, _ in cameras.values() for spec in made.shared)
    for spec in specs:
        found[spec] = stack.enter_context(open_shared(spec))
    for spec, shared in found.items():
        shared.start({name: state.cameras[name] for name, (_, made, _) in cameras.items() if spec in made.shared})
    return found


def _join(threads: List[Camera]) -> None:
    """Waits until all loops have ended and their sinks are closed. Sources that hang are left to themselves."""
    begin = last = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        now = time.monotonic()
        if any(thread.is_running for thread in threads):
            last = now
        if now - begin > _END_SECONDS or now - last > _SOURCE_SECONDS:
            return
        time.sleep(_TICK / 10)


def _summaries(threads: Dict[str, Camera], seconds: float, restarts: int) -> Summaries:
    errors = {name: error_text(thread.error) for name, thread in threads.items() if thread.error is not None}
    found = {name: thread.summary for name, thread in threads.items() if thread.summary is not None}
    return Summaries(found, errors, seconds, restarts)

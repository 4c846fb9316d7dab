from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from runtime import Box, Detector, Frame, KitError
from runtime.areas.areas import line, zone
from runtime.filters.track import Tracker
from runtime.frames.masks import mask
from runtime.frames.queue import BLOCK, Policy
from runtime.frames.regions import Region, region
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter
from runtime.inference.process.engine import EngineLost, EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.inference.process.worker import Worker
from runtime.pipeline import loop
from runtime.pipeline.active_model import ActiveModel, PendingSwap
from runtime.pipeline.capture import Playback
from runtime.pipeline.loop import Settings
from runtime.pipeline.sink_thread import distinct
from runtime.sinks import Sink, open_sink
from runtime.sources import Source, open_source
from runtime.telemetry.state import State
from runtime.zones.watch import Watch
from tests.support import tiny_detector

# Seconds after which a thread that waits gives up, on whatever machine.
PATIENCE = 120


class Counter(Source):
    name = "counter"
    asked = 0
    count = 10

    def __iter__(self):
        for index in range(self.count):
            self.asked += 1
            yield Frame(np.full((4, 4, 3), index, np.uint8), index)
        self.skipped = 2


class Keeper(Sink):
    name = "keeper"

    def __init__(self):
        self.kept = []
        self.frames = []

    def write(self, frame, detections):
        self.kept.append((frame.index, len(detections)))
        self.frames.append((frame, detections))

    @property
    def indices(self):
        return [index for index, _ in self.kept]


class Slow:
    """An engine in this process that waits for `go` before each run."""

    def __init__(self, path):
        self._interpreter = Interpreter(path)
        self.go = threading.Semaphore(0)
        self.began = threading.Semaphore(0)

    def __getattr__(self, name):
        return getattr(self._interpreter, name)

    def invoke(self, tensor):
        self.began.release()
        assert self.go.acquire(timeout=PATIENCE)
        return self._interpreter.invoke(tensor)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    # With a signature, the detector need not run once to know its outputs.
    path.write_bytes(tiny_detector.build(signature={f"output_{3 - role}": role for role in range(4)}))
    return path


def test_every_frame_goes_to_every_sink_in_order(path):
    sinks, done = [Keeper(), Keeper()], []
    summary = loop.run(Detector(path), Counter(), sinks, progress=done.append)
    assert sinks[0].kept == sinks[1].kept == [(index, 2) for index in range(10)]
    assert done == list(range(1, 11))
    assert (summary.frames, summary.detections, summary.skipped) == (10, 20, 2)
    assert min(summary.preprocess_ms, summary.invoke_ms, summary.postprocess_ms, summary.fps) > 0
    assert str(summary).startswith("10 frames, 20 detections, 2 skipped; ")


def test_it_reads_no_more_frames_than_it_should(path):
    source = Counter()
    assert loop.run(Detector(path), source, [], frames=3).frames == 3
    assert source.asked == 3


def test_errors_of_a_sink_end_the_run(path):
    class Broken(Keeper):
        def write(self, frame, detections):
            raise KitError("disk full")

    with pytest.raises(KitError, match="disk full"):
        loop.run(Detector(path), Counter(), [Broken()])


def test_errors_of_a_source_end_the_run_when_its_frames_are_done(path):
    class Broken(Counter):
        def __iter__(self):
            yield from super().__iter__()
            raise KitError("cut short")

    keeper = Keeper()
    with pytest.raises(KitError, match="cut short"):
        loop.run(Detector(path), Broken(), [keeper])
    assert keeper.indices == list(range(10))


def test_a_sink_that_cannot_begin_ends_the_run_before_it_starts(path):
    class Unable(Keeper):
        def attach(self, state):
            raise KitError("port in use")

    source = Counter()
    with pytest.raises(KitError, match="port in use"):
        loop.run(Detector(path), source, [Unable()])
    assert source.asked == 0


def test_an_empty_run_has_a_summary():
    assert str(loop.Summary(0, 0, 0, 0.0, 0.0, 0.0, 0.0)).startswith("0 frames, 0 detections; ")
    whole = str(loop.Summary(9, 1, 0, 1.0, 0.0, 0.0, 0.0, dropped=3, still=4, gaps=1, restarts=2, collected=5))
    assert whole.startswith(
        "9 frames, 1 detection, 3 dropped, 4 without motion, 1 gap in the source, 2 restarts of the engine, 5 collected in all; "
    )


def test_sinks_see_the_state_of_the_run_and_can_change_its_threshold(path):
    class Watcher(Keeper):
        name = "watcher"

        def attach(self, state):
            self.state = state
            self.at_first = state.snapshot()

        def write(self, frame, detections):
            super().write(frame, detections)
            if frame.index == 4:
                self.state.score = 0.8
            if frame.index == 7:
                self.state.stop()
            written.release()

    class OneByOne(Counter):
        """Yields a frame when the one before it has been written."""

        def __iter__(self):
            for frame in super().__iter__():
                yield frame
                written.acquire()

    written = threading.Semaphore(0)
    watcher = Watcher()
    loop.run(Detector(path), OneByOne(), [watcher])
    assert (watcher.at_first["model"], watcher.at_first["frames"]) == ("tiny.tflite", 0)
    assert watcher.at_first["dropped"]["sinks"] == {"watcher": 0}
    assert watcher.at_first["source"] == {"name": "counter", "state": "starting", "retries": 0}
    assert watcher.kept == [(index, 2 if index <= 4 else 1) for index in range(8)]
    shown = watcher.state.snapshot()
    assert (shown["frames"], shown["detections"]) == (8, 13)
    assert list(shown["latency"]) == ["capture", "preprocess", "invoke", "postprocess", "total"]


class Camera(Counter):
    """An endless source that yields a frame on request."""

    live = True

    def __init__(self):
        self.give = threading.Semaphore(0)
        self.taken = threading.Semaphore(0)

    def __iter__(self):
        index = 0
        while self.give.acquire(timeout=PATIENCE):
            yield Frame(np.full((4, 4, 3), index, np.uint8), index, 1e9 + index)
            index += 1
            self.taken.release()


def started(path, camera, frames, settings=Settings(), sinks=()):
    """The loop in a thread, with its slow engine and its result."""
    engine, outcome, state = Slow(path), [], State()
    thread = threading.Thread(
        target=lambda: outcome.append(
            loop.run(Detector(path, runner=engine), camera, sinks, frames, state=state, settings=settings)
        ),
        daemon=True,
    )
    thread.start()
    return thread, engine, outcome, state


def give(camera, count):
    for _ in range(count):
        camera.give.release()
        assert camera.taken.acquire(timeout=PATIENCE)


@pytest.mark.parametrize(("policy", "waiting"), [(None, 1), (Policy("latest", 1), 1), (Policy("drop-oldest", 3), 3)])
def test_a_camera_that_is_faster_than_the_engine(path, policy, waiting):
    camera, keeper = Camera(), Keeper()
    thread, engine, outcome, state = started(path, camera, None, Settings(policy), [keeper])
    give(camera, 1)
    assert engine.began.acquire(timeout=PATIENCE)
    give(camera, 9)
    # One at a time: of a live source, a sink that is behind by more than its queue misses frames too.
    while 9 not in keeper.indices:
        written = len(keeper.frames)
        engine.go.release()
        until(lambda: len(keeper.frames) > written)  # noqa: B023
    state.stop()
    thread.join(PATIENCE)
    kept = keeper.indices
    assert kept[0] == 0 and kept[-waiting:] == list(range(10 - waiting, 10))
    # Beside those that wait in the queue, the engine has one, or two where it may have more under
    # way, and one is prepared.
    assert len(kept) <= waiting + 3 and len(kept) + outcome[0].dropped == 10
    assert [frame.time for frame, _ in keeper.frames] == [1e9 + index for index in kept]


def test_a_live_engine_gets_the_newest_frame_from_the_thread_that_collects(path):
    camera, keeper = Camera(), Keeper()
    thread, engine, outcome, state = started(path, camera, None, sinks=[keeper])
    give(camera, 1)
    assert engine.began.acquire(timeout=PATIENCE)
    give(camera, 9)
    # All but the newest are replaced, wherever they waited.
    until(lambda: state.snapshot()["dropped"]["source"] == 8)
    engine.go.release(2)
    until(lambda: len(keeper.frames) == 2)
    state.stop()
    thread.join(PATIENCE)
    assert keeper.indices == [0, 9] and outcome[0].dropped == 8


def test_a_frame_that_waits_goes_nowhere_once_a_newer_one_is_offered():
    """An engine may be free while an older frame still waits for its thread to hand it over."""
    gone, submitted = [], []
    worker = SimpleNamespace(has_room=lambda slots: True)
    running = SimpleNamespace(
        _prepare=lambda arrival: (arrival, None),
        _changed=threading.Condition(),
        _newest=("older", None),
        _active=SimpleNamespace(workers=[worker]),
        _state=SimpleNamespace(dropped_by_source=lambda: gone.append("older")),
        _submit=lambda to, *prepared: submitted.append(prepared[0]),
    )
    loop._Loop._offer(running, "newer")
    assert (submitted, gone, running._newest) == (["newer"], ["older"], None)


def test_the_last_frame_that_was_asked_for_is_one_that_waits(path):
    camera, keeper = Camera(), Keeper()
    thread, engine, outcome, _ = started(path, camera, 2, sinks=[keeper])
    give(camera, 2)
    engine.go.release(2)
    # It ends by itself, while the camera would go on.
    until(lambda: camera.give.release() or not thread.is_alive())
    assert outcome[0].frames == 2 == len(keeper.indices)


def test_a_frame_that_waits_when_the_run_is_given_up_is_counted(path, monkeypatch):
    monkeypatch.setattr(loop, "ENGINE_SECONDS", 0.0)
    camera = Camera()
    thread, engine, _, state = started(path, camera, None)
    give(camera, 1)
    assert engine.began.acquire(timeout=PATIENCE)
    give(camera, 3)
    until(lambda: state.snapshot()["dropped"]["source"] == 2)
    state.stop()
    until(lambda: state.snapshot()["dropped"]["source"] == 3)
    engine.go.release(9)
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize("policy", [None, BLOCK])
def test_a_frame_that_waits_goes_to_the_model_that_takes_over(path, policy):
    class Counted(Interpreter):
        runs = 0

        def invoke(self, tensor):
            self.runs += 1
            return super().invoke(tensor)

    before, after, state, camera, keeper = Slow(path), Counted(path), State(), Camera(), Keeper()
    waiting = 1 if policy is None else SLOTS
    pending, detector, outcome = PendingSwap(), Detector(path, runner=after), []
    model = ActiveModel(detector, (), (Worker(after, state),), 0.5)
    thread = threading.Thread(
        target=lambda: outcome.append(
            loop.run(
                Detector(path, runner=before), camera, [keeper], state=state, settings=Settings(policy), pending=pending
            )
        ),
        daemon=True,
    )
    thread.start()
    # The first is in the engine before there is another, which would replace it in the queue.
    give(camera, 1)
    assert before.began.acquire(timeout=PATIENCE)
    give(camera, waiting)
    until(lambda: pending.frame.index == waiting)
    pending.offer(lambda drain: model)
    until(lambda: after.runs == 1)
    for written in range(waiting):
        assert len(keeper.frames) == written
        before.go.release()
        until(lambda: len(keeper.frames) > written)  # noqa: B023
    until(lambda: len(keeper.frames) == waiting + 1)
    state.stop()
    thread.join(PATIENCE)
    assert keeper.indices == list(range(waiting + 1)) and after.runs == 1 and outcome[0].dropped == 0


def test_another_model_with_filters_of_its_own_renumbers_nothing(path):
    """What is counted and recorded goes by the numbers, which must mean the same objects in the whole run."""
    pytest.importorskip("edgefirst.tracker")
    other, keeper, pending = Detector(path), Keeper(), PendingSwap()
    state, taken = State(), []

    class Swapping(Counter):
        def __iter__(self):
            for frame in super().__iter__():
                if frame.index == 5:
                    pending.offer(lambda drain: taken.append(1) or model)
                yield replace(frame, time=frame.index / 10)

    model = ActiveModel(other, (Tracker(),), (Worker(other.runner, state),), 0.5)
    loop.run(Detector(path), Swapping(), [keeper], state=state, filters=[Tracker()], pending=pending)
    assert taken and len(keeper.frames) == 10
    assert {tuple(found.track for found in detections) for _, detections in keeper.frames} == {(1, 2)}


def until(true):
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


def test_without_motion_the_engine_is_not_used(path):
    class Door(Counter):
        """Three images: empty, with an object, empty."""

        def __iter__(self):
            for index in range(12):
                image = np.zeros((60, 80, 3), np.uint8)
                image[20:40, 20:40] = 255 if 4 <= index < 6 else 0
                yield Frame(image, index)

    keeper = Keeper()
    summary = loop.run(Detector(path), Door(), [keeper], settings=Settings(motion=0.01))
    assert keeper.indices == [0, 4, 5] and summary.still == 9


def test_a_region_is_what_the_detector_sees_and_boxes_are_in_the_whole_image(path):
    class Wide(Counter):
        def __iter__(self):
            yield Frame(np.zeros((100, 200, 3), np.uint8))

    keeper = Keeper()
    loop.run(Detector(path), Wide(), [keeper], settings=Settings(regions=(region("100,0,200,50"),)))
    (_, detections) = keeper.frames[0]
    assert detections[0].box.as_tuple() == pytest.approx((120, 5, 160, 25))
    assert detections[1].box == Box(100, 0, 200, 50)


def test_a_size_that_changes_in_the_middle(path, tmp_path):
    class Growing(Counter):
        fps = 10.0

        def __iter__(self):
            for index in range(10):
                yield Frame(np.full((40 + 20 * index, 60 + 10 * index, 3), 20 * index, np.uint8), index, index / 10)

    source, keeper = Growing(), Keeper()
    sinks = [open_sink(str(tmp_path / name), source) for name in ("a.mp4", "b.avi", "out", "c.jsonl")]
    settings = Settings(regions=(region("0.5,0,1,1"),), motion=0.001)
    summary = loop.run(Detector(path), source, [*sinks, keeper], settings=settings)
    for sink in sinks:
        sink.close()
    assert summary.frames == 10
    assert [detections[1].box.xmax for _, detections in keeper.frames] == [60 + 10 * index for index in range(10)]
    assert len(list(open_source(str(tmp_path / "a.mp4")))) == len(list((tmp_path / "out").iterdir())) == 10


def test_a_mask_is_black_for_the_motion_gate_and_every_sink(path):
    class Moving(Counter):
        """Only the left half changes."""

        def __iter__(self):
            for index in range(6):
                image = np.full((60, 80, 3), 90, np.uint8)
                image[:, :40] = 40 * index
                yield Frame(image, index)

    keeper, masks = Keeper(), (mask("0,0,0.5,0,0.5,1,0,1"),)
    summary = loop.run(Detector(path), Moving(), [keeper], settings=Settings(masks=masks, motion=0.01))
    assert keeper.indices == [0] and summary.still == 5
    image = keeper.frames[0][0].image
    assert not image[:, :40].any() and (image[:, 42:] == 90).all()


def test_blurred_classes_are_unrecognizable_for_every_sink_also_where_a_filter_leaves_them_out(path):
    class Noise(Counter):
        def __iter__(self):
            yield Frame(np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8))

    # The model finds class 1 at the left top with 0.9, class 2 at the right with 0.25.
    keeper = Keeper()
    settings = Settings(blurred=("class 1", "class 2"))
    loop.run(Detector(path, score=0.95), Noise(), [keeper], settings=settings, filters=[lambda frame, found: ()])
    image = keeper.frames[0][0].image
    assert keeper.kept == [(0, 0)]
    for part, tiles in ((image[10:50, 20:60], 36), (image[0:40, 50:100], 36), (image[60:, :], 4000)):
        assert (len(np.unique(part.reshape(-1, 3), axis=0)) <= 49) == (tiles == 36)


def test_what_is_told_at_a_low_threshold_is_blurred_too(tmp_path):
    class Noise(Counter):
        def __iter__(self):
            yield Frame(np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8))

    scores = ("c", np.array([[0.9, 0.75, 0.05]], np.float32))
    path = tmp_path / "faint.tflite"
    path.write_bytes(tiny_detector.build([*tiny_detector.OUTPUTS[:2], scores, tiny_detector.OUTPUTS[3]]))
    keeper = Keeper()
    loop.run(Detector(path, score=0.04), Noise(), [keeper], settings=Settings(blurred=("class 2",)))
    assert keeper.kept == [(0, 3)]
    assert len(np.unique(keeper.frames[0][0].image[0:40, 50:100].reshape(-1, 3), axis=0)) <= 49


def test_with_regions_what_lies_beside_them_is_blurred_too(path):
    class Noise(Counter):
        def __iter__(self):
            yield Frame(np.random.default_rng(0).integers(0, 255, (100, 200, 3)).astype(np.uint8))

    # Seen are 0 to 160; class 1 is found from 32 to 96 and lies in none of the regions.
    regions = (Region(0.0, 0.0, 0.05, 1.0, False), Region(0.75, 0.0, 0.8, 1.0, False))
    keeper = Keeper()
    loop.run(Detector(path), Noise(), [keeper], settings=Settings(regions=regions, blurred=("class 1",)))
    image = keeper.frames[0][0].image
    assert keeper.kept == [(0, 0)]
    for part in (image[10:50, 32:96], image[:, 160:]):
        assert len(np.unique(part.reshape(-1, 3), axis=0)) <= 49
    assert len(np.unique(image[60:, :160].reshape(-1, 3), axis=0)) > 4000


def test_a_region_in_pixels_keeps_its_place_where_a_camera_comes_back_with_another_size(path):
    class Camera(Counter):
        live = True

        def __iter__(self):
            for index, (width, height) in enumerate(((200, 100), (100, 50), (400, 200))):
                yield Frame(np.zeros((height, width, 3), np.uint8), index)

    seen = []
    detector = Detector(path)
    preprocess = detector.inputs
    detector.inputs = lambda image, color: seen.append(image.shape[:2]) or preprocess(image, color)
    settings = Settings(regions=(region("100,50,200,100"),), policy=BLOCK)
    assert loop.run(detector, Camera(), [Keeper()], frames=3, settings=settings).frames == 3
    assert seen == [(50, 100), (25, 50), (100, 200)]


def test_a_sink_with_a_floor_also_gets_what_is_below_the_threshold(path):
    class Doubter(Keeper):
        floor = 0.2

        def write_all(self, frame, detections, candidates):
            super().write(frame, candidates)

    doubter, keeper = Doubter(), Keeper()
    loop.run(Detector(path, score=0.8), Counter(), [doubter, keeper], frames=2)
    assert doubter.kept == [(0, 2), (1, 2)] and keeper.kept == [(0, 1), (1, 1)]


def test_filters_work_one_after_the_other(path):
    keeper = Keeper()
    change = [lambda frame, found: found[:1], lambda frame, found: found * 3]
    loop.run(Detector(path), Counter(), [keeper], filters=change, frames=2)
    assert keeper.kept == [(0, 3), (1, 3)]


def test_a_slow_network_sink_does_not_slow_the_run(path):
    class Stuck(Keeper):
        name = "stuck"
        lossless = False
        release = threading.Event()

        def write(self, frame, detections):
            self.release.wait(PATIENCE)

    class Camera(Counter):
        live = True
        count = 40

    state, stuck, keeper = State(), Stuck(), Keeper()
    keeper.lossless = False
    summary = loop.run(
        Detector(path), Camera(), [stuck, keeper], frames=40, state=state, settings=Settings(BLOCK)
    )
    assert summary.frames == 40
    assert state.snapshot()["dropped"]["sinks"]["stuck"] == 39
    stuck.release.set()


class Replaced(Worker):
    """Loses the jobs in `lost`, as a worker does whose process hung."""

    def __init__(self, path, state, lost=()):
        super().__init__(Interpreter(path), state)
        self.lost = lost

    def next(self, tell_room):
        job, outcome = super().next(tell_room)
        if job is not None and job.number in self.lost:
            return job, loop.Lost("hung")
        return job, outcome


def test_frames_that_an_engine_was_lost_with_are_counted(path):
    state, keeper = State(), Keeper()
    workers = [Replaced(path, state, lost=(3, 4, 9))]
    summary = loop.run(Detector(path), Counter(), [keeper], state=state, workers=workers)
    assert keeper.indices == [0, 1, 2, 5, 6, 7, 8]
    assert (summary.frames, summary.dropped) == (7, 3)
    assert state.snapshot()["dropped"]["engine"] == 3


@pytest.mark.skipif(os.name != "posix", reason="engines have processes of their own on POSIX only")
@pytest.mark.parametrize("hang", [False, True])
def test_an_engine_that_is_lost_with_all_its_slots_full_costs_one_frame(path, hang):
    camera, keeper, state = Camera(), Keeper(), State()
    # What waited comes out at once afterwards, and a sink of a live source would miss some of it.
    camera.live = False
    with EngineProcess(path, Request("cpu", threads=1), hang=PATIENCE) as process:
        process.wait_until_ready()
        worker, outcome = Worker(process, state), []
        thread = threading.Thread(
            target=lambda: outcome.append(
                loop.run(
                    Detector(path, runner=process), camera, [keeper], 9, state=state, settings=Settings(BLOCK), workers=[worker]
                )
            ),
            daemon=True,
        )
        thread.start()
        give(camera, 1)
        until(lambda: keeper.indices == [0])
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        give(camera, SLOTS)
        until(lambda: process.in_flight == SLOTS)
        if hang:
            process._limit = 0.0
        else:
            process.interrupt()
        camera.give.release(9 - 1 - SLOTS)
        thread.join(PATIENCE)
    assert keeper.indices == [0, *range(2, 9)]
    assert (outcome[0].frames, outcome[0].dropped, outcome[0].restarts) == (8, 1, 1)
    assert state.snapshot()["dropped"]["engine"] == 1


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has kinds of threads")
def test_the_thread_that_collects_gives_way_and_the_callers_does_not(path):
    kinds = []

    def note(frame, found):
        kinds.append(os.sched_getscheduler(0))
        return found

    loop.run(Detector(path), Counter(), [], filters=[note])
    assert set(kinds) == {os.SCHED_BATCH} and os.sched_getscheduler(0) == os.SCHED_OTHER


def test_several_engines_share_the_frames_and_keep_their_order(path):
    class Jittery(Worker):
        def next(self, tell_room):
            found = super().next(tell_room)
            if found[0] is not None and found[0].number % 3 == 0:
                time.sleep(0.01)
            self.served += found[0] is not None
            return found

    class Many(Counter):
        count = 60

    state, keeper = State(), Keeper()
    workers = [Jittery(Interpreter(path), state) for _ in range(3)]
    for worker in workers:
        worker.served = 0
    loop.run(Detector(path), Many(), [keeper], state=state, workers=workers)
    assert keeper.indices == list(range(60))
    assert sum(worker.served for worker in workers) == 60 and all(worker.served for worker in workers)


def test_an_engine_that_is_gone_for_good_ends_the_run(path):
    class Gone(Worker):
        def next(self, tell_room):
            raise EngineLost("given up")

    state = State()
    with pytest.raises(KitError, match="given up"):
        loop.run(Detector(path), Counter(), [], state=state, workers=[Gone(Interpreter(path), state)])


def test_a_stop_keeps_frames_in_work(path):
    camera, keeper = Camera(), Keeper()
    thread, engine, outcome, state = started(path, camera, None, sinks=[keeper])
    give(camera, 1)
    assert engine.began.acquire(timeout=PATIENCE)
    state.stop()
    engine.go.release()
    thread.join(PATIENCE)
    assert not thread.is_alive() and keeper.indices == [0] and outcome[0].frames == 1


def test_real_time_is_a_camera(path):
    class Clip(Counter):
        def __iter__(self):
            for index in range(5):
                yield Frame(np.zeros((4, 4, 3), np.uint8), index, index / 50)

    begin = time.monotonic()
    loop.run(Detector(path), Clip(), [], settings=Settings(playback=Playback(realtime=True)))
    assert time.monotonic() - begin >= 4 / 50


def test_a_sink_on_the_main_thread_is_called_there(path):
    class Window(Keeper):
        on_main_thread = True

        def write(self, frame, detections):
            super().write(frame, detections)
            self.thread = threading.current_thread()

    window = Window()
    loop.run(Detector(path), Counter(), [window])
    assert window.indices == list(range(10)) and window.thread is threading.current_thread()


def test_sinks_of_one_kind_have_names_of_their_own():
    assert distinct(["video", "mqtt", "video", "video"]) == ["video", "mqtt", "video 2", "video 3"]


def test_the_age_of_a_result_counts_from_the_arrival_of_its_frame(path):
    """All the time that a frame waits, in the queue and for the engine, is in the total."""
    camera, keeper = Camera(), Keeper()
    thread, engine, _, state = started(path, camera, None, Settings(Policy("drop-oldest", 3)), [keeper])
    give(camera, 3)
    assert engine.began.acquire(timeout=PATIENCE)
    time.sleep(0.2)
    for _ in range(3):
        engine.go.release()
    until(lambda: len(keeper.frames) == 3)
    state.stop()
    thread.join(PATIENCE)
    assert state.snapshot()["latency"]["total"]["p50"] >= 200


def test_zones_and_lines_are_counted_after_the_filters(path):
    class Down(Counter):
        def __iter__(self):
            for index in range(self.count):
                yield Frame(np.full((100, 100, 3), index, np.uint8), index, index / 10)

    def falling(frame, detections):
        return tuple(
            replace(item, track=place, box=Box(40, 0, 60, 10 + 9 * frame.index)) for place, item in enumerate(detections)
        )

    keeper, watch = Keeper(), Watch([line("door=0,0.5,1,0.5"), zone("desk=0,0.5,1,0.5,1,1,0,1")], is_tracked=True)
    state = State()
    state.areas = watch
    summary = loop.run(Detector(path), Down(), [keeper], state=state, filters=[falling], watch=watch)
    last = keeper.frames[-1][0].areas.as_dict()
    assert last["lines"]["door"]["in"] == 2 and last["zones"]["desk"]["present"] == 2
    assert sum(len(frame.areas.crossings) for frame, _ in keeper.frames) == 4
    assert "; line door: 2 in, 0 out; zone desk: 2 entered, 0 left" in str(summary)
    assert state.snapshot()["areas"]["lines"]["door"]["in"] == 2

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from runtime import Box, Detector, Frame, KitError
from runtime.frames.queue import BLOCK, Policy
from runtime.frames.regions import region
from runtime.inference.interpreter import Interpreter
from runtime.inference.process.engine import EngineLost
from runtime.inference.process.worker import Worker
from runtime.pipeline import loop
from runtime.pipeline.capture import Playback
from runtime.pipeline.loop import Settings
from runtime.sinks import Sink, open_sink
from runtime.sources import Source, open_source
from runtime.telemetry.state import State
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
    whole = str(loop.Summary(9, 1, 0, 1.0, 0.0, 0.0, 0.0, dropped=3, still=4, gaps=1, restarts=2))
    assert whole.startswith(
        "9 frames, 1 detection, 3 dropped, 4 without motion, 1 gap in the source, 2 restarts of the engine; "
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
    assert loop._distinct(["video", "mqtt", "video", "video"]) == ["video", "mqtt", "video 2", "video 3"]

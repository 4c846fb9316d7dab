"""A frame with tiles is several inputs of the engine and one frame of the run."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime import Detector, Frame, run
from runtime.frames.queue import BLOCK, LATEST, Policy
from runtime.frames.regions import region
from runtime.inference.interpreter import Interpreter
from runtime.inference.process.worker import Lost, Worker
from runtime.pipeline import loop
from runtime.pipeline.loop import Settings
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State
from tests.support import tiny_detector

PATIENCE = 120
SIZE = 80


class Counter(Source):
    name = "counter"
    count = 10

    def __iter__(self):
        for index in range(self.count):
            yield Frame(np.full((SIZE, SIZE, 3), index, np.uint8), index)


class Keeper(Sink):
    name = "keeper"
    floor = None

    def __init__(self):
        self.kept = []

    def write(self, frame, detections):
        self.kept.append((frame.index, detections))

    @property
    def indices(self):
        return [index for index, _ in self.kept]


class Counting:
    """An interpreter that counts its runs, and with `gate` waits for it before each."""

    def __init__(self, path, gate=None):
        self._interpreter = Interpreter(path)
        self._gate = gate
        self.asked = self.runs = 0
        self.inputs_seen = []

    def __getattr__(self, name):
        return getattr(self._interpreter, name)

    def invoke(self, tensor):
        self.asked += 1
        if self._gate is not None:
            assert self._gate.acquire(timeout=PATIENCE)
        self.runs += 1
        self.inputs_seen.append(int(tensor.flat[0]))
        return self._interpreter.invoke(tensor)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build(signature={f"output_{3 - role}": role for role in range(4)}))
    return path


def test_each_tile_is_run_and_each_frame_counts_once(path):
    runner, keeper, state = Counting(path), Keeper(), State()
    summary = loop.run(Detector(path, runner=runner, tiles="2x2"), Counter(), [keeper], state=state)
    assert runner.runs == 10 * 5
    assert keeper.indices == list(range(10)) and (summary.frames, summary.dropped) == (10, 0)
    assert runner.inputs_seen == [index for index in range(10) for _ in range(5)]
    expected = Detector(path, tiles="2x2")(np.zeros((SIZE, SIZE, 3), np.uint8))
    assert len(expected) > 2 and all(detections == expected for _, detections in keeper.kept)
    assert summary.detections == 10 * len(expected)
    assert min(summary.preprocess_ms, summary.invoke_ms, summary.postprocess_ms) > 0


def test_boxes_are_in_pixels_of_the_image_also_of_a_region(path):
    keeper = Keeper()
    settings = Settings(regions=(region("0,0.5,1,1"),))
    loop.run(Detector(path, tiles="2x1,whole=no"), Counter(), [keeper], 1, settings=settings)
    boxes = [item.box for item in keeper.kept[0][1]]
    # Tiles of 45 x 40 pixels from (0, 40) and (35, 40); the model finds one object in the whole of each, and another in it.
    assert [(box.xmin, box.ymin, box.xmax, box.ymax) for box in boxes if box.height == 40] == [(0, 40, 80, 80)]
    small = sorted((round(box.xmin), round(box.ymin), round(box.xmax), round(box.ymax)) for box in boxes if box.height < 40)
    assert small == [(9, 44, 27, 60), (44, 44, 62, 60)]


class LosesTiles(Worker):
    """Loses the jobs of some frames."""

    def __init__(self, runner, state, lost):
        super().__init__(runner, state)
        self._lost = lost

    def next(self, on_room):
        job, outcome = super().next(on_room)
        return (job, Lost("hung")) if job is not None and job.number in self._lost else (job, outcome)


def test_a_lost_frame_is_counted_once_and_the_order_stays(path):
    state, keeper = State(), Keeper()
    runner = Counting(path)
    detector = Detector(path, runner=runner, tiles="2x2")
    # Whichever of them gets a frame.
    workers = [LosesTiles(one, state, (3, 4, 9)) for one in (runner, Counting(path))]
    summary = loop.run(detector, Counter(), [keeper], state=state, workers=workers)
    assert keeper.indices == [0, 1, 2, 5, 6, 7, 8]
    assert (summary.frames, summary.dropped, state.snapshot()["dropped"]["engine"]) == (7, 3, 3)


class Camera(Source):
    """Gives a frame each time it is asked to."""

    name, live = "camera", True

    def __init__(self):
        self.give = threading.Semaphore(0)
        self.given = 0

    def __iter__(self):
        while True:
            assert self.give.acquire(timeout=PATIENCE)
            yield Frame(np.full((SIZE, SIZE, 3), self.given, np.uint8), self.given)
            self.given += 1


def until(condition):
    event = threading.Event()
    for _ in range(PATIENCE * 1000):
        if condition():
            return
        event.wait(0.001)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("policy", [LATEST, Policy("drop-oldest", 1)], ids=str)
def test_frames_that_come_while_the_tiles_of_another_run_are_dropped_as_a_whole(path, policy):
    gate, camera, keeper, state = threading.Semaphore(0), Camera(), Keeper(), State()
    runner, outcome = Counting(path, gate), []
    detector = Detector(path, runner=runner, tiles="2x2")
    thread = threading.Thread(
        target=lambda: outcome.append(loop.run(detector, camera, [keeper], 4, state=state, settings=Settings(policy))),
        daemon=True,
    )
    thread.start()
    for number in range(12):
        camera.give.release()
        until(lambda number=number: camera.given > number and runner.asked)
    # The first frame has not had its first tile: whatever the policy keeps, the others are dropped.
    until(lambda: state.snapshot()["dropped"]["source"] >= 6)
    while thread.is_alive() and len(keeper.kept) < 4:
        gate.release(5)
        camera.give.release()
        thread.join(0.01)
    thread.join(PATIENCE)
    assert len(keeper.kept) == 4 and keeper.indices == sorted(keeper.indices) and keeper.indices[0] == 0
    seen = runner.inputs_seen[:20]
    assert [seen[start : start + 5] for start in range(0, 20, 5)] == [[index] * 5 for index in keeper.indices]
    assert outcome[0].frames == 4


def test_a_program_gives_tiles_as_the_command_does(path, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "image.png"), np.zeros((SIZE, SIZE, 3), np.uint8))
    ((_, detections),) = run(file=str(path), source=str(tmp_path / "image.png"), tiles="2x2", watchdog=0)
    assert detections == Detector(path, tiles="2x2")(np.zeros((SIZE, SIZE, 3), np.uint8))


def test_block_waits_for_room_and_loses_nothing(path):
    keeper = Keeper()
    summary = loop.run(Detector(path, tiles="3x3"), Counter(), [keeper], settings=Settings(BLOCK))
    assert keeper.indices == list(range(10)) and summary.dropped == 0

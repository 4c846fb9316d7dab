from __future__ import annotations

import numpy as np

from runtime import Box, Detection, Frame
from runtime.cameras.shared_shadow import SharedShadow
from runtime.cameras.summaries import Summaries
from runtime.pipeline.shadow import Judged
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary

CAT, DOG = (Detection(name, number, 0.9, Box(0, 0, 1, 1)) for number, name in enumerate(("cat", "dog")))


class Second:
    """A second model that answers when it is told to."""

    def __init__(self, deliver):
        self.deliver, self.waiting, self.judged, self.missed = deliver, None, [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def prepare(self, frame, crop, judged):
        return None if self.waiting else ToCompare(self, frame.index, judged)

    def answer(self):
        frame, detections = self.waiting
        self.deliver(frame, detections, (DOG,))
        self.waiting = None


class ToCompare:
    def __init__(self, second, index, judged):
        self.second, self.index, self.judged = second, index, judged

    def compare(self, frame, detections):
        assert self.index == frame.index
        self.second.waiting = (frame, detections)
        self.second.judged.append(self.judged)

    def leave_out(self):
        self.second.missed.append(self.index)


class Keeper:
    def __init__(self):
        self.got = []

    def compare(self, frame, detections, other):
        self.got.append((frame.index, detections, other))


def frame(index):
    return Frame(np.zeros((1, 1, 3), np.uint8), index)


def test_what_a_second_model_finds_goes_to_the_sinks_of_the_camera_whose_frame_it_was():
    keepers = [Keeper(), Keeper()]
    with SharedShadow(Second) as shared:
        door, yard = (
            shared.share([keeper], State(score=score), only)
            for keeper, score, only in zip(keepers, (0.3, 0.8), (frozenset(), frozenset({"cat"})))
        )
        yard.prepare(frame(3), None).compare(frame(3), (CAT,))
        assert door.prepare(frame(4), None) is None
        shared.shadow.answer()
        assert keepers[1].got == [(3, (CAT,), (DOG,))] and not keepers[0].got
        # Of two that come at the same time, one is left out, and counts as missed.
        first, second = door.prepare(frame(5), None), yard.prepare(frame(6), None)
        first.compare(frame(5), ())
        second.compare(frame(6), ())
        shared.shadow.answer()
    assert not keepers[0].got and [index for index, *_ in keepers[1].got] == [3, 6]
    assert shared.shadow.missed == [5]
    # Each is judged by the threshold and the classes of its camera.
    assert shared.shadow.judged == [Judged(0.8, frozenset({"cat"}))] * 2


def test_a_summary_of_each_and_one_of_all():
    one = Summary(10, 20, 1, 9.0, 2.0, 4.0, 1.0, dropped=3, restarts=2, compared="compared with b")
    two = Summary(30, 5, 0, 9.0, 6.0, 8.0, 1.0, still=2, restarts=2, compared="compared with b")
    found = Summaries({"door": one, "yard": two}, {"hall": "it is gone"}, 10.0, 2)
    total = found.total
    assert (total.frames, total.detections, total.skipped, total.dropped, total.still, total.restarts) == (40, 25, 1, 3, 2, 2)
    assert (total.preprocess_ms, total.invoke_ms, total.postprocess_ms, total.fps) == (5.0, 7.0, 1.0, 4.0)
    lines = str(found).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["door", "yard", "hall", "all"]
    assert "restarts" not in lines[0] + lines[1] and "compared with b" in lines[3] and "2 restarts" in lines[3]
    assert str(Summaries({}, {"hall": "it is gone"}, 1.0)).splitlines()[-1].startswith("all: 0 frames")

from __future__ import annotations

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.areas.areas import Counted, Crossing
from runtime.events.recorder import Choices, Recorder, stamp

CHOICES = Choices(before=1.0, after=2.0, least=0.5, longest=5.0, fps=10)
IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


class Output:
    def __init__(self, takes_planes=False):
        self.takes_planes = takes_planes
        self.clips, self.events, self.planes = [], [], []

    def begin(self, clip, stills):
        self.clips.append((clip, [still.time for still in stills]))
        self.planes += [still.planes is not None for still in stills]

    def add(self, still):
        self.clips[-1][1].append(still.time)
        self.planes.append(still.planes is not None)

    def finish(self, events):
        self.events += [event for event, _ in events]
        assert all(snapshot for _, snapshot in events)


def run(present, seconds, rate=10, choices=CHOICES, takes_planes=False, **named):
    """Records `seconds` of frames; `present` gives for each track when it is there, as (from, until) in seconds."""
    output = Output(takes_planes)
    recorder = Recorder(choices, output, **named)
    for index in range(round(seconds * rate)):
        time = index / rate
        found = [
            Detection("cat", 0, 0.5 + number / 10, Box(2, 2, 20, 20), number)
            for number, spans in present.items()
            if any(begin <= time <= end for begin, end in spans)
        ]
        recorder.add(Frame(IMAGE, index, 1e9 + time, monotonic=time), found)
    recorder.end()
    return output


def test_a_track_that_lasts_gets_a_clip_with_what_was_before_and_after():
    output = run({1: [(3.0, 4.5)], 2: [(8.0, 8.3)]}, 12)
    ((name, times),) = output.clips
    (event,) = output.events
    assert times == pytest.approx([2 + index / 10 for index in range(len(times))]) and times[-1] == pytest.approx(6.5)
    assert (event.start, event.end, event.seconds) == (1e9 + 3, 1e9 + 4.5, 1.5) and not event.open
    assert event.clip == name and event.offset == 1.0 and event.id == f"{stamp(1e9 + 3)}_1"
    assert event.label == "cat" and event.score == 0.6 and event.box == (2, 2, 20, 20) and event.size == (32, 24)


def test_tracks_that_overlap_share_a_clip():
    output = run({1: [(1.0, 3.0)], 2: [(4.0, 6.0)], 3: [(12.0, 14.0)]}, 20)
    assert [event.track for event in output.events] == [1, 2, 3] and len(output.clips) == 2
    first, second, third = output.events
    assert first.clip == second.clip != third.clip and second.offset == pytest.approx(first.offset + 3)


def test_a_parked_car_makes_one_event_of_limited_length():
    output = run({1: [(1.0, 60.0)]}, 61)
    (event,) = output.events
    ((_, times),) = output.clips
    assert event.open and times[-1] - times[0] == pytest.approx(8.0)


def test_an_object_that_is_hidden_for_a_moment_is_one_event():
    output = run({1: [(1.0, 2.0), (2.8, 4.0)]}, 10)
    (event,) = output.events
    assert event.seconds == 3.0


def test_frames_are_stored_at_the_rate_that_was_asked_for():
    output = run({1: [(3.0, 5.0)]}, 10, rate=30, choices=Choices(1.0, 1.0, 0.5, 5.0, fps=4))
    ((_, times),) = output.clips
    # One more where the track begins, which needs a snapshot.
    assert len(times) == pytest.approx(4 * 4, abs=2)


def test_a_clock_that_is_set_changes_no_duration():
    output = Output()
    recorder = Recorder(CHOICES, output)
    for index in range(60):
        wall = 1e9 + index / 10 + (366 * 86400 if index > 25 else 0)
        found = [Detection("cat", 0, 0.9, Box(2, 2, 20, 20), 1)] if 20 <= index <= 30 else []
        recorder.add(Frame(IMAGE, index, wall, monotonic=index / 10), found)
    (event,) = output.events
    assert (event.start, event.seconds, event.end) == (1e9 + 2, 1.0, 1e9 + 3)


def test_a_video_that_starts_again_ends_the_clip():
    output = Output()
    recorder = Recorder(CHOICES, output, wall=lambda: 5.0)
    for _ in range(2):
        for index in range(20):
            recorder.add(Frame(IMAGE, index, index / 10), [Detection("cat", 0, 0.9, Box(2, 2, 20, 20), 1)])
    assert [event.seconds for event in output.events] == [1.9]
    recorder.end()
    assert [event.seconds for event in output.events] == [1.9, 1.9]


def test_zones_are_those_that_the_track_was_in():
    crossings = [
        Crossing("zone", "yard", "left", 1, "cat"), Crossing("zone", "street", "entered", 2, "cat"), Crossing("line", "gate", "in", 1, "cat"),
    ]  # fmt: skip
    output = Output()
    recorder = Recorder(CHOICES, output)
    for index in range(20):
        # The frame in which it entered the garden did not come here, as where a sink is too slow for it.
        areas = Counted(crossings=tuple(crossings) if index == 5 else (), tracks={"garden": frozenset([1]), "desk": frozenset([3])})
        recorder.add(Frame(IMAGE, index, index / 10, areas=areas), [Detection("cat", 0, 0.9, Box(2, 2, 20, 20), 1)])
    recorder.end()
    assert output.events[0].zones == ("garden", "yard")


def test_the_beginning_is_told():
    told = []
    run({1: [(1.0, 3.0)], 2: [(1.0, 1.2)]}, 8, begun=told.append)
    assert [(event.track, event.seconds) for event in told] == [(1, 0.5)]


def test_a_clip_under_way_gets_planes_where_it_takes_them():
    present = {1: [(2.0, 4.0)], 2: [(8.0, 9.0)]}
    output = run(present, 12, takes_planes=True)
    # Those from before an event were kept without.
    first = len([time for time in output.clips[0][1] if time < 2.5])
    assert output.planes[:first] == [False] * first and output.planes[first + 1 :].count(False) < 20 < output.planes.count(True)
    assert not any(run(present, 12).planes)


def test_the_pace_may_change():
    pauses = {0: 0.1, 1: 0.2}
    now = [0]
    output = run({1: [(0.0, 4.0)]}, 4, rate=20, pause=lambda: pauses[now[0]], begun=lambda event: now.append(now.pop() + 1))
    ((_, times),) = output.clips
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert sum(gaps[:5]) == pytest.approx(0.5, abs=0.06) and sum(gaps[-10:]) == pytest.approx(2.0, abs=0.06)

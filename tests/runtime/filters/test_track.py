from __future__ import annotations

import argparse
import itertools
import json
import sys

import numpy as np
import pytest

from runtime import Box, Detection, Detector, Frame, InputError, Labels
from runtime.common import detection_json
from runtime.common.interop import to_supervision
from runtime.filters import carry_over, open_filters, track
from runtime.media.drawing import caption
from runtime.sinks import json_lines
from runtime.sources import open_source


@pytest.fixture
def tracker():
    pytest.importorskip("edgefirst.tracker")
    return track.Tracker()


def at(x, label="cat", class_id=0, y=0.0, size=100.0, score=0.9):
    return Detection(label, class_id, score, Box(x, y, x + size, y + size))


def step(tracker, time, *detections):
    return [found.track for found in tracker(Frame(None, 0, time), detections)]


def test_objects_that_cross_keep_their_numbers(tracker):
    seen = [step(tracker, i / 10, at(20 * i), at(400 - 20 * i, y=12)) for i in range(21)]
    assert seen == [[1, 2]] * 21


def test_nothing_but_the_number_changes(tracker):
    given = (at(0), at(300, "dog", 1, score=0.3))
    found = tracker(Frame(None), given)
    assert [(a.label, a.class_id, a.score, a.box) for a in found] == [(a.label, a.class_id, a.score, a.box) for a in given]
    assert tracker(Frame(None, 1, 0.1), ()) == ()


def test_a_number_outlives_a_gap_but_is_never_used_twice(tracker):
    assert step(tracker, 0.0, at(0)) == [1]
    assert step(tracker, 0.1, at(0)) == [1]
    for time in (0.2, 0.4, 0.6):
        assert step(tracker, time) == []
    assert step(tracker, 0.8, at(5)) == [1]
    for time in (1.0, 1.5, 2.0, 2.5):
        step(tracker, time)
    assert step(tracker, 2.6, at(5), at(300)) == [2, 3]


def test_an_object_that_changes_its_class_keeps_its_number(tracker):
    assert [step(tracker, i / 10, at(0, *("car", 2) if i % 2 else ("truck", 7))) for i in range(4)] == [[1]] * 4


def test_when_time_goes_back_everything_begins_anew(tracker):
    assert step(tracker, 5.0, at(0)) == [1]
    assert step(tracker, 0.0, at(0)) == [2]


def test_a_clock_that_is_set_ends_no_track(tracker):
    clocks = [(1e9, 5.0), (1e9 + 0.1, 5.1), (1e9 + 14 * 3600, 5.2), (1e9 - 14 * 3600, 5.3)]
    frames = [Frame(None, 0, time, monotonic=monotonic) for time, monotonic in clocks]
    assert [[found.track for found in tracker(frame, (at(0),))] for frame in frames] == [[1]] * 4


def test_lost_tracks_are_removed(tracker):
    for i in range(300):
        step(tracker, 10.0 * i, at(400.0 * (i % 5)))
    assert len(tracker._numbers) < 5


def test_the_time_of_day_is_precise_enough(tracker):
    start = 1.8e9
    assert [step(tracker, start + i / 30, at(3 * i)) for i in range(5)] == [[1]] * 5


def test_tracking_is_off_by_default(monkeypatch):
    parser = argparse.ArgumentParser()
    track.options(parser)
    assert track.connect(parser.parse_args([]), Labels(())) is None
    monkeypatch.setitem(sys.modules, "edgefirst.tracker", None)
    with pytest.raises(InputError, match=r"--track needs the package edgefirst-tracker .*pip install"):
        track.connect(parser.parse_args(["--track"]), Labels(()))
    for wrong in ("0", "x", "-1", "nan"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--track", "--track-lost", wrong])


def test_a_json_line_has_the_number_only_where_there_is_one():
    found = Detection("cat", 0, 0.5, Box(0, 0, 1, 1), track=7)
    assert json.loads(detection_json.line(Frame(None), (found,)))["detections"][0]["track"] == 7
    assert "track" not in json.loads(detection_json.line(Frame(None), (at(0),)))["detections"][0]


def test_the_number_stands_beside_the_box():
    assert caption(Detection("cat", 0, 0.5, Box(0, 0, 1, 1), track=7)) == "cat #7 0.50"
    assert caption(at(0)) == "cat 0.90"


def test_a_person_who_walks_by_keeps_the_number(shared, tracker):
    detector = Detector(shared / "models/coco_ssd_mobilenet_v1_quant.tflite")
    numbers = []
    with open_source(str(shared / "video/one-by-one-person-detection.mp4")) as source:
        # In these three seconds one person is in the image.
        for frame in itertools.islice(source, 75, 105):
            found = tuple(found for found in detector(frame.image) if found.label == "person")
            numbers += [found.track for found in tracker(frame, found)]
    assert len(numbers) > 25 and set(numbers) == {1}


def test_as_supervisions_detections():
    supervision = pytest.importorskip("supervision")
    found = to_supervision((at(0), Detection("dog", 1, 0.25, Box(1, 2, 3, 4))))
    assert isinstance(found, supervision.Detections) and len(found) == 2
    assert np.allclose(found.xyxy, [[0, 0, 100, 100], [1, 2, 3, 4]])
    assert np.allclose(found.confidence, [0.9, 0.25])
    assert found.class_id.tolist() == [0, 1] and found.tracker_id is None
    assert found.data["class_name"].tolist() == ["cat", "dog"]
    assert found[found.class_id == 1].xyxy.tolist() == [[1, 2, 3, 4]]
    tracked = to_supervision((Detection("dog", 1, 0.25, Box(1, 2, 3, 4), 9),))
    assert tracked.tracker_id.tolist() == [9]
    assert len(to_supervision(())) == 0
    assert supervision.BoxAnnotator().annotate(np.zeros((20, 20, 3), np.uint8), tracked).any()


def test_without_supervision(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(InputError, match="pip install supervision"):
        to_supervision(())


def test_filters_are_found(monkeypatch):
    pytest.importorskip("edgefirst.tracker")
    arguments = argparse.Namespace(only=("cat",), track=True, track_lost=2.0)
    keep, number = open_filters(arguments, Labels(("cat", "dog")))[:2]
    assert [found.track for found in number(Frame(None), keep(Frame(None), (at(0), at(200, "dog", 1))))] == [1]


def test_objects_keep_their_numbers_with_another_model(tracker):
    for time in (0.0, 0.1):
        assert step(tracker, time, at(0), at(300)) == [1, 2]
    other = track.Tracker()
    carry_over([tracker, len], [max, other])
    assert step(other, 0.2, at(0, "kitten"), at(600)) == [1, 3]

"""What a soak can have on: that each of its checks can be bad."""

from __future__ import annotations

import argparse
import json
import sqlite3

import cv2
import numpy as np
import pytest

from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.collect.store import Budget, Store
from runtime.common.values import Frame
from runtime.frames.masks import Blackout, mask
from runtime.telemetry.state import State
from tests.support import recorded_events
from tests.support.small_disk import small_disk
from tests.support.soak import parts, street
from tests.support.soak.disk import OtherWriter
from tests.support.soak.parts import Place, collect, events, shadow, zones
from tests.support.soak.parts.mask import black


def bad(checks):
    return [check.name for check in checks if not check.good]


def test_parts_are_found_by_their_names():
    assert parts.chosen("mask,events") == ("events", "mask") and parts.chosen("all") == tuple(parts.names())
    assert {"collect", "events", "mask", "shadow", "zones"} <= set(parts.names())
    with pytest.raises(argparse.ArgumentTypeError, match="there are collect"):
        parts.chosen("mask,moon")


def test_a_square_goes_through_the_street_and_is_gone():
    there = [bool((street.image(number)[street.TOP : street.TOP + street.SIDE_Y] > 200).any()) for number in range(800)]
    changes = [after - before for before, after in zip(there, there[1:])]
    assert there[0] and changes.count(1) == 2 and changes.count(-1) == 3


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_what_a_mask_hides_is_seen_where_it_is_missing(scale):
    shown = cv2.resize(street.image(7), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    hidden = Blackout([mask(street.MASK)])(Frame(street.image(7))).image
    hidden = cv2.resize(hidden, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

    def kept(image):
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_COLOR)

    crop = kept(hidden[: int(150 * scale)])
    assert bad(black(iter([("video", kept(hidden)), ("crops", crop)]))) == []
    assert bad(black(iter([("video", kept(hidden)), ("video", kept(shown))]))) == ["the mask is black in: video"]
    assert bad(black(iter([("crops", kept(shown[int(150 * scale) :]))]))) == ["the mask is black in: crops"]
    # Black is not enough for a crop, nor is no magenta for a whole image.
    assert bad(black(iter([("page", kept(np.full_like(hidden, 90)))]))) == ["the mask is black in: page"]
    assert bad(black(iter(()))) == ["the mask is black"]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, tmp_path / "disk", 60.0)


def _collect(place, number, seconds=5.0):
    store = Store(place.disk / "collected", Budget(per_hour=1000))
    for index in range(number):
        frame = Frame(street.image(index), index, index * seconds)
        assert store.add(f"frame_{index}", Moment(frame, ()), Origin("street", "", frame.time, ("novel",), 0.5), False)


def test_a_budget_of_collected_frames_that_is_not_kept_is_noticed(place):
    part = collect.connect(place)

    def judged(images):
        return bad(part.judge({"collect": {"images": images, "kept": images, "refused": 0}}))

    _collect(place, 3)
    part.look()
    assert judged(3) == [] and judged(4) == ["collected frames are counted"] == judged(2)
    for index in range(collect.PER_HOUR):
        (place.disk / "collected" / "images" / f"more_{index}.jpg").write_bytes(bytes(100_000))
    part.look()
    assert judged(collect.PER_HOUR + 3) == ["collected frames of an hour", "megabytes of collected frames"]


def test_collected_frames_that_are_not_whole_are_noticed(place):
    _collect(place, 3)
    part, folder = collect.connect(place), place.disk / "collected"
    assert bad(part.whole(True)) == bad(part.whole(False)) == []
    # As SIGKILL may leave it once; at the end it is nothing that may be there.
    (folder / "annotations" / "frame_0.xml").rename(folder / "annotations" / ".frame_0.pending.xml")
    (folder / "images" / ".frame_0.pending.jpg").write_bytes(b"")
    assert bad(part.whole(True)) == [] and bad(part.whole(False)) == ["collected frames are whole at the end"]
    Store(folder)
    assert bad(part.whole(False)) == []
    (folder / "images" / "frame_1.jpg").write_bytes(b"")
    assert bad(part.whole(True)) == ["collected frames are whole after SIGKILL"]


def test_frames_of_a_second_model_that_nobody_counts_are_noticed(place, monkeypatch):
    monkeypatch.setattr(shadow.models, "second", lambda: b"")
    place.disk.mkdir()
    part = shadow.connect(place)
    part._killed.append(1)
    # Counts begin anew with the last load of the first model.
    part._last_reload = 1000
    lines = [json.dumps({"frame": number}) for number in range(1, 2001)]
    (place.folder / "found.jsonl").write_text("\n".join(lines))

    def judged(**told):
        return bad(part.judge({"shadow": {"frames": 195, "missed": 5, "error": "", **told}}))

    slack = shadow._RELOADING // shadow.EVERY
    assert judged() == [] == judged(missed=4) == judged(frames=195 - slack)
    assert judged(frames=194 - slack, missed=4) == judged(missed=7) == ["frames of the second model are counted"]
    assert judged(error="gone") == ["the second model runs on after its engine was killed"]
    part._killed.clear()
    assert judged() == ["the second model runs on after its engine was killed"]


def _areas(number, crossings=()):
    return {
        "lines": {"way": {"in": number, "out": 0}}, "zones": {"middle": {"entered": number, "left": number}},
        "crossings": list(crossings),
    }  # fmt: skip


def test_wrong_counts_at_zones_and_lines_are_noticed():
    laps = 20
    crossings = [{"line": "way", "event": "in"}, *({"zone": "middle", "event": event} for event in ("entered", "left"))]
    lines = [
        {"frame": (lap + 1) * (street.PASSING + street.PAUSE), "areas": _areas(lap + 1, crossings)} for lap in range(laps)
    ]
    assert bad(zones.judged(_areas(laps), lines, 0)) == []
    assert bad(zones.judged(_areas(laps - 1), lines, 0)) == ["counts of zones and lines are those of the lines of JSON"]
    assert "squares are counted at the line" in bad(zones.judged(_areas(2 * laps), lines, laps))
    assert bad(zones.judged(_areas(laps), lines[::-1], 0))[:1] == ["counts of zones and lines never fall"]


def test_events_that_are_not_counted_are_noticed():
    told = {"recorded": 20, "removed": 5, "kept": 17, "lost": 1, "lost_frames": 0}
    assert bad(events.counted(told, 20, 17, True)) == []
    for wrong in (events.counted(told, 22, 17, True), events.counted(told, 20, 16, True), events.counted(told, 20, 17, False)):
        assert bad(wrong) == ["events are counted"]
    # Tracks of 3 seconds, and one of half a second.
    lines = [{"frame": 10 * frame, "detections": [{"track": frame // 18}]} for frame in range(21 * 18)]
    lines += [{"frame": frame, "detections": [{"track": 999}]} for frame in range(10_000, 10_030)]
    assert bad(events.tracked(told, lines, 60.0)) == []
    assert bad(events.tracked({**told, "lost": 0}, lines, 60.0)) == ["every object that stays becomes an event"]
    assert bad(events.tracked({**told, "lost": 3}, lines, 60.0)) == ["every object that stays becomes an event"]


def test_events_that_are_damaged_or_too_many_are_noticed(place):
    folder = place.disk / "events"
    sink = recorded_events.record(folder, State("model.tflite"), ["person"])
    part = events.connect(place)
    part.look()
    sink.close()
    assert bad(part.whole(True)) == bad(part.whole(False)) == []
    told = {"recorded": 0, "removed": 0, "kept": 1, "lost": 0, "lost_frames": 0}
    (place.folder / "found.jsonl").write_text("")
    # Ten events are seen before their number counts.
    assert bad(part.judge({"events": told})) == ["no clock that is set removes events"]
    (folder / "20261130T000000.000Z_1c.mp4").write_bytes(bytes(1_000_000 * (events.MEGABYTES + 1)))
    part.look()
    assert "megabytes of events" in bad(part.judge({"events": told}))
    assert bad(part.whole(False)) == ["events are whole at the end"] and bad(part.whole(True)) == []
    (line,) = folder.glob("*.json")
    (folder / json.loads(line.read_text())["snapshot"]).write_bytes(b"")
    assert bad(part.whole(True)) == ["events are whole after SIGKILL"]


def test_an_index_of_events_that_cannot_be_read_is_noticed(place):
    folder = place.disk / "events"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "index.sqlite") as database:
        database.execute("CREATE TABLE other (one INTEGER)")
    assert events._problem(folder) == "no such table: events"
    (folder / "index.sqlite").write_bytes(b"no database at all" * 100)
    assert events._problem(folder) == "file is not a database"


def test_a_disk_that_is_full_is_noticed(tmp_path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        writer = OtherWriter(disk)
        writer.write()
        assert writer.judge().good
        (disk / "images").write_bytes(bytes(1_500_000))
        writer.write()
        assert not writer.failures and not writer.judge().good
        writer.write()
        assert writer.failures == ["[Errno 28] No space left on device"]

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from runtime import Box, Detection, Frame, InputError
from runtime.areas.areas import line, zone
from runtime.common import detection_json
from runtime.mqtt import topics
from runtime.zones import watch as watching
from runtime.zones.watch import Watch

LINE = line("door=0,0.5,1,0.5")
DESK = zone("desk=0,0.5,1,0.5,1,1,0,1")
IMAGE = np.zeros((200, 400, 3), np.uint8)


def at(y, track=1, label="person", x=200.0):
    """A box of 40 x 40 whose lower edge is at `y`."""
    return Detection(label, 0, 0.9, Box(x - 20, y - 40, x + 20, y), track)


def see(watch, *heights, start=0.0, track=1):
    """The frames that come out, a tenth of a second apart; None stands for a frame without the object."""
    found = []
    for place, y in enumerate(heights):
        given = () if y is None else (at(y, track),)
        found.append(watch(Frame(IMAGE, place, start + place / 10), given)[0])
    return found


def counts(watch):
    now = watch.snapshot()
    return {name: {key: value for key, value in area.items() if isinstance(value, int) and key != "pixels"}
            for kind in ("zones", "lines") for name, area in now[kind].items()}  # fmt: skip


def test_frames_carry_the_counts_and_what_happened():
    frames = see(Watch([LINE, DESK], is_tracked=True), 60, 60, 140, 140)
    assert [len(frame.areas.crossings) for frame in frames] == [0, 0, 0, 2]
    said = json.loads(detection_json.line(frames[-1], ()))["areas"]
    assert said["crossings"] == [
        {"line": "door", "event": "in", "track": 1, "label": "person"},
        {"zone": "desk", "event": "entered", "track": 1, "label": "person"},
    ]
    assert said["lines"]["door"]["in"] == 1 and said["zones"]["desk"]["present"] == 1
    assert [frame.areas.tracks["desk"] for frame in frames] == [set(), set(), set(), {1}]


def test_without_zones_and_lines_nothing_changes(monkeypatch):
    monkeypatch.setattr(watching, "Tracker", None)
    frame, given = Frame(IMAGE), (at(10, None),)
    assert Watch()(frame, given) == (frame, given) and "areas" not in detection_json.line(frame, given)


def test_objects_are_tracked_where_nobody_else_does():
    pytest.importorskip("edgefirst.tracker")
    watch = Watch([LINE])
    found = [watch(Frame(IMAGE, place, place / 10), (at(y, None),)) for place, y in enumerate(range(60, 150, 10))]
    assert [detections[0].track for _, detections in found] == [1] * 9
    assert counts(watch) == {"door": {"in": 1, "out": 0}}


def test_a_track_ends_when_it_was_not_seen_for_long_enough():
    watch = Watch([DESK], lost=1.0, is_tracked=True)
    see(watch, 140, 140, None, 140)
    assert counts(watch)["desk"] == {"present": 1, "entered": 1, "left": 0}
    # A gap that is longer, after which it is there again at once, and one after which it isn't.
    see(watch, 140, start=5.0)
    assert counts(watch)["desk"]["present"] == 1
    (frame,) = see(watch, None, start=6.5)
    assert [event.as_dict()["dwell"] for event in frame.areas.crossings] == [5.0] and not watch._seen
    assert counts(watch)["desk"] == {"present": 0, "entered": 1, "left": 1}


def test_who_stays_changes_no_message(monkeypatch):
    """A kept message that is sent each second fills the memory of whoever records it."""
    watch, sent = Watch([DESK], is_tracked=True), []
    for place in range(100):
        found = [at(140 + place % 2)] + ([at(150, track=2)] if 40 <= place < 60 else [])
        watch(Frame(IMAGE, place, 1e9 + place, monotonic=100.0 + place), tuple(found))
        said = topics.area(watch.snapshot()["zones"]["desk"])
        sent += [said] if said not in sent[-1:] else []
    # Nobody counts yet; the first; the second as well; the second has gone.
    assert [(json.loads(said)["present"], json.loads(said)["since"]) for said in sent] == [
        (0, None), (1, 1e9), (2, 1e9), (1, 1e9)
    ]  # fmt: skip
    assert json.loads(sent[-1])["dwell"] == {"median": 19.0, "max": 19.0}
    assert watch.snapshot()["zones"]["desk"]["dwell"]["current"] == 99


def test_totals_go_on_after_a_new_start_of_the_video_and_tracks_do_not():
    watch = Watch([LINE, DESK], is_tracked=True)
    see(watch, 60, 60, 140, 140, start=0.4)
    see(watch, 140, 140, start=0.0)
    assert counts(watch) == {"door": {"in": 1, "out": 0}, "desk": {"present": 1, "entered": 2, "left": 1}}


def test_frames_of_another_size():
    watch = Watch([LINE], is_tracked=True)
    see(watch, 60, 60)
    for place in (2, 3):
        watch(Frame(np.zeros((400, 800, 3), np.uint8), place, place / 10), (at(280, x=400),))
    assert counts(watch)["door"]["in"] == 1


def test_the_anchor():
    for anchor, expected in (("bottom", 1), ("center", 1), ("top", 0)):
        watch = Watch([LINE], anchor, is_tracked=True)
        see(watch, 60, 60, 135, 135)
        assert counts(watch)["door"]["in"] == expected


def test_what_is_drawn_counts_from_the_next_frame_on_and_is_saved():
    saved = []
    watch = Watch([LINE], is_tracked=True, save=lambda *given: saved.append(given))
    see(watch, 60, 60, 140, 140)
    assert watch.change("zone", "desk", [[0, 0.5], [1, 0.5], [1, 1.00001], [-0.1, 1]]) == ""
    assert saved == [("zone", "desk", "desk=0,0.5,1,0.5,1,1,0,1")]
    see(watch, 140, 140, start=0.4)
    assert counts(watch) == {"door": {"in": 1, "out": 0}, "desk": {"present": 1, "entered": 1, "left": 0}}
    # Drawn elsewhere, it begins anew; the others go on.
    watch.change("zone", "desk", [[0, 0], [1, 0], [1, 0.1]])
    see(watch, 140, 140, start=0.6)
    assert counts(watch) == {"door": {"in": 1, "out": 0}, "desk": {"present": 0, "entered": 0, "left": 0}}
    watch.change("line", "door", None)
    assert saved[-1] == ("line", "door", None) and list(counts(watch)) == ["desk"]


@pytest.mark.parametrize(
    ("kind", "name", "corners"),
    [
        ("line", "door", None), ("zone", "desk", []), ("zone", "desk", [[0, 0], [1, 1]]), ("zone", "a,b", [[0, 0], [1, 1], [0, 1]]),
        ("zone", "", [[0, 0], [1, 1], [0, 1]]), ("line", "door", [[0, 0]]), ("line", "door", [[0, 0], ["x", 1]]),
        ("line", "door", [[0, 0], None]), ("line", "door", [[0, 0.5], [10**400, 1]]), ("line", "door", [[0, 0], [float("nan"), 1]]), ("line", "door", [0, 1]),
        ("zone", "desk", [[0.5, 0], [0.5, 1], [0.5, 0.2]]), ("zone", "desk", [[place / 100, place % 2] for place in range(65)]),
    ],
)  # fmt: skip
def test_what_is_no_zone_is_refused_and_not_saved(kind, name, corners):
    watch = Watch(is_tracked=True, save=lambda *given: pytest.fail("saved"))
    with pytest.raises(InputError):
        watch.change(kind, name, corners)
    assert counts(watch) == {}


def test_what_cannot_be_saved_is_said_and_counts_all_the_same():
    def save(*given):
        raise InputError("runtime.yaml: cannot be written: Read-only file system")

    watch = Watch(is_tracked=True, save=save)
    assert "Read-only" in watch.change("line", "door", [[0, 0.5], [1, 0.5]])
    assert list(counts(watch)) == ["door"] and watch.snapshot()["saved"]


def test_wrong_zones_are_refused():
    with pytest.raises(InputError, match="--line door: is given twice"):
        Watch([LINE, LINE], is_tracked=True)
    Watch([LINE, zone("door=0,0,1,0,1,1")], is_tracked=True)


@pytest.mark.parametrize("corners", [[[0, 1], [1, 1]], [[1, 0.2], [1, 0.8]], [[0.1, -0.2], [0.9, 0]], [[0, 0], [0, 1]]])
def test_a_line_along_the_edge_of_the_image_is_refused(corners):
    watch = Watch([LINE], is_tracked=True, save=lambda *given: pytest.fail("saved"))
    with pytest.raises(InputError, match=r"--line kerb=.*: lies on the edge of the image, where nothing can cross it"):
        watch.change("line", "kerb", corners)
    see(watch, 60, 60, 140, 140)
    assert counts(watch) == {"door": {"in": 1, "out": 0}}


def test_what_lies_outside_of_the_image_counts_nothing_and_ends_no_run(capsys):
    watch = Watch([LINE, line("kerb=0,1,1,1"), zone("desk=500,0,590,0,590,190,500,190")], is_tracked=True)
    # As in a configuration file of before, and of another camera.
    for place in range(4):
        watch(Frame(IMAGE, place, place / 10), (at(60, x=340),))
    said = capsys.readouterr().err.splitlines()
    assert [text.split(", and")[0] for text in said] == [
        "--line kerb=0,1,1,1: lies outside the image, which is 400 x 200, or on its edge",
        "--zone desk=500,0,590,0,590,190,500,190: lies outside the image, which is 400 x 200, or on its edge",
    ]
    assert counts(watch)["desk"] == {"present": 0, "entered": 0, "left": 0} and counts(watch)["kerb"] == {"in": 0, "out": 0}


def test_a_zone_in_pixels_keeps_its_place_where_a_camera_comes_back_with_another_size(capsys):
    watch = Watch([zone("desk=300,0,390,0,390,190,300,190")], is_tracked=True)
    watch(Frame(IMAGE, 0, 0.0), (at(60, x=340),))
    assert watch.snapshot()["zones"]["desk"]["pixels"]
    watch(Frame(IMAGE[:100, :200], 1, 0.1), (at(30, x=170),))
    assert watch.snapshot()["zones"]["desk"]["corners"][0] == pytest.approx((0.75, 0.0))
    watch(Frame(IMAGE, 2, 0.2), (at(60, x=340),))
    assert counts(watch)["desk"] == {"present": 1, "entered": 1, "left": 0} and not capsys.readouterr().err


def test_zones_are_changed_while_frames_come():
    watch = Watch([LINE], is_tracked=True)
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            watch.change("zone", "desk", [[0, 0.5], [1, 0.5], [1, 1], [0, 1]])
            watch.snapshot()
            watch.change("zone", "desk", None)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for turn in range(50):
            see(watch, 60, 60, 140, 140, start=turn)
    finally:
        stop.set()
        thread.join()
    assert counts(watch)["door"]["in"] == 50

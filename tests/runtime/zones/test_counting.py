from __future__ import annotations

import random

import pytest

from runtime.areas.areas import line, zone
from runtime.zones.counting import LineCounter, Sighting, ZoneCounter

# A box whose point has to be clear of a border by 5 pixels.
SIZE = 100.0


def across(*points, track=1, counter=None, label="person"):
    """A counter at a line from (100, 100) to (300, 100), which has seen a track at these points."""
    made = counter or LineCounter(line("door=100,100,300,100"))
    made.fit([(100.0, 100.0), (300.0, 100.0)], 640, 480)
    for place, (x, y) in enumerate(points):
        made.see(Sighting(track, label, (x, y), SIZE, place / 10))
    return made


def crossed(counter):
    counts = counter.counts(0.0)
    return sum(counts.inward.values()), sum(counts.outward.values())


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        # Down is in, up is out; a frame that is clear of the line is not enough, two are.
        ([(200, 60), (200, 90), (200, 110), (200, 140)], (1, 0)),
        ([(200, 140), (200, 110), (200, 90), (200, 60)], (0, 1)),
        ([(200, 60), (200, 90), (200, 110)], (0, 0)),
        # One box that covers half of its object.
        ([(200, 60), (200, 140), (200, 60), (200, 60)], (0, 0)),
        # Frames are missing in between, and the path goes between the ends, or beside them.
        ([(200, 10), (220, 300), (220, 310)], (1, 0)),
        ([(10, 10), (320, 120), (330, 120)], (1, 0)),
        ([(10, 90), (20, 120), (20, 130)], (0, 0)),
        # Around the end of the line and back through it.
        ([(320, 50), (320, 150), (320, 160), (200, 150), (200, 60), (200, 50)], (0, 1)),
        # Around the end, and trembling between the ends before it is clear; back between them and clear; both.
        ([(200, 60), (320, 98), (320, 102), (200, 102), (200, 98), (200, 102), (200, 140), (200, 150)], (0, 0)),
        ([(200, 60), (320, 98), (320, 102), (200, 102), (200, 60), (200, 140), (200, 150)], (1, 0)),
        ([(200, 60), (200, 102), (320, 102), (320, 98), (200, 98), (200, 102), (200, 140), (200, 150)], (1, 0)),
        # Born on the other side, or too near to say.
        ([(200, 140), (200, 150), (200, 160)], (0, 0)),
        ([(200, 98), (200, 102), (200, 140), (200, 150)], (0, 0)),
        # Exactly on the line for a while, then on or back.
        ([(200, 60), (200, 100), (200, 100), (200, 140), (200, 150)], (1, 0)),
        ([(200, 60), (200, 100), (200, 100), (200, 60), (200, 50)], (0, 0)),
        # There and back, each way clearly.
        ([(200, 60), (200, 140), (200, 140), (200, 60), (200, 60)], (1, 1)),
    ],
)
def test_what_counts_at_a_line(points, expected):
    assert crossed(across(*points)) == expected


def test_a_track_that_trembles_on_the_line_counts_once():
    random.seed(7)
    trembling = [(200 + random.uniform(-4, 4), 100 + random.uniform(-4.9, 4.9)) for _ in range(2000)]
    assert crossed(across((200, 50), (200, 60), *trembling)) == (0, 0)
    assert crossed(across((200, 50), (200, 60), *trembling, (200, 140), (200, 150))) == (1, 0)


def test_the_margin_grows_with_the_box():
    for size, expected in ((100.0, (1, 0)), (400.0, (0, 0))):
        made = LineCounter(line("door=100,100,300,100"))
        made.fit([(100.0, 100.0), (300.0, 100.0)], 640, 480)
        for y in (70, 110, 112):
            made.see(Sighting(1, "car", (200.0, y), size, 0.0))
        assert crossed(made) == expected


def test_classes_and_tracks_are_counted_apart():
    counter = across((200, 60), (200, 140))
    across((210, 140), (210, 60), track=2, counter=counter, label="dog")
    across((200, 140), counter=counter)
    across((210, 60), track=2, counter=counter, label="dog")
    counts = counter.counts(0.0)
    assert counts.as_dict() == {
        "in": 1, "out": 1, "classes": {"dog": {"in": 0, "out": 1}, "person": {"in": 1, "out": 0}}
    }  # fmt: skip
    assert str(counts) == "1 in, 1 out"


def test_a_track_that_is_lost_and_found_again_counts_until_it_has_ended():
    counter = across((200, 60))
    assert crossed(across((200, 140), (200, 140), counter=counter)) == (1, 0)
    counter.end(1, 0.0)
    assert not counter._paths and crossed(across((200, 60), (200, 60), counter=counter)) == (1, 0)


def watched(*points, corners=((100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0)), size=SIZE, end=None):
    """The events at a zone and its counts, of a track at these points every tenth of a second."""
    made = ZoneCounter(zone("desk=100,100,300,100,300,300,100,300"))
    made.fit(list(corners), 640, 480)
    found = [made.see(Sighting(1, "person", point, size, place / 10)) for place, point in enumerate(points)]
    found += [made.end(1, end)] if end is not None else []
    return [(event.event, event.dwell) for event in found if event], made.counts((len(points) - 1) / 10)


def test_a_track_that_trembles_on_a_side_of_a_bow_tie_changes_nothing():
    random.seed(7)
    trembling = [(100 + random.uniform(-4, 4), 200.0) for _ in range(500)]
    events, _ = watched(*trembling, corners=((100.0, 100.0), (300.0, 300.0), (300.0, 100.0), (100.0, 300.0)))
    assert events == []


OUT, BORDER, IN = (50.0, 200.0), (102.0, 200.0), (200.0, 200.0)


def test_a_stay_lasts_from_the_first_sighting_inside_to_the_first_outside():
    events, counts = watched(OUT, IN, IN, IN, IN, OUT, OUT)
    assert events == [("entered", None), ("left", pytest.approx(0.4))]
    assert counts.as_dict() == {
        "present": 0, "entered": 1, "left": 1, "since": None, "dwell": {"median": 0.4, "max": 0.4, "current": None},
        "classes": {"person": {"present": 0, "entered": 1, "left": 1}},
    }  # fmt: skip


def test_who_is_there_is_present_and_the_stay_grows():
    events, counts = watched(OUT, IN, IN, IN)
    assert events == [("entered", None)] and counts.present == {"person": 1}
    assert counts.dwell.current == pytest.approx(0.2) and counts.dwell.longest is counts.dwell.median is None
    assert str(counts) == "1 in it, 1 entered"


def test_a_track_that_appears_or_is_lost_in_the_zone_enters_or_leaves_it():
    assert watched(IN, IN, IN, end=0.2)[0] == [("entered", None), ("left", pytest.approx(0.2))]
    assert watched(IN, end=0.0)[0] == []


@pytest.mark.parametrize("there", [BORDER, (98.0, 200.0)])
def test_the_border_changes_nothing(there):
    assert watched(OUT, there, there, there)[0] == []
    assert watched(IN, IN, there, there, OUT, IN, there, IN)[0] == [("entered", None)]


def test_a_zone_to_the_edge_of_the_image_holds_what_is_cut_off_there():
    corners = ((0.0, 240.0), (640.0, 240.0), (640.0, 480.0), (0.0, 480.0))
    assert watched((320.0, 200.0), (320.0, 479.5), (320.0, 479.5), corners=corners)[0] == [("entered", None)]


def test_a_zone_almost_to_the_edge_of_the_image_was_meant_to_reach_it():
    corners = ((100.0, 3.0), (636.0, 3.0), (636.0, 477.6), (100.0, 477.6))
    for cut_off in ((320.0, 479.5), (320.0, 0.5), (639.5, 200.0)):
        assert watched((50.0, 200.0), cut_off, cut_off, corners=corners)[0] == [("entered", None)]
    # One further away does not, and a strip along the edge stays one.
    corners = ((100.0, 240.0), (600.0, 240.0), (600.0, 470.0), (100.0, 470.0))
    assert watched((50.0, 200.0), (320.0, 479.5), (320.0, 479.5), corners=corners)[0] == []
    corners = ((100.0, 476.0), (600.0, 476.0), (600.0, 480.0), (100.0, 480.0))
    assert watched((50.0, 200.0), (320.0, 479.5), (320.0, 479.5), corners=corners)[0] == [("entered", None)]


def test_a_thing_can_be_in_a_zone_smaller_than_itself():
    corners = ((190.0, 190.0), (210.0, 190.0), (210.0, 210.0), (190.0, 210.0))
    assert watched(OUT, IN, IN, corners=corners, size=2000.0)[0] == [("entered", None)]

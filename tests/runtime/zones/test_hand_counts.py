"""Counts at a line and in a zone against counts that a person made, on a video of people, with a detector of others."""

from __future__ import annotations

import pytest

from runtime import Detector
from runtime.areas.areas import line, zone
from runtime.filters.track import Tracker
from runtime.sources import open_source
from runtime.zones.watch import Watch

pytest.importorskip("edgefirst.tracker")

# Counted by looking at the frames. One after the other, six people come from the lower edge, stop before the table and go
# out of the image on the right; nobody goes back. The frames in which the middle of their body comes over the zone's border,
# and in which the middle between their feet leaves it again:
CAME = (65, 231, 507, 753, 924, 1240)
GONE = (187, 438, 689, 857, 1188, 1349)
# The floor before the table, and a line across the way out, whose right hand is the right of the image.
DESK = "desk=0.44,0.75,0.69,0.75,0.69,1,0.44,1"
EXIT = "exit=0.83,1,0.83,0"


def test_people_who_stop_at_the_table_and_leave(shared):
    detector = Detector(str(shared / "models" / "coco_ssd_mobilenet_v1_quant.tflite"), score=0.5)
    tracker = Tracker()
    watch = Watch([zone(DESK), line(EXIT)], is_tracked=True)
    came, went, crossed = [], [], []
    for frame in open_source(str(shared / "video" / "one-by-one-person-detection.mp4")):
        # While somebody only stands there, every tenth frame is enough, and the test takes a fifth of the time.
        if not near(frame.index) and frame.index % 10:
            continue
        people = tuple(found for found in detector(frame.image) if found.label == "person")
        frame, _ = watch(frame, tracker(frame, people))
        for event in frame.areas.crossings:
            {"entered": came, "left": went}.get(event.event, crossed).append((event, frame.index))
    counts = watch.snapshot()
    assert (counts["lines"]["exit"]["in"], counts["lines"]["exit"]["out"]) == (6, 0)
    desk = counts["zones"]["desk"]
    assert (desk["entered"], desk["left"], desk["present"]) == (6, 6, 0)
    # A track is counted within a second of what the eye sees, and one that is lost ends a second later.
    assert [abs(index - expected) <= 10 for (_, index), expected in zip(came, CAME)] == [True] * 6
    assert [abs(index - expected) <= 20 for (_, index), expected in zip(went, GONE)] == [True] * 6
    stays = [event.dwell for event, _ in went]
    assert stays == pytest.approx([(end - start) / 10 for start, end in zip(CAME, GONE)], abs=1.0)


def near(index):
    """Whether somebody comes or goes about this frame."""
    return any(-6 <= index - at <= 12 for at in (*CAME, *GONE))

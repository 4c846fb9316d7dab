from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from tests.support.layouts import boxes, write
from train.dataset import formats
from train.dataset.formats import frigate

IDS = ("1718987129.308396-fqk5ka", "1718987130.5-abc123", "1718987131.123456-x9y8z7")
# (4, 5, 30, 28) of 64 x 48 in shares of the sides, as x, y, width, height.
SHARES = [0.0625, 5 / 48, 0.40625, 23 / 48]
BOX = (4.0, 5.0, 30.0, 28.0)


def event(id: str = IDS[0], label: str = "person", box: list | None = SHARES, **more) -> dict:
    """As /api/events gives it; see Frigate's frigate/events/maintainer.py."""
    data = {"attributes": [], "box": box, "region": [0.1, 0.1, 0.5, 0.5], "score": 0.7, "top_score": 0.8, "type": "object"}
    found = {"id": id, "camera": "front_door", "label": label, "sub_label": None, "zones": [], "thumbnail": "AAAA", "data": data}
    return {**found, "start_time": 1718987129.3, "end_time": 1718987140.1, "has_clip": True, "has_snapshot": True, **more}


@pytest.mark.parametrize("name", ["front_door-{}-clean.png", "clips/front_door-{}-clean.webp", "{}-clean.jpg", "snapshots/snapshot-{}-clean.jpg"])
def test_names_of_snapshots(tmp_path, name):
    files = {"events.json": [event(id) for id in IDS], **{name.format(id): "" for id in IDS}}
    folder = write(tmp_path, files)
    assert list(formats.scores(folder)) == ["frigate"] and frigate.score(folder).images == 3
    splits = frigate.read(folder)
    assert list(boxes(splits).values()) == [[("person", *BOX)]] * 3
    assert splits.problems == (
        "an event has the box of one object: other objects on its snapshot would be learned as background; look for them",
    )


def test_the_clean_copy_is_taken_and_others_are_told(tmp_path):
    files = {"events.json": [event(IDS[0]), event(IDS[1])]}
    files |= {f"door-{IDS[0]}.jpg": "", f"door-{IDS[0]}-clean.jpg": "", f"door-{IDS[1]}.jpg": ""}
    splits = frigate.read(write(tmp_path, files))
    assert list(boxes(splits)) == [f"door-{IDS[0]}-clean", f"door-{IDS[1]}"]
    assert any("1 snapshots are no clean copies" in line for line in splits.problems)


def test_a_file_for_each_event(tmp_path):
    files = {f"{id}.json": event(id) for id in IDS} | {f"door-{id}-clean.jpg": "" for id in IDS}
    assert len(boxes(frigate.read(write(tmp_path, files)))) == 3


def test_events_that_are_left_out(tmp_path):
    events = [event(IDS[0]), event(IDS[1], box=None), event(IDS[2]), event("1718987132.1-zzzzzz", false_positive=True), event(IDS[0])]
    splits = frigate.read(write(tmp_path, {"e.json": events, f"door-{IDS[0]}-clean.jpg": ""}))
    assert len(boxes(splits)) == 1
    assert splits.problems[:2] == (
        "1 events left out, because their snapshots are not in the folder",
        "2 events left out: false positives, or without a box, as those of sounds",
    )


def test_no_snapshots(tmp_path):
    with pytest.raises(InputError, match=r"no snapshot of the events in events\.json: put CAMERA-ID\.jpg"):
        frigate.read(write(tmp_path, {"events.json": [event()], "a.jpg": ""}))


def test_boxes_in_pixels_are_named(tmp_path):
    events = [event(IDS[0]), event(IDS[1]), event(IDS[2], box=[4, 5, 30, 28]), event("1718987132.1-zzzzzz")]
    files = {"e.json": events, **{f"{item['id']}-clean.jpg": "" for item in events}}
    splits = frigate.read(write(tmp_path, files))
    assert any("has the box [4, 5, 30, 28], which is not in shares of the sides" in line for line in splits.problems)

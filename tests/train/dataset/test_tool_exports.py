"""Data sets in the layouts of the labelling tools are read with the right boxes, classes and parts."""

from __future__ import annotations

import hashlib

import pytest

from tests.support.tool_exports import LABELS, LAYOUTS, truth
from train import open_dataset

# Rounding to shares of four decimals or whole percents moves a side by less.
_PIXELS = 0.5

# Only the object of the event is in such data, not everything that the image shows.
_ONE_BOX = {"frigate: snapshots and the answer of /api/events"}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_layout_is_read_as_it_was_meant(layout, tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    layout.write(folder)
    dataset = open_dataset(folder, validation_share=0.34)
    wanted = {hashlib.sha256(one.jpeg).hexdigest(): one for one in truth()}
    found = {
        hashlib.sha256(example.image.read_bytes()).hexdigest(): (part, example)
        for part, examples in (("train", dataset.train), ("val", dataset.validation))
        for example in examples
    }
    assert found.keys() == wanted.keys()
    assert sorted(dataset.labels) == sorted({"red"} if layout.name in _ONE_BOX else LABELS)
    for key, one in wanted.items():
        part, example = found[key]
        if layout.split:
            assert part == one.part, one.stem
        boxes = sorted((item.label, *item.box.as_tuple()) for item in example.boxes)
        right = sorted(one.boxes[:1] if layout.name in _ONE_BOX else one.boxes)
        assert [box[0] for box in boxes] == [box[0] for box in right]
        for box, other in zip(boxes, right):
            assert box[1:] == pytest.approx(other[1:], abs=_PIXELS), one.stem

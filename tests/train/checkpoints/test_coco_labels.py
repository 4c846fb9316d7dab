"""The names of published checkpoints, by their number of classes."""

from __future__ import annotations

from train.checkpoints import coco_labels


def test_names_follow_the_number_of_classes():
    ids, classes = coco_labels.of_classes(90), coco_labels.of_classes(80)
    assert (ids[0], ids[12], ids[89]) == ("person", "stop sign", "toothbrush")
    assert (classes[0], classes[11], classes[79]) == ("person", "stop sign", "toothbrush")
    assert "???" in ids.names and "???" not in classes.names
    assert coco_labels.of_classes(3) is None

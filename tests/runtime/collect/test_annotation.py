from __future__ import annotations

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.media import images

FRAME = Frame(np.zeros((48, 64, 3), np.uint8))
SURE, UNSURE = Detection("cat & <dog>\x07", 0, 0.75, Box(1, 2, 30, 40.5), track=7), Detection("cat", 0, 0.4, Box(0, 0, 9, 9))
ORIGIN = Origin("rtsp://door", "ab" * 32, 1e9, ("doubtful", "novel"), 0.625, fingerprint=2**64 - 5, number=12)


def test_an_origin_comes_back(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(annotation.text("a.jpg", Moment(FRAME, (SURE,), (UNSURE,), 0.6), ORIGIN))
    assert annotation.read(path) == ORIGIN


def test_detections_are_objects_of_pascal_voc_and_candidates_are_not(tmp_path):
    """The kit's own reader of data sets takes such a folder."""
    from train.dataset.formats import pascal_voc

    for name in ("images", "annotations"):
        (tmp_path / name).mkdir()
    images.write(tmp_path / "images" / "a.jpg", FRAME.image)
    (tmp_path / "annotations" / "a.xml").write_bytes(annotation.text("a.jpg", Moment(FRAME, (SURE,), (UNSURE,)), ORIGIN))
    found = pascal_voc.read(tmp_path)
    ((box,),) = [example.boxes for example in (*found.train, *(found.validation or ()))]
    assert box.label == "cat & <dog>" and box.box.as_tuple() == (1, 2, 30, 40.5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<annotation>",
        b"<annotation/>",
        b"<annotation><collected><time>x</time></collected></annotation>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><annotation><collected><time>1</time><worth>1</worth></collected></annotation>',
        b" " * 1_000_001,
    ],
)
def test_what_is_none_of_ours_has_no_origin(tmp_path, data):
    path = tmp_path / "a.xml"
    path.write_bytes(data)
    assert annotation.read(path) is None
    assert annotation.read(tmp_path / "missing.xml") is None

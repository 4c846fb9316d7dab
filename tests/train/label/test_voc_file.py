"""What a correction makes of an annotation."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.common.errors import InputError
from train.label import voc_file
from train.label.voc_file import Shown

SIZE = (64, 48)
XML = """<annotation><folder>images</folder><filename>a.jpg</filename><source><database>mine</database></source>
<size><width>64</width><height>48</height><depth>3</depth></size><segmented>0</segmented>
<object><name>cat</name><pose>Left</pose><difficult>1</difficult><score>0.9</score>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>
<object><name>dog</name><score>0.3</score><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>
<object><name>tree</name><polygon><x1>1</x1></polygon></object></annotation>"""


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "a.xml"
    made.write_text(XML)
    return made


def read(path):
    return voc_file.read(path, "a.xml", 0.5)


def correct(path, boxes, *, verified=False, known=None):
    found = read(path)
    known = voc_file.elements(found) if known is None else known
    path.write_bytes(voc_file.corrected(found, boxes, known, verified, "a.jpg", SIZE))
    return ElementTree.parse(path).getroot()


def objects(root):
    return [(item.findtext("name"), item.findtext("score"), item.findtext("bndbox/xmin")) for item in root.iter("object")]


def test_boxes_below_the_threshold_are_suggestions_and_the_least_sure_says_the_doubt(path):
    found = read(path)
    assert [(item.label, item.score, item.suggested) for item in found.boxes] == [("cat", 0.9, False), ("dog", 0.3, True)]
    assert found.doubt == pytest.approx(0.6) and found.hidden == 1 and found.size == SIZE
    assert not found.verified and not found.edited


def test_what_the_page_does_not_know_is_kept(path):
    cat, dog = read(path).boxes
    root = correct(path, [Shown(cat.key, "lynx", cat.box), dog])
    assert root.findtext("source/database") == "mine" and root.findtext("segmented") == "0"
    assert root.find("object").findtext("pose") == "Left" and root.find("object").findtext("difficult") == "1"
    assert objects(root) == [("lynx", None, "1"), ("dog", "0.3", "5"), ("tree", None, None)]
    assert root.get("edited") == "yes" and root.get("verified") is None


def test_a_confirmed_image_has_no_scores_and_no_suggestions_and_keeps_its_doubt(path):
    doubt = read(path).doubt
    root = correct(path, read(path).boxes, verified=True)
    assert objects(root) == [("cat", None, "1"), ("tree", None, None)] and root.get("verified") == "yes"
    assert read(path).verified and read(path).doubt == pytest.approx(doubt)


def test_a_suggestion_that_was_taken_is_none_any_more(path):
    cat, dog = read(path).boxes
    root = correct(path, [cat, Shown(dog.key, dog.label, dog.box)])
    assert objects(root)[:2] == [("cat", "0.9", "1"), ("dog", None, "5")]
    assert not any(item.suggested for item in read(path).boxes)


def test_a_box_that_was_removed_comes_back_as_it_was(path):
    """As undo does: its element is known from before."""
    boxes, known = read(path).boxes, voc_file.elements(read(path))
    correct(path, [])
    assert read(path).boxes == []
    root = correct(path, boxes, known=known)
    assert root.find("object").findtext("pose") == "Left" and read(path).boxes == boxes


def test_the_same_correction_twice_changes_nothing(path):
    boxes, known = [Shown("", "owl", (1.0, 1.0, 9.5, 9.0)), *read(path).boxes], voc_file.elements(read(path))
    for verified in (False, True):
        correct(path, boxes, verified=verified, known=known)
        first = path.read_bytes()
        correct(path, boxes, verified=verified, known=known)
        assert path.read_bytes() == first


def test_a_page_that_outlived_its_server_keeps_what_it_does_not_know(path):
    root = correct(path, [Shown("gone", "cat", (1.0, 2.0, 30.0, 40.0))], known={})
    assert root.find("object").findtext("pose") == "Left"


def test_an_image_without_annotation_gets_one(tmp_path):
    path = tmp_path / "a.xml"
    assert read(path).version == voc_file.NONE and read(path).boxes == []
    root = correct(path, [Shown("", "a & <b>", (0.0, 0.0, 9.256, 9.0))])
    assert root.findtext("filename") == "a.jpg" and root.findtext("size/width") == "64"
    assert [item.box for item in read(path).boxes] == [(0.0, 0.0, 9.26, 9.0)]


@pytest.fixture
def collected(tmp_path):
    path = tmp_path / "c.xml"
    frame = Frame(np.zeros((48, 64, 3), np.uint8))
    moment = Moment(frame, (Detection("cat", 0, 0.7, Box(1, 2, 30, 40)),), (Detection("dog", 1, 0.4, Box(5, 5, 9, 9)),), 0.6)
    path.write_bytes(annotation.text("c.jpg", moment, Origin("door", "ab", 1e9, ("doubtful",), 0.95)))
    return path


def test_candidates_are_suggestions_and_worth_is_doubt(collected):
    found = read(collected)
    assert [(item.label, item.suggested) for item in found.boxes] == [("cat", False), ("dog", True)]
    # The threshold of the device, not of the desk.
    assert found.threshold == 0.6 and found.doubt == pytest.approx(0.95)


def test_a_candidate_is_taken_once_or_waits_and_its_origin_stays(collected):
    cat, dog = read(collected).boxes
    correct(collected, [cat, dog])
    assert [item.suggested for item in read(collected).boxes] == [False, True]
    root = correct(collected, [cat, Shown(dog.key, dog.label, dog.box)])
    assert objects(root) == [("cat", "0.7000", "1.00"), ("dog", None, "5")]
    assert root.findtext("collected/camera") == "door" and root.find("collected/candidate") is not None
    assert [item.label for item in read(collected).boxes] == ["cat", "dog"]
    correct(collected, [cat])
    assert [item.label for item in read(collected).boxes] == ["cat"]


@pytest.mark.parametrize("verified", [False, True])
def test_what_a_person_did_counts_no_more_as_collected_by_a_machine(collected, verified):
    assert annotation.read(collected) is not None
    correct(collected, read(collected).boxes, verified=verified)
    assert annotation.read(collected) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "not a list"),
        ([{}] * 2001, "at most 2000"),
        ([7], "box 1: not an object"),
        ([{"label": "a", "box": [0, 0, 9, 9]}], "needs key"),
        ([{"key": "", "suggested": False, "label": " ", "box": [0, 0, 9, 9]}], "printable"),
        ([{"key": "", "suggested": False, "label": "a\nb", "box": [0, 0, 9, 9]}], "printable"),
        ([{"key": "", "suggested": False, "label": "a" * 201, "box": [0, 0, 9, 9]}], "printable"),
        ([{"key": "", "suggested": False, "label": "a", "box": [0, 0, 9]}], "xmin"),
        ([{"key": "", "suggested": False, "label": "a", "box": [0, 0, 9, float("nan")]}], "not a number"),
        ([{"key": "", "suggested": False, "label": "a", "box": [0, 0, 9, True]}], "not a number"),
        ([{"key": "", "suggested": False, "label": "a", "box": [70, 0, 90, 9]}], "thinner"),
    ],
)
def test_what_is_no_box_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        voc_file.boxes_of(given, SIZE)


def test_boxes_are_cut_to_the_image():
    (box,) = voc_file.boxes_of([{"key": "", "suggested": False, "label": " a ", "box": [-5, 1.237, 1e9, 9]}], SIZE)
    assert (box.label, box.box) == ("a", (0, 1.24, 64, 9))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html/>", "not a PASCAL VOC annotation"),
        (b"no", "not XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', "entities"),
        (b" " * (5 << 20), "more than"),
    ],
)
def test_what_is_no_annotation_is_refused(path, data, message):
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read(path)

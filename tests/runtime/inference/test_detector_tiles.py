"""A detector that looks at an image tile by tile."""

from __future__ import annotations

import numpy as np
import pytest

from runtime import Detector, InputError
from runtime.boxes.tiles import Tiles
from tests.support import tiny_detector

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 180, 3)).astype(np.uint8)


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build())
    return path


def test_inputs_are_the_tiles_and_then_the_whole_image(tiny):
    plain, tiled = Detector(tiny), Detector(tiny, tiles="2x1")
    wanted = [plain.preprocess(part) for part in (IMAGE[:, :100], IMAGE[:, 80:], IMAGE)]
    assert all(np.array_equal(one, other) for one, other in zip(tiled.inputs(IMAGE), wanted))
    assert len(tiled.inputs(IMAGE)) == 3 and len(plain.inputs(IMAGE)) == 1
    assert np.array_equal(plain.inputs(IMAGE)[0], plain.preprocess(IMAGE))


def test_what_every_tile_shows_is_in_pixels_of_the_image(tiny):
    # The model gives the same for any image: one object that fills it, and another in it.
    found = Detector(tiny, tiles="2x1,whole=no")(IMAGE)
    assert [(item.class_id, item.box.as_tuple()) for item in found if item.class_id == 0] == [(0, (0, 0, 180, 90))]
    small = [tuple(round(side) for side in item.box.as_tuple()) for item in found if item.class_id == 1]
    assert sorted(small) == [(20, 9, 60, 45), (100, 9, 140, 45)]
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)


def test_candidates_of_tiles_are_merged_too(tiny):
    detector = Detector(tiny, tiles="2x1,whole=no")
    raws = [detector.invoke(tensor) for tensor in detector.inputs(IMAGE)]
    found, candidates = detector.combined(raws, 180, 90, 0.2)
    assert found == detector(IMAGE) and {item.score for item in candidates} == {0.25}


def test_a_threshold_changes_no_object_above_it(tiny):
    everything = Detector(tiny, tiles="2x1", score=0.0)(IMAGE)
    for score in (0.1, 0.3, 0.8):
        above = tuple(item for item in everything if item.score >= score)
        assert Detector(tiny, tiles="2x1", score=score)(IMAGE) == above
    one = Detector(tiny, tiles="2x1", score=0.1, scores={"class 1": 0.8})(IMAGE)
    assert one == tuple(item for item in everything if item.score >= (0.8 if item.class_id == 1 else 0.1))


def test_one_place_is_given_once_whichever_class_a_tile_shows(tiny, monkeypatch):
    box = np.array([[0.1, 0.1, 0.25, 0.25]])
    # A car in the first tile of 100 x 90 pixels, and a truck there in the whole image of 180 x 90.
    shown = {0: (box, [0], [0.62]), 2: (box * [1, 100 / 180, 1, 100 / 180], [1], [0.58])}

    def decoded(self, raw, lowest):
        return tuple(np.array(values) for values in shown.get(raw[0], (np.empty((0, 4)), [], [])))

    monkeypatch.setattr(Detector, "_decoded", decoded)
    raws = [[0], [1], [2]]
    found = {labels: Detector(tiny, tiles="2x1", all_labels=labels, score=0.5) for labels in (False, True)}
    assert [item.class_id for item in found[False].combined(raws, 180, 90)[0]] == [0]
    assert [item.class_id for item in found[True].combined(raws, 180, 90)[0]] == [0, 1]
    # What counts comes first, whatever its score.
    strict = Detector(tiny, tiles="2x1", score=0.5, scores={"class 0": 0.7})
    assert [[item.class_id for item in items] for items in strict.combined(raws, 180, 90, 0.1)] == [[1], []]


def test_agnostic_counts_across_tiles(tiny):
    plain, agnostic = (Detector(tiny, tiles="2x1", agnostic=value)(IMAGE) for value in (None, 0.05))
    assert len(agnostic) < len(plain) and set(agnostic) <= set(plain)


def test_detect_all_and_detect_cut_too(tiny):
    detector = Detector(tiny, tiles=Tiles(2, 1))
    assert detector.detect_all([IMAGE, IMAGE]) == [detector(IMAGE)] * 2
    assert detector.detect(IMAGE).detections == detector(IMAGE)


@pytest.mark.parametrize("image", [None, "street.jpg", np.zeros((4, 4), np.uint8)])
def test_what_is_no_image_is_told_as_without_tiles(tiny, image):
    with pytest.raises((ValueError, TypeError), match="an image is"):
        Detector(tiny, tiles="2x1")(image)


def test_wrong_tiles_are_told_before_the_file_is_read():
    with pytest.raises(InputError, match="no tiles"):
        Detector("missing.tflite", tiles="many")

"""COCO metrics of hand-made detections, and valid and invalid COCO JSON files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation.coco import FIGURES, GroundTruth

LABELS = Labels(("cat", "dog"))
CAT, DOG = Box(10, 10, 110, 110), Box(150, 50, 190, 90)


def example(id: str, *boxes: tuple[str, Box]) -> Example:
    return Example(id, Path(f"{id}.jpg"), 300, 200, tuple(LabelledBox(*item) for item in boxes))


def found(label: str, box: Box, score: float = 0.9) -> Detection:
    return Detection(label, LABELS.index(label), score, box)


@pytest.fixture
def truth() -> GroundTruth:
    return GroundTruth.from_examples([example("a", ("cat", CAT), ("dog", DOG)), example("b", ("cat", CAT))], LABELS)


def test_perfect_detections(truth):
    metrics = truth.measure({"a": [found("cat", CAT), found("dog", DOG)], "b": [found("cat", CAT)]})
    assert metrics["AP"] == metrics["AP50"] == metrics["AP75"] == metrics["AR100"] == pytest.approx(1)
    assert metrics.per_class == {"cat": pytest.approx(1), "dog": pytest.approx(1)}
    assert metrics.images == 2


def test_figures_without_ground_truth_are_none(truth):
    metrics = truth.measure({"a": [found("cat", CAT)]})
    # A side of 40 is medium, one of 100 is large, and nothing is small.
    assert metrics["APs"] is metrics["ARs"] is None
    assert metrics["APm"] == 0 and metrics["APl"] is not None
    assert "APs    -" in " ".join(metrics.table().split("  "))


def test_half_of_the_boxes_detected(truth):
    metrics = truth.measure({"a": [found("cat", CAT), found("dog", DOG)]})
    # Precision 1 at 51 of the 101 recalls 0, 0.01, ... 1 for the cat.
    assert metrics.per_class["cat"] == pytest.approx(51 / 101)
    assert metrics["AP"] == pytest.approx((51 / 101 + 1) / 2)


def test_a_box_counts_up_to_its_iou(truth):
    # 82 of the cat's 100 columns: found at the thresholds 0.5 to 0.8, seven of ten.
    loose = Box(10, 10, 92, 110)
    metrics = truth.measure({"a": [found("cat", loose), found("dog", DOG)], "b": [found("cat", loose)]})
    assert metrics.per_class["cat"] == pytest.approx(0.7) and metrics.per_class_50["cat"] == pytest.approx(1)
    assert metrics["AP50"] == metrics["AP75"] == pytest.approx(1)


def test_a_false_detection_with_a_higher_score_lowers_precision(truth):
    nowhere = found("dog", Box(0, 120, 40, 160), 0.95)
    metrics = truth.measure({"a": [found("cat", CAT), nowhere, found("dog", DOG)], "b": [found("cat", CAT)]})
    assert metrics.per_class["dog"] == pytest.approx(0.5)


def test_a_wrong_label_does_not_count(truth):
    metrics = truth.measure({"a": [found("dog", CAT), found("cat", DOG)]})
    assert metrics["AP"] == 0


def test_no_detections_give_zero_for_classes_with_boxes(truth):
    for nothing in ({}, {"a": [], "b": []}, {"a": [Detection("horse", 7, 0.9, CAT)]}):
        metrics = truth.measure(nothing)
        assert metrics["AP"] == metrics["APm"] == metrics["APl"] == metrics["AR100"] == 0
        assert metrics["APs"] is None
        assert metrics.per_class == {"cat": 0, "dog": 0}


def test_a_class_that_is_only_trained_on_has_no_figure():
    truth = GroundTruth.from_examples([example("a", ("cat", CAT))], LABELS)
    assert truth.measure({"a": [found("cat", CAT)]}).per_class == {"cat": pytest.approx(1), "dog": None}


def test_as_dictionary(truth):
    data = json.loads(json.dumps(truth.measure({}).as_dict()))
    assert set(data) == {*FIGURES, "images", "per_class", "per_class_50"}


def coco() -> dict:
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 300, "height": 200}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 17, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 17, "bbox": [10, 10, 100, 100]}],
    }


def test_a_json_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(coco()))
    truth = GroundTruth.from_json(path)
    assert truth.labels == LABELS
    assert [(image.id, image.width, image.height) for image in truth.images] == [("a.jpg", 300, 200)]
    assert truth.measure({"a.jpg": [found("cat", CAT)]})["AP"] == pytest.approx(1)


def test_a_box_whose_id_is_0_or_missing_counts(tmp_path):
    data = coco()
    data["annotations"][0]["id"] = 0
    data["annotations"].append({"image_id": 7, "category_id": 18, "bbox": [150, 50, 40, 40]})
    path = tmp_path / "a.json"
    path.write_text(json.dumps(data))
    found_both = {"a.jpg": [found("cat", CAT), found("dog", DOG)]}
    assert GroundTruth.from_json(path).measure(found_both)["AP"] == pytest.approx(1)


def written(path: Path, data: dict) -> Path:
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("ids", [("img_7", "pet"), ("7", "17"), (7.0, 17.0)])
def test_ids_that_are_text(tmp_path, ids):
    """As FiftyOne, pylabel and pandas write them."""
    data = coco()
    data["images"].append({"id": 8, "file_name": "b.jpg", "width": 300, "height": 200})
    data["images"][0]["id"], data["categories"][1]["id"] = ids
    data["annotations"][0].update(image_id=ids[0], category_id=ids[1])
    truth = GroundTruth.from_json(written(tmp_path / "a.json", data))
    assert truth.measure({"a.jpg": [found("cat", CAT)]})["AP"] == pytest.approx(1)


@pytest.mark.parametrize("mark", [1, True, "1"])
def test_crowds_are_neither_found_nor_missed(tmp_path, mark):
    data = coco()
    data["annotations"].append({"image_id": 7, "category_id": 18, "bbox": [150, 50, 40, 40], "iscrowd": mark})
    truth = GroundTruth.from_json(written(tmp_path / "a.json", data))
    assert [box.label for image in truth.labelled() for box in image.boxes] == ["cat"]
    both = truth.measure({"a.jpg": [found("cat", CAT), found("dog", DOG)]})
    assert both["AP"] == pytest.approx(1) and both.per_class["dog"] is None


@pytest.mark.parametrize("changes", [{"iscrowd": 1}, {"iscrowd": 1, "attributes": {"occluded": False}}])
def test_masks_that_are_all_marked_as_crowds_are_objects(tmp_path, changes):
    """As CVAT writes them; the reader of data sets has the same rule."""
    data = coco()
    data["annotations"].append({"image_id": 7, "category_id": 18, "bbox": [150, 50, 40, 40], **changes})
    data["annotations"][0].update(changes)
    truth = GroundTruth.from_json(written(tmp_path / "a.json", data))
    assert [box.label for image in truth.labelled() for box in image.boxes] == ["cat", "dog"]


def test_the_shared_json_file(shared):
    truth = GroundTruth.from_json(shared / "data" / "coco_val206" / "instances_val206.json")
    assert len(truth.images) == 206 and len(truth.labels) == 80


def without(*path):
    def change(data):
        for part in path[:-1]:
            data = data[part]
        del data[path[-1]]

    return change


def having(value, *path):
    def change(data):
        for part in path[:-1]:
            data = data[part]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        without("images"),
        without("categories"),
        without("annotations"),
        without("images", 0, "file_name"),
        without("images", 0, "id"),
        without("images", 0, "width"),
        without("categories", 0, "id"),
        without("annotations", 0, "bbox"),
        without("annotations", 0, "image_id"),
        without("annotations", 0, "category_id"),
        having(8, "annotations", 0, "image_id"),
        having("cat", "categories", 0, "name"),
        having([1, 2, 3, 4, 5], "annotations", 0, "bbox"),
        having(3, "images"),
        having([1, 2], "annotations", 0, "bbox"),
        having("wide", "annotations", 0, "bbox"),
        having("large", "annotations", 0, "area"),
        having(float("inf"), "images", 0, "width"),
        having([], "annotations"),
        having([], "images"),
    ],
)
def test_json_that_lacks_something_is_refused_in_one_line(change, tmp_path):
    data = coco()
    change(data)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"bad\.json") as caught:
        GroundTruth.from_json(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[]", b"3", b"\xff\xfe\x00", b""])
def test_what_is_no_json_object_is_refused(content, tmp_path):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.json"):
        GroundTruth.from_json(path)


def test_a_missing_file_is_refused(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            GroundTruth.from_json(path)

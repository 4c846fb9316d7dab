"""From images to what label tools open."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import pytest

from convert.file.trained_on import mark
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from tests.support import tiny_detector
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set
from train.dataset.dataset import open_dataset
from train.dataset.formats import coco, cvat, pascal_voc, yolo
from train.label import __main__ as command
from train.label.__main__ import main

SIGNATURE = {"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}
# What the model finds in every image of 100 x 80: class, score, box.
FOUND = [(1, 0.9, (20, 8, 60, 40)), (0, 0.75, (0, 0, 100, 80))]


@pytest.fixture
def detector(tmp_path):
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny_detector.build(signature=SIGNATURE))
    (tmp_path / "detector.txt").write_text("cat\ndog\nfox\n")
    return path


@pytest.fixture
def photos(tmp_path):
    for name in ("photos/a.jpg", "photos/b.png", "photos/deep/a.jpg", "photos/a.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(len(name)).integers(0, 255, (80, 100, 3)).astype(np.uint8))
    return tmp_path / "photos"


def label(source, detector, out, kind, *more):
    assert main([str(source), "--model", str(detector), "--out", str(out), "--to", kind, "--score", "0.5", *more]) == 0
    return out


def boxes(splits):
    found = {}
    for example in (*splits.train, *(splits.validation or ())):
        found[example.image.name] = sorted(
            (item.label, tuple(round(side) for side in item.box.as_tuple())) for item in example.boxes
        )
    return found


EXPECTED = sorted((("cat", "dog")[number], box) for number, _, box in FOUND)


@pytest.mark.parametrize(("kind", "reader"), [("pascal_voc", pascal_voc), ("coco", coco), ("yolo", yolo), ("cvat", cvat)])
def test_the_formats_are_read_back_with_the_same_boxes(detector, photos, tmp_path, kind, reader):
    out = label(photos, detector, tmp_path / "out", kind)
    found = boxes(reader.read(out))
    assert len(found) == 4 and all(value == EXPECTED for value in found.values())
    # And whoever trains on it needs no option.
    assert open_dataset(out).format == kind


def test_label_studio_gets_predictions_with_scores(detector, photos, tmp_path):
    out = label(photos, detector, tmp_path / "out", "label_studio")
    tasks = json.loads((out / "tasks.json").read_text())
    assert len(tasks) == 4 and not any("annotations" in task for task in tasks)
    (prediction,) = tasks[0]["predictions"]
    first = prediction["result"][0]
    assert first["score"] == pytest.approx(0.9, abs=1e-4) and first["value"]["rectanglelabels"] == ["dog"]
    sides = [first["value"][name] for name in ("x", "y", "width", "height")]
    assert sides == pytest.approx([20, 10, 40, 40]) and (first["original_width"], first["original_height"]) == (100, 80)
    for task in tasks:
        assert (out / task["data"]["image"].partition("?d=out/")[2]).is_file()
    assert (out / "config.xml").read_text().count("<Label ") == 3


def test_scores_are_where_the_format_has_a_place(detector, photos, tmp_path):
    out = label(photos, detector, tmp_path / "voc", "pascal_voc")
    assert "<score>0.9000</score>" in (out / "annotations" / "b.xml").read_text()
    out = label(photos, detector, tmp_path / "coco", "coco")
    assert {item["score"] for item in json.loads((out / "annotations.json").read_text())["annotations"]} == {0.9, 0.75}
    out = label(photos, detector, tmp_path / "cvat", "cvat")
    text = (out / "annotations.xml").read_text()
    assert text.count('source="auto"') == 8 and '<attribute name="score">90</attribute>' in text
    assert [item["name"] for item in json.loads((out / "labels.json").read_text())] == ["cat", "dog", "fox"]


def test_boxes_that_are_there_stay_and_what_differs_is_listed(detector, photos, tmp_path, capsys):
    labelled = label(photos, detector, tmp_path / "labelled", "pascal_voc")
    xml = labelled / "annotations" / "b.xml"
    # Another class in one image, a box that lies elsewhere in another.
    xml.write_text(xml.read_text().replace("dog", "wolf"))
    path = next(path for path in (labelled / "annotations").iterdir() if path != xml)
    path.write_text(re.sub("<xmax>60.*?</xmax>", "<xmax>90</xmax>", path.read_text()))
    capsys.readouterr()
    out = label(labelled, detector, tmp_path / "out", "coco")
    told = capsys.readouterr().err
    assert "4 images, 0 proposed boxes" in told and "4 images have boxes, which stay" in told
    listed = json.loads((out / "differences.json").read_text())
    by_kind = {item["what"]: item for item in listed}
    assert by_kind["labelled as another class"]["labelled"] == "wolf" and by_kind["labelled as another class"]["found"] == "dog"
    assert by_kind["labelled elsewhere"]["iou"] == pytest.approx(4 / 7, abs=0.01)
    assert len(listed) == 2
    labels = {item["category_id"] for item in json.loads((out / "annotations.json").read_text())["annotations"]}
    assert 4 in labels, "the class that only a person has used comes after the detector's"
    assert not (label(labelled, detector, tmp_path / "new", "coco", "--replace") / "differences.json").exists()


@pytest.mark.parametrize(
    ("given", "used", "noted"), [((), Tiles(2, 1), True), (("--tiles", "none"), None, False), (("--tiles", "2x2"), Tiles(2, 2), False)]
)
@pytest.mark.parametrize("of_run", [False, True])
def test_tiles_are_those_of_the_model_unless_they_are_named(
    detector, photos, tmp_path, monkeypatch, capsys, given, used, noted, of_run
):
    model = detector
    if of_run:
        run = small_run(tmp_path / "run", data_set(tmp_path / "data", 4))
        run.write_config({"task": {"size": 320, "tiles": "2x1"}})
        run.export.mkdir()
        (run.export / "detector_int8.tflite").write_bytes(detector.read_bytes())
        model = run.path
    else:
        detector.write_bytes(mark(detector.read_bytes(), Tiles(2, 1)))
    used_by = []
    monkeypatch.setattr(command, "propose", lambda detector, *_: used_by.append(detector.tiles) or [])
    label(photos, model, tmp_path / "out", "coco", *given)
    assert used_by == [used]
    assert ("trained on tiles 2x1, and used with them" in capsys.readouterr().err) == noted


def test_frames_of_a_video(detector, tmp_path):
    video = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (100, 80))
    for index in range(25):
        video.write(np.full((80, 100, 3), 10 * index, np.uint8))
    video.release()
    out = label(tmp_path / "v.avi", detector, tmp_path / "out", "coco", "--every", "1")
    assert sorted(path.name for path in (out / "images").iterdir()) == [f"v_{index:06d}.jpg" for index in (0, 10, 20)]
    assert len(json.loads((out / "annotations.json").read_text())["annotations"]) == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing", "--model", "detector.tflite"), "missing: no such file or folder"),
        (("empty", "--model", "detector.tflite"), "no images in it"),
        (("photos", "--model", "empty"), "no detector in it; convert it first"),
        (("photos", "--model", "gone"), "give a .tflite or a run"),
        (("bad.mp4", "--model", "detector.tflite"), "cannot be read as a video"),
    ],
)
def test_wrong_input_leaves_nothing(detector, photos, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    with pytest.raises(InputError, match=message):
        main([*words, "--out", "out", "--to", "coco"])
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "m.tflite"), "required: --out, --to"),
        (("--serve", "--out", "out"), "corrects a folder where it is"),
        (("--serve", "--every", "2"), "corrects a folder where it is"),
        (("--serve", "--replace"), "corrects a folder where it is"),
        (("--serve", "--tiles", "2x1"), "corrects a folder where it is"),
        (("--model", "m", "--out", "o", "--to", "coco", "--classes", "c.txt"), "--classes is for --serve"),
    ],
)
def test_options_that_do_not_go_together(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["photos", *words])
    assert ended.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone", "--serve"), "gone: no such folder"),
        (("empty", "--serve"), "no images in it"),
        (("photos", "--serve", "0"), "no port from 1 to 65535"),
        (("photos", "--serve", "--classes", "gone.txt"), "cannot read labels"),
    ],
)
def test_a_folder_or_address_that_cannot_be_served(photos, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        main(list(words))

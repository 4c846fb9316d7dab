"""What Edge Impulse and Unity write besides what all exports have (see `tools/test_entries.py`)."""

from __future__ import annotations

from pathlib import Path

from tests.support.layouts import boxes, write
from train.dataset.formats import edge_impulse, unity_perception

BOX = {"x": 4, "y": 5, "width": 26, "height": 23}
SIDES = (4.0, 5.0, 30.0, 28.0)


def test_the_list_of_files_is_read_where_there_are_no_boxes_of_a_folder(tmp_path: Path) -> None:
    rows = [
        {"path": "training/a.jpg", "category": "training", "label": {"type": "label", "label": "a"}, "boundingBoxes": [{"label": "cat", **BOX}]},
        {"path": "training/b.jpg", "category": "training", "label": {"type": "label", "label": "b"}, "boundingBoxes": []},
        {"path": "training/c.jpg", "category": "training", "label": {"type": "unlabeled"}},
        {"path": "testing/d.jpg", "category": "testing", "label": {"type": "label", "label": "d"}, "boundingBoxes": [{"label": "cat", **BOX}]},
    ]
    images = {f"{row['path']}": "" for row in rows}
    folder = write(tmp_path, {"info.labels": {"version": 1, "files": rows}, **images})
    splits = edge_impulse.read(folder)
    assert boxes(splits) == {"a": [("cat", *SIDES)], "b": [], "d": [("cat", *SIDES)]}
    assert [example.id for example in splits.validation or ()] == ["d"]


def test_boxes_count_once_where_both_files_have_them(tmp_path: Path) -> None:
    found = {"version": 1, "type": "bounding-box-labels", "boundingBoxes": {"a.jpg": [{"label": "cat", **BOX}]}}
    listed = {"path": "training/a.jpg", "category": "training", "label": {"type": "unlabeled"}, "boundingBoxes": [{"label": "cat", **BOX}]}
    info = {"version": 1, "files": [listed]}
    folder = write(tmp_path, {"training/bounding_boxes.labels": found, "training/info.labels": info, "info.labels": info, "training/a.jpg": ""})
    (example,) = edge_impulse.read(folder).train
    assert len(example.boxes) == 1


def test_captures_of_early_versions(tmp_path: Path) -> None:
    def capture(number: int, *values: dict) -> dict:
        rows = [
            {"annotation_definition": "boxes", "values": list(values)},
            {"annotation_definition": "masks", "filename": f"Seg1/seg_{number}.png", "values": []},
        ]
        return {"id": "c", "sensor": {"sensor_id": "s"}, "filename": f"RGB1/rgb_{number}.png", "format": "PNG", "annotations": rows}

    captures = [
        capture(2, {"label_id": 1, "label_name": "cat", "instance_id": 6, **BOX}),
        capture(3),
        capture(4, {"label_id": 1, "label_name": "cat", "translation": {}, "size": {}}),
    ]
    images = {f"RGB1/rgb_{number}.png": "" for number in (2, 3, 4)}
    folder = write(tmp_path, {"Dataset1/captures_000.json": {"version": "0.0.1", "captures": captures}, **images})
    splits = unity_perception.read(folder)
    assert boxes(splits) == {"rgb_2": [("cat", *SIDES)], "rgb_3": []}
    assert "left out, because not one of its shapes has a box: 1 image" in splits.problems


def test_frames_of_solo_have_one_name_in_each_sequence(tmp_path: Path) -> None:
    files: dict = {}
    for number in range(2):
        value = {"instanceId": 1, "labelId": 1, "labelName": f"cat{number}", "origin": [4, 5], "dimension": [26, 23]}
        row = {"@type": "type.unity.com/unity.solo.BoundingBox2DAnnotation", "values": [value]}
        capture = {"filename": "step0.camera.png", "imageFormat": "Png", "dimension": [64, 48], "annotations": [row]}
        files[f"sequence.{number}/step0.frame_data.json"] = {"frame": number, "sequence": number, "step": 0, "captures": [capture]}
        files[f"sequence.{number}/step0.camera.png"] = ""
    found = boxes(unity_perception.read(write(tmp_path, files)))
    assert found == {f"sequence.{number}/step0.camera": [(f"cat{number}", *SIDES)] for number in range(2)}

"""COCO JSON as tools write it: the same boxes, in other words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.common.values import Box, Labels
from tests.support import format_samples as make
from tests.support.format_samples import samples
from train import open_dataset
from train.dataset.examples.problems import allowed
from train.dataset.formats import coco

DOG = ("dog", 1, 2, 60, 40)
EXPECTED = [("cat", Box(4, 5, 30, 28)), ("dog", Box(1, 2, 60, 40))]


@pytest.fixture
def folder(tmp_path) -> Path:
    return make.write("coco", tmp_path / "data", samples(4, 0, (make.BOX, DOG)), ["cat", "dog"])


def edit(folder: Path, change) -> Path:
    path = folder / "train/_annotations.coco.json"
    data = json.loads(path.read_text())
    data = change(data) or data
    path.write_text(json.dumps(data))
    return path


def every(key: str, change) -> object:
    return lambda data: [row.update(change(row)) for row in data[key]] and None


def polygon(row: dict) -> list[float]:
    x, y, width, height = row["bbox"]
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def mask(row: dict) -> dict:
    x, y, width, height = row["bbox"]
    counts = [x * 48 + y, height]
    for _ in range(width - 1):
        counts += [48 - height, height]
    return {"size": [48, 64], "counts": [*counts, 64 * 48 - sum(counts)]}


def ids(change) -> object:
    def edited(data: dict) -> None:
        for row in data["images"]:
            row["id"] = change(row["id"])
        for row in data["annotations"]:
            row["image_id"] = change(row["image_id"])

    return edited


def without(key: str, *names: str) -> object:
    return lambda data: [row.pop(name, None) for row in data[key] for name in names] and None


def nested(data: dict, name: str = "annotations") -> dict:
    for image in data["images"]:
        image[name] = [row for row in data["annotations"] if row["image_id"] == image["id"]]
    del data["annotations"]
    return data


def create_ml(data: dict) -> list:
    names = {row["id"]: row["name"] for row in data["categories"]}
    found = []
    for image in nested(data)["images"]:
        inside = [
            {"label": names[row["category_id"]], "coordinates": {"x": b[0] + b[2] / 2, "y": b[1] + b[3] / 2, "width": b[2], "height": b[3]}}
            for row in image["annotations"]
            for b in [row["bbox"]]
        ]
        found.append({"image": image["file_name"], "annotations": inside})
    return found


def detectron2(data: dict) -> list:
    for row in data["annotations"]:
        x, y, width, height = row["bbox"]
        row.update(bbox=[x, y, x + width, y + height], bbox_mode=0, category="cat" if row["category_id"] == 1 else "dog")
        del row["category_id"]
    return nested(data)["images"]


def by_maps(data: dict) -> dict:
    return {key: {str(row["id"]): row for row in data[key]} for key in ("images", "annotations", "categories")}


CASES = {
    "text ids": ids(lambda id: f"img_{id:04}"),
    "ids as text": ids(str),
    "float ids": ids(float),
    "text here, number there": lambda data: [row.update(id=str(row["id"])) for row in data["images"]] and None,
    "leading zeros on one side": lambda data: [row.update(id=f"{row['id']:012}") for row in data["images"]] and None,
    "images by name": lambda data: [row.update(image_id=f"p{row['image_id']}.jpg") for row in data["annotations"]] and None,
    "images without ids": lambda data: [row.update(image_id=f"p{row['image_id']}") for row in data["annotations"]] and without("images", "id")(data),
    "category as text": every("annotations", lambda row: {"category_id": str(row["category_id"])}),
    "category as float": every("annotations", lambda row: {"category_id": float(row["category_id"])}),
    "category by name": every("annotations", lambda row: {"category_id": ["", "cat", "dog"][row["category_id"]]}),
    "text ids of categories": lambda data: [row.update({key: f"c{row[key]}"}) for name, key in (("categories", "id"), ("annotations", "category_id")) for row in data[name]] and None,
    "categories without ids": lambda data: data.update(categories=[{"name": "cat"}, {"name": "dog"}]),
    "categories as names": lambda data: data.update(categories=["cat", "dog"]),
    "categories as a map": lambda data: data.update(categories={"1": "cat", "2": "dog"}),
    "no categories": lambda data: [row.update(category_name=["", "cat", "dog"][row.pop("category_id")]) for row in data["annotations"]] and data.pop("categories") and None,
    "supercategory only": lambda data: data.update(categories=[{"id": 1, "supercategory": "cat"}, {"id": 2, "supercategory": "dog"}]),
    "one name twice": lambda data: data["categories"].append({"id": 3, "name": "dog"}) or data["annotations"][1].update(category_id=3),
    "a broken category": lambda data: data["categories"].extend([7, {"name": "bird"}, {"id": None, "name": "x"}, None]),
    "polygons": lambda data: [row.update(segmentation=[polygon(row)], bbox=[]) for row in data["annotations"]] and None,
    "polygons, no bbox": lambda data: [row.update(segmentation=[polygon(row)]) or row.pop("bbox") for row in data["annotations"]] and None,
    "masks": lambda data: [row.update(segmentation=mask(row)) or row.pop("bbox") for row in data["annotations"]] and None,
    "empty boxes beside polygons": lambda data: [row.update(segmentation=[polygon(row)], bbox=[0, 0, 0, 0]) for row in data["annotations"]] and None,
    "all crowds": every("annotations", lambda row: {"iscrowd": 1}),
    "masks of CVAT": lambda data: [row.update(iscrowd=1, segmentation=mask(row), attributes={"occluded": False}) for row in data["annotations"][::2]] and None,
    "boxes as text": every("annotations", lambda row: {"bbox": [f"{value}.0" for value in row["bbox"]]}),
    "boxes as lists in text": every("annotations", lambda row: {"bbox": str(row["bbox"])}),
    "boxes in a list": every("annotations", lambda row: {"bbox": [row["bbox"]]}),
    "boxes that are no numbers beside polygons": lambda data: [row.update(segmentation=[polygon(row)], bbox=[float("nan")] * 4) for row in data["annotations"]] and None,
    "boxes with names": every("annotations", lambda row: {"bbox": dict(zip(("x", "y", "width", "height"), row["bbox"]))}),
    "sizes below zero": lambda data: [row.update(bbox=[b[0] + b[2], b[1] + b[3], -b[2], -b[3]]) for row in data["annotations"] for b in [row["bbox"]]] and None,
    "inside the images": nested,
    "objects inside the images": lambda data: nested(data, "objects"),
    "a list of images": lambda data: detectron2(data),
    "Create ML": create_ml,
    "a list around it": lambda data: [data],
    "maps instead of lists": by_maps,
    "an address": every("images", lambda row: {"file_name": f"https://example.org/a%20b/{row['file_name']}?sig=x"}),
    "windows": every("images", lambda row: {"file_name": f"C:\\Users\\me\\{row['file_name']}"}),
    "colab": every("images", lambda row: {"file_name": f"/content/drive/My Drive/set/{row['file_name']}"}),
    "label studio's local files": every("images", lambda row: {"file_name": f"/data/local-files/?d=set/{row['file_name']}"}),
    "label studio's uploads": every("images", lambda row: {"file_name": f"..\\/upload/1/1b2c3d4e-{row['file_name']}"}),
    "upper case": every("images", lambda row: {"file_name": row["file_name"].upper()}),
    "other names of the name": lambda data: [row.update(path=row.pop("file_name")) for row in data["images"]] and None,
    "sizes as text": every("images", lambda row: {"width": "64", "height": "wide"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_boxes_of_a_file(folder, case):
    edit(folder, CASES[case])
    assert coco.score(folder).images == 4
    splits = coco.read(folder)
    assert [example.id for example in splits.train] == ["p0", "p1", "p2", "p3"]
    assert [[(item.label, item.box) for item in example.boxes] for example in splits.train] == [EXPECTED] * 4


def test_names_with_blanks_and_accents(folder):
    """macOS decomposes characters, browsers write percent signs."""
    (folder / "train/p0.jpg").rename(folder / "train/cafe\u0301 1.jpg")
    edit(folder, lambda data: data["images"][0].update(file_name="caf\u00e9%201.jpg"))
    assert coco.read(folder).train[0].image.name == "cafe\u0301 1.jpg"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["annotations"][0].update(category_id=77),
        lambda data: data["annotations"][0].update(bbox="x"),
        lambda data: data["annotations"][0].update(image_id={}),
        lambda data: data["annotations"].__setitem__(0, None),
        lambda data: data["annotations"].__setitem__(0, [1]),
        lambda data: data["annotations"][0].update(bbox=[float("nan")] * 4),
        lambda data: data["annotations"][0].update(category_id=True),
    ],
)
def test_one_wrong_annotation_is_one_problem(folder, change):
    edit(folder, change)
    splits = coco.read(folder)
    assert sum(len(example.boxes) for example in splits.train) == 7
    (line,) = splits.problems
    assert "annotations[0] has " in line


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda data: data["images"].__setitem__(0, 7), 3),
        (lambda data: data["images"][0].update(file_name=None), 3),
        (lambda data: data["images"][0].update(file_name="absent.jpg"), 3),
    ],
)
def test_one_wrong_image_is_one_image_less(folder, change, left):
    edit(folder, change)
    assert len(coco.read(folder).train) == left


def test_two_images_with_one_id_are_both_left_out(folder):
    """Which of them has the boxes cannot be known."""
    edit(folder, lambda data: data["images"][1].update(id=0))
    with allowed(0.6):
        assert [example.id for example in coco.read(folder).train] == ["p2", "p3"]


def test_a_category_with_two_names_has_no_boxes(folder):
    edit(folder, lambda data: data["categories"].append({"id": 2, "name": "wolf"}))
    with allowed(0.6):
        splits = coco.read(folder)
    assert {item.label for example in splits.train for item in example.boxes} == {"cat"}
    assert "gives the id the name 'wolf', another 'dog'" in splits.problems[0]


def test_files_by_class_are_put_together(folder):
    path = edit(folder, lambda data: None)
    data = json.loads(path.read_text())
    path.unlink()
    for id, name in ((1, "cat"), (2, "dog")):
        rows = [{**row, "category_id": 5} for row in data["annotations"] if row["category_id"] == id]
        text = json.dumps({**data, "annotations": rows, "categories": [{"id": 5, "name": name}]})
        (folder / f"{name}.json").write_text(text)
    splits = coco.read(folder)
    assert [[(item.label, item.box) for item in example.boxes] for example in splits.train] == [EXPECTED] * 4
    assert "boxes of several entries for one image put together, each once: 4 entries" in splits.problems


def test_numbers_without_categories_are_names(folder):
    edit(folder, lambda data: data.pop("categories") and None)
    splits = coco.read(folder)
    assert splits.labels == ("1", "2") and "has no list 'categories'" in splits.problems[0]


def test_classes_of_text_ids_keep_an_order(folder):
    edit(folder, CASES["text ids of categories"])
    assert open_dataset(folder).labels == Labels(("cat", "dog"))


@pytest.mark.parametrize(
    "text",
    [
        '[{"annotations": [{"result": [], "bbox": [1]}], "from_name": "x"}]',
        '{"items": [], "annotations": []}',
        '{"shapes": [], "imagePath": "p0.jpg"}',
    ],
)
def test_json_of_other_tools_is_not_coco(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    assert coco.score(tmp_path) is None

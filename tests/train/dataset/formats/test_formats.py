"""Behavior that all formats have in common."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from tests.support import format_samples as make
from tests.support.format_samples import BOX, FORMATS, SIZE, Sample, described, samples
from tests.support.tool_samples import TOOLS
from train import export, open_dataset
from train.dataset import formats, writers
from train.dataset.dataset import Dataset
from train.records import writing
from train.sample_data import generation

DOG = ("dog", 1, 2, 60, 40)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def record_bytes(dataset: Dataset, cache: Path) -> list[bytes]:
    files = [
        file
        for part in (dataset.train, dataset.validation)
        for file in writing.build(part, dataset.labels, cache=cache, progress=False)
    ]
    return [file.read_bytes() for file in files]


def test_all_formats_are_tried_here():
    assert writers.names() == FORMATS
    # It has one class, and tests of its own.
    assert formats.names() == tuple(sorted((*FORMATS, *TOOLS, "opencv_cascade")))


@pytest.mark.parametrize("format", FORMATS)
def test_layout_of_exports(tmp_path, format):
    images = [*samples(5, 2), Sample("background.jpg", "valid", (), data=make.image(9))]
    images[1] = replace(images[1], boxes=(BOX, DOG))
    folder = make.write(format, tmp_path / "data", images, ["dog", "cat"])
    assert list(formats.scores(folder)) == [format]
    dataset = open_dataset(folder)
    assert [e.id for e in dataset.train] == ["p0", "p1", "p2"]
    assert [e.id for e in dataset.validation] == ["background", "p3", "p4"]
    assert [e.image.read_bytes() for e in dataset.train] == [sample.data for sample in images[:3]]
    assert [[item.label for item in e.boxes] for e in dataset.validation] == [[], ["cat"], ["cat"]]
    assert [(item.label, item.box) for item in dataset.train[1].boxes] == [
        ("cat", Box(*BOX[1:])),
        ("dog", Box(*DOG[1:])),
    ]
    assert {(e.width, e.height) for e in dataset.train + dataset.validation} == {SIZE}
    assert dataset.problems == ()
    numbered = format in ("coco", "yolo", "tfrecord")
    assert dataset.labels == Labels(("dog", "cat") if numbered else ("cat", "dog"))


@pytest.mark.parametrize("format", FORMATS)
def test_one_list_without_splits_is_split_alike(tmp_path, format):
    folder = make.write(format, tmp_path / "data", samples(20))
    if format == "yolo":
        (folder / "data.yaml").write_text("train: ../train/images\nnames: {0: cat}\n")
    dataset = open_dataset(folder, seed=3)
    expected = open_dataset(make.write("pascal_voc", tmp_path / "other", samples(20)), seed=3)
    assert described(dataset) == described(expected)
    assert (len(dataset.train), len(dataset.validation)) == (16, 4)


@pytest.mark.parametrize("format", FORMATS)
def test_zip_and_another_data_set_to_validate_on(tmp_path, format):
    folder = make.write(format, tmp_path / "data", samples(4))
    other = make.write("pascal_voc", tmp_path / "other", samples(3, seed=100))
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as file:
        for path in folder.rglob("*"):
            file.write(path, Path("export", path.relative_to(folder)))
    dataset = open_dataset(tmp_path / "data.zip", validation=other)
    assert described(dataset) == described(open_dataset(folder, validation=other))
    assert (len(dataset.train), len(dataset.validation)) == (4, 3)


def test_generated_images_are_the_same_in_every_format(tmp_path):
    """To the last byte of the records."""
    source = tmp_path / "voc"
    generation.draw_dataset(source, images=12, seed=4)
    for path in (source / "Annotations").iterdir():
        # A mark that only two of the formats have.
        path.write_text(path.read_text().replace("<truncated>1", "<truncated>0"))
    nothing = source / "Annotations/000005.xml"
    nothing.write_text(re.sub(r"(?s)<object>.*</object>", "", nothing.read_text()))
    dataset = open_dataset(source)
    expected, written = described(dataset), record_bytes(dataset, tmp_path / "records")
    assert sum(not example.boxes for example in dataset.train) == 1
    for format in FORMATS:
        export.export(dataset, tmp_path / format, format)
        again = open_dataset(tmp_path / format)
        assert described(again) == expected, format
        assert record_bytes(again, tmp_path / f"records-{format}") == written, format


def test_helmet_tfrecord_and_a_coco_export_of_it_are_the_same(shared, tmp_path):
    """The export is made from what TensorFlow reads, as Roboflow would make it."""
    tf = pytest.importorskip("tensorflow")
    source = shared / "data/helmet_tfrecord"
    for part in ("train", "test"):
        (tmp_path / "coco" / part).mkdir(parents=True)
        images, annotations = [], []
        for record in tf.data.TFRecordDataset([str(source / part / "Helmet.tfrecord")]):
            values = tf.train.Example.FromString(record.numpy()).features.feature
            name = values["image/filename"].bytes_list.value[0].decode()
            width, height = (values[f"image/{side}"].int64_list.value[0] for side in ("width", "height"))
            (tmp_path / "coco" / part / name).write_bytes(values["image/encoded"].bytes_list.value[0])
            image = {"id": len(images), "file_name": name, "width": width, "height": height}
            images.append(image)
            shares = (values[f"image/object/bbox/{side}"].float_list.value for side in ("xmin", "ymin", "xmax", "ymax"))
            for xmin, ymin, xmax, ymax in zip(*shares):
                corner = [round(xmin * width, 4), round(ymin * height, 4)]
                bbox = [*corner, round(xmax * width - corner[0], 4), round(ymax * height - corner[1], 4)]
                annotations.append({"id": len(annotations), "image_id": image["id"], "category_id": 1, "bbox": bbox})
        categories = [{"id": 0, "name": "helmets", "supercategory": "none"}]
        categories.append({"id": 1, "name": "Helmet", "supercategory": "helmets"})
        data = {"images": images, "annotations": annotations, "categories": categories}
        (tmp_path / "coco" / part / "_annotations.coco.json").write_text(json.dumps(data))
    one, other = open_dataset(source), open_dataset(tmp_path / "coco")
    assert len(one.train + one.validation) == 34
    assert sum(len(example.boxes) for example in one.train + one.validation) == 60
    assert sum(not example.boxes for example in one.validation) == 8
    assert one.labels == Labels(("Helmet",))
    # A COCO file without one box is no annotation of its images; in records they are background.
    labelled = replace(one, validation=tuple(example for example in one.validation if example.boxes))
    assert described(labelled) == described(other)
    assert record_bytes(labelled, tmp_path / "one") == record_bytes(other, tmp_path / "other")


# What is wrong, as a change of one sample, and what the message says; {} is the box or the image there.
def changed(index: int, **values):
    return lambda images: [replace(s, **values) if i == index else s for i, s in enumerate(images)]


BAD_IMAGES = {
    "missing": (changed(1, data=None), "its image is missing: no .*p1|has no image"),
    "truncated": (changed(1, data=make.image(1)[:-200]), r"p1.jpg: the JPEG is cut off: it has no end marker"),
    "empty": (changed(1, data=b""), "p1.jpg: the file is empty|has no image"),
    "text": (changed(1, data=b"<html>404</html>"), "p1.jpg.*: neither JPEG nor PNG"),
    "another size": (changed(1, data=make.image(1, (32, 48))), r"says 64 x 48, but \S*p1.jpg is 32 x 48"),
}
BAD_BOXES = {
    "no width": (("cat", 9, 5, 9, 28), "has no area"),
    "ends outside": (("cat", 4, 5, 812, 28), r"ends at x=812, but \S*p1.jpg is 64 wide"),
    "starts outside": (("cat", -29, 5, 25, 28), r"starts at x=-29, but \S*p1.jpg is 64 wide"),
    "beyond": (("cat", 4, 90, 30, 99), r"starts at y=90, but \S*p1.jpg is 48 high"),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_image(tmp_path, format, case):
    """One of a few is left out and reported; a strict user refuses it."""
    change, message = BAD_IMAGES[case]
    if case == "another size" and format == "yolo":
        pytest.skip("YOLO does not say the size")
    few = make.write(format, tmp_path / "few", change(samples(4, 1)))
    with pytest.raises(InputError, match=message) as error:
        open_dataset(few, allow_bad=0)
    assert "1 of 4 examples" in str(error.value) and "\n" not in str(error.value)
    dataset = open_dataset(few)
    assert len(dataset.train + dataset.validation) == 3 and (dataset.bad_images, dataset.bad_boxes) == (1, 0)
    assert len(dataset.problems) == 1 and re.search(message, dataset.problems[0])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", BAD_BOXES)
def test_bad_box(tmp_path, format, case):
    """Few are left out and reported; many are refused."""
    box, message = BAD_BOXES[case]
    few = changed(1, boxes=(BOX,) * 40 + (box,))
    dataset = open_dataset(make.write(format, tmp_path / "one", few(samples(4, 1))))
    assert sum(len(example.boxes) for example in dataset.train + dataset.validation) == 43
    assert len(dataset.problems) == 1 and re.search(message, dataset.problems[0])
    # The message names the file and the place in it.
    assert re.match(r"\S+: (box 41|annotations\[41\]|line 4[123]|record 1: box 41) \S", dataset.problems[0])
    many = make.write(format, tmp_path / "many", changed(1, boxes=(box, box, BOX))(samples(4, 1)))
    with pytest.raises(InputError, match=r"2 of 6 boxes in .* at most 30% may be.* go on without them by --allow-bad 0\.34"):
        open_dataset(many, allow_bad=0.3)
    assert open_dataset(many, allow_bad=0.34).bad_boxes == 2


@pytest.mark.parametrize("format", FORMATS)
def test_image_whose_boxes_are_all_bad_is_not_taken_for_background(tmp_path, format):
    change = changed(7, boxes=(("cat", 5, 5, 5, 9),))
    dataset = open_dataset(make.write(format, tmp_path / "data", change(samples(12, 3))))
    assert len(dataset.train) == 8 and all(example.boxes for example in dataset.train)
    assert len(dataset.problems) == 2


@pytest.mark.parametrize("format", FORMATS)
def test_class_only_in_validation_is_left_out(tmp_path, format):
    """Its image stays, without the box; drawn anew, the class can be learned."""
    images = changed(3, boxes=(BOX, DOG))(changed(2, boxes=(DOG,))(samples(8, 6)))
    folder = make.write(format, tmp_path / "data", images, ["cat", "dog"])
    dataset = open_dataset(folder)
    assert dataset.labels == Labels(("cat",)) and len(dataset.validation) == 6
    assert [len(example.boxes) for example in dataset.validation] == [0, 1, 1, 1, 1, 1]
    assert "no box to train on of 'dog', only in validation: not among the classes, and 2 boxes" in dataset.problems[-1]
    dataset = open_dataset(folder, redraw=True)
    assert sorted(dataset.labels) == ["cat", "dog"] and len(dataset.train) == 6
    assert "2 to train and 6 to validate, is drawn anew (--redraw)" in dataset.problems[-1]
    alone = make.write(format, tmp_path / "alone", changed(3, boxes=(DOG,))(samples(4, 1)), ["cat", "dog"])
    with pytest.raises(InputError, match=r"all boxes in validation are of classes without a box in training.*--redraw"):
        open_dataset(alone)


# The files that name the images of a part, and the lines or entries of one image in them.
def same_part_twice(format: str, folder: Path, stems: list[str]) -> None:
    """Makes a validation part of images of the training part, in the data set's own words."""
    (folder / "valid").mkdir(exist_ok=True)
    if format == "coco":
        data = json.loads((folder / "train/_annotations.coco.json").read_text())
        data["images"] = [image for image in data["images"] if Path(image["file_name"]).stem in stems]
        kept = {image["id"] for image in data["images"]}
        data["annotations"] = [row for row in data["annotations"] if row["image_id"] in kept]
        (folder / "valid/_annotations.coco.json").write_text(json.dumps(data))
    elif format == "csv":
        header, *lines = (folder / "train/_annotations.csv").read_text().splitlines()
        kept_lines = [line for line in lines if Path(line.split(",")[0]).stem in stems]
        (folder / "valid/_annotations.csv").write_text("\n".join([header, *kept_lines]) + "\n")
    elif format == "pascal_voc":
        lists = folder / "ImageSets/Main"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("\n".join(path.stem for path in sorted(folder.rglob("*.xml"))))
        (lists / "val.txt").write_text("\n".join(stems))
    elif format == "tfrecord":
        shutil.copy(folder / "train/things.tfrecord", folder / "valid/things.tfrecord")
    else:
        (folder / "valid.txt").write_text("".join(f"train/images/{stem}.jpg\n" for stem in stems))
        (folder / "data.yaml").write_text("train: train/images\nval: valid.txt\nnames: [cat]\n")


BY_NAME = [format for format in FORMATS if format != "tfrecord"]


@pytest.mark.parametrize("format", FORMATS)
def test_validation_that_is_training_is_drawn(tmp_path, format):
    """Records are known by their bytes."""
    folder = make.write(format, tmp_path / "data", samples(10))
    same_part_twice(format, folder, [f"p{i}" for i in range(10)])
    dataset = open_dataset(folder)
    assert (len(dataset.train), len(dataset.validation)) == (8, 2)
    assert len(dataset.problems) == 1 and "the validation part has the same images as the training part, 10" in dataset.problems[0]
    assert not {e.image for e in dataset.train} & {e.image for e in dataset.validation}


@pytest.mark.parametrize("format", BY_NAME)
def test_an_image_in_both_parts_is_validated_on(tmp_path, format):
    folder = make.write(format, tmp_path / "data", samples(6))
    same_part_twice(format, folder, ["p1", "p3"])
    dataset = open_dataset(folder)
    assert [e.id for e in dataset.train] == ["p0", "p2", "p4", "p5"]
    assert [e.id for e in dataset.validation] == ["p1", "p3"]
    assert len(dataset.problems) == 1 and "kept out of the training part, because in a part to measure on too: 2 images" in dataset.problems[0]


EMPTY = {
    "coco": ("train/_annotations.coco.json", '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}'),
    "csv": ("train/_annotations.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n"),
    "tfrecord": ("train/things.tfrecord", ""),
    "pascal_voc": ("ImageSets/Main/train.txt", ""),
    "yolo": ("data.yaml", "train: train.txt\nval: valid/images\nnames: [cat]\n"),
}


@pytest.mark.parametrize("part", ["valid", "test"])
@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_training_part_is_not_replaced_by_another(tmp_path, format, part):
    images = [replace(sample, part=part) if sample.part == "valid" else sample for sample in samples(6, 3)]
    folder = make.write(format, tmp_path / "data", images)
    name, text = EMPTY[format]
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text.replace("valid", part))
    if format == "pascal_voc":
        (folder / f"ImageSets/Main/{'val' if part == 'valid' else part}.txt").write_text("p3\np4\np5\n")
    if format == "yolo":
        (folder / "train.txt").write_text("")
    with pytest.raises(InputError, match=r"is empty; make it again|not one image to train on|is no folder or list of images"):
        open_dataset(folder)


@pytest.mark.parametrize("format", BY_NAME)
def test_unlabelled_images_to_train_on_are_not_replaced_by_others(tmp_path, format):
    folder = make.write(format, tmp_path / "data", [replace(sample, part="test") for sample in samples(6)])
    if format == "yolo":
        (folder / "data.yaml").write_text("train: train\ntest: test/images\nnames: [cat]\n")
    (folder / "train").mkdir()
    for i in range(3):
        (folder / "train" / f"t{i}.jpg").write_bytes(make.image(20 + i))
    if format == "yolo":
        # They are background, and then there is nothing to learn.
        with pytest.raises(InputError, match="not one box in 3 images"):
            open_dataset(folder)
        return
    with pytest.raises(InputError, match=r"train: not one of the 3 images to train on has an annotation .* of the test part have"):
        open_dataset(folder)


@pytest.mark.parametrize("format", FORMATS)
def test_unlabelled_images_of_a_part_are_named(tmp_path, format):
    """They are neither background nor left out without a word."""
    folder = make.write(format, tmp_path / "data", samples(10))
    if format == "yolo":
        (folder / "data.yaml").write_text("train: train/images\ntest: test/images\nnames: [cat]\n")
    place = folder / "test/images"
    place.mkdir(parents=True)
    for i in range(3):
        (place / f"t{i}.jpg").write_bytes(make.image(20 + i))
    dataset = open_dataset(folder)
    assert (len(dataset.train), len(dataset.validation)) == (8, 2)
    assert sum("of the test part has labels: 3 images (t0.jpg)" in line for line in dataset.problems) == 1


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("part", ["validation", "dev", "eval", "holdout", "te", "val_images", "Test Images", "pets-test"])
def test_names_of_the_part_to_measure_on(tmp_path, format, part):
    images = [replace(sample, part=part) if sample.part == "valid" else sample for sample in samples(6, 2)]
    folder = make.write(format, tmp_path / "data", images)
    if format == "yolo":
        (folder / "data.yaml").rename(folder / "classes.txt").write_text("cat\n")
    dataset = open_dataset(folder)
    assert ([e.id for e in dataset.validation], dataset.problems) == (["p4", "p5"], ())


@pytest.mark.parametrize("format", FORMATS)
def test_class_without_a_box_is_no_class(tmp_path, format):
    dataset = open_dataset(make.write(format, tmp_path / "data", samples(4, 1), ["bird", "cat", "dog"]))
    assert dataset.labels == Labels(("cat",))
    assert [line.split(": ", 1)[1] for line in dataset.problems] == (
        ["no box to train on of 'bird', 'dog', which it names: not among the classes"]
        if format in ("coco", "yolo", "tfrecord")
        else []
    )


@pytest.mark.parametrize("format", FORMATS)
def test_empty_folder(tmp_path, format):
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="give the folder"):
        open_dataset(tmp_path / "data")
    with pytest.raises(InputError, match=str(tmp_path / "data")):
        open_dataset(tmp_path / "data", format=format)


@pytest.mark.parametrize("format", FORMATS)
def test_no_box_at_all(tmp_path, format):
    with pytest.raises(InputError, match="not one box"):
        open_dataset(make.write(format, tmp_path / "data", samples(6, 2, boxes=())))


@pytest.mark.parametrize("format", FORMATS)
def test_own_validation_without_boxes_is_extended(tmp_path, format):
    images = [*samples(10), *(Sample(f"empty{i}.jpg", "valid", (), data=make.image(i + 20)) for i in range(2))]
    dataset = open_dataset(make.write(format, tmp_path / "data", images))
    if format == "coco":
        # A file without one annotation is that of images that nobody has labelled.
        assert (len(dataset.train), len(dataset.validation)) == (8, 2)
        assert "not one image of the validation part has labels: 2 images" in dataset.problems[0]
    else:
        assert (len(dataset.train), len(dataset.validation)) == (8, 4)
        assert "not one box in its own 2 validation images" in dataset.problems[-1]
    empty = make.write("pascal_voc", tmp_path / "empty", samples(3, boxes=()))
    with pytest.raises(InputError, match="nothing to measure against"):
        open_dataset(tmp_path / "data", validation=empty)


UNREADABLE = {
    "coco": ("train/_annotations.coco.json", "not JSON|not a text file"),
    "csv": ("train/_annotations.csv", "not CSV|not UTF-(8|16)|no CSV"),
    "pascal_voc": ("train/p0.xml", "not XML"),
    "tfrecord": ("train/things.tfrecord", "is no TFRecord file|cut off"),
    "yolo": ("data.yaml", "not YAML|no data.yaml"),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("junk", [b"\xff\xfe\x00 { [ ' <", b"{ 'a: [", b"\x00" * 40], ids=["binary", "open", "zeros"])
def test_annotations_that_cannot_be_parsed(tmp_path, format, junk):
    folder = make.write(format, tmp_path / "data", samples(4, 1))
    name, message = UNREADABLE[format]
    (folder / name).write_bytes(junk)
    with pytest.raises(InputError, match=message) as error:
        open_dataset(folder, format=format, allow_bad=0)
    assert "\n" not in str(error.value) and (name in str(error.value) or f"{folder}: no " in str(error.value))


@pytest.mark.parametrize("format", FORMATS)
def test_broken_and_circular_links_are_ignored(tmp_path, format):
    folder = make.write(format, tmp_path / "data", samples(4, 1))
    (folder / "around").symlink_to(folder)
    (folder / "train" / "nowhere.jpg").symlink_to(tmp_path / "nothing.jpg")
    assert len(open_dataset(folder).train) == 3

"""The decision which format a folder with annotations of several formats is read in."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.common.command import exit_code
from runtime.common.errors import InputError, KitError
from tests.support import format_samples as make
from tests.support import mutations
from tests.support.format_samples import BOX, Sample, samples
from tests.support.voc_samples import image
from train import open_dataset
from train.check import __main__ as check
from train.check.statistics.dataset_statistics import gather
from train.dataset import format_choice, formats
from train.dataset.examples.problems import collect_problems
from train.dataset.format_choice import NoDataSetError
from train.dataset.formats import Score

DOG = ("dog", 1, 2, 60, 40)
CVAT = "<?xml version='1.0'?><annotations><version>1.1</version><image id='0' name='p0.jpg'/></annotations>"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def mixed(folder: Path, images: list[Sample], *others: str, changed: dict[int, tuple] | None = None) -> Path:
    """Writes `images` as the first format, and the annotations of the others beside them, with boxes `changed` there."""
    first, *rest = others
    make.write(first, folder, images, ["cat", "dog"])
    images = [replace(s, boxes=(changed or {}).get(i, s.boxes)) for i, s in enumerate(images)]
    for format in rest:
        for part in dict.fromkeys(sample.part for sample in images):
            make.WRITERS[format](folder / part, [s for s in images if s.part == part], ["cat", "dog"])
    return folder


ORDER = ("pascal_voc", "coco", "yolo", "csv", "tfrecord")


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ORDER, 2)))
def test_the_original_is_taken_over_its_copy(tmp_path, one, other):
    # The first one places the images.
    folder = mixed(tmp_path / "data", samples(6, 2), *((other, one) if other == "yolo" else (one, other)))
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train), len(dataset.validation)) == (one, 4, 2)
    assert any(line.startswith("not used, because it ") and f"the {other} files" in line for line in dataset.problems)
    if "tfrecord" not in (one, other):
        assert "the same boxes in all 6 images" in " ".join(dataset.problems)


def test_three_formats_and_a_model_beside_the_data(tmp_path):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", "csv", "tfrecord")
    (folder / "annotations.xml").write_text(CVAT)
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": []}))
    (folder / "package.json").write_text(json.dumps({"name": "x", "images": []}))
    model = folder / "exported/saved_model"
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"x")
    make._voc(model, samples(2), [])
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train), len(dataset.validation)) == ("pascal_voc", 4, 2)
    assert "1 XML file" in " ".join(dataset.problems)


def test_the_format_that_explains_more_images_is_taken(tmp_path):
    """The XML files of some images are left, the table has all of them, with the same boxes."""
    folder = mixed(tmp_path / "data", samples(12, 3), "pascal_voc", "csv")
    for i in range(5):
        (folder / f"train/p{i}.xml").unlink()
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train)) == ("csv", 9)
    for i in range(5, 9):
        (folder / f"train/p{i}.xml").unlink()
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train)) == ("csv", 9)
    assert "because it explains 3 images, and csv more: the pascal_voc files" in dataset.problems[0]


def test_records_of_more_images_than_there_are_annotations(tmp_path):
    folder = mixed(tmp_path / "data", samples(12, 3), "pascal_voc", "tfrecord")
    for i in range(4):
        (folder / f"train/p{i}.xml").unlink()
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train)) == ("tfrecord", 9)
    assert "says the same as tfrecord: the pascal_voc files (the same boxes in all 8 images)" in dataset.problems[0]


def test_a_large_table_is_not_compared_with_its_source(tmp_path, monkeypatch):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", "csv")
    monkeypatch.setattr(format_choice, "_COMPARED", 5)
    assert "the csv files (6 images, not compared)" in open_dataset(folder).problems[0]
    for i in range(2):
        (folder / f"train/p{i}.xml").unlink()
    assert open_dataset(folder).format == "csv"


def test_boxes_that_a_copy_rounded_are_the_same(tmp_path):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", "csv", changed={0: (("CAT", 5, 4, 31, 29),)})
    assert open_dataset(folder).format == "pascal_voc"


def test_a_little_out_of_date_is_said(tmp_path):
    folder = mixed(tmp_path / "data", samples(20, 4), "pascal_voc", "csv", changed={3: (BOX, DOG)})
    dataset = open_dataset(folder)
    assert dataset.format == "pascal_voc" and "the same boxes in 19 of 20 images" in dataset.problems[0]


@pytest.mark.parametrize(
    "changed",
    [dict.fromkeys(range(3), (DOG,)), dict.fromkeys(range(3), (("dog", *BOX[1:]),)), dict.fromkeys(range(3), (BOX, DOG))],
    ids=["boxes", "names", "one more"],
)
@pytest.mark.parametrize("other", ["coco"])
def test_the_user_is_asked_where_two_originals_differ(tmp_path, other, changed):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", other, changed=changed)
    with pytest.raises(InputError) as error:
        open_dataset(folder)
    message = str(error.value)
    assert f"pascal_voc and {other} say different things (3 of 6 images that are in both have the same boxes)" in message
    assert "pascal_voc has 6 images, 6 boxes, the classes cat, 4 to train and 2 to validate" in message
    assert f"{other} has 6 images" in message and message.endswith(f"choose with --format pascal_voc or --format {other}")
    assert "\n" not in message
    for format in ("pascal_voc", other):
        assert open_dataset(folder, format=format).format == format


def test_the_original_is_taken_where_its_copy_differs(tmp_path):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", "csv", changed=dict.fromkeys(range(3), (DOG,)))
    dataset = open_dataset(folder)
    assert (dataset.format, dataset.labels.names) == ("pascal_voc", ("cat",))
    assert "the csv files, which differ (the same boxes in 3 of 6 images; csv has 6 images, 6 boxes" in dataset.problems[0]
    assert dataset.problems[0].endswith("choose them with --format csv")


def test_the_original_is_divided_as_its_copy_is(tmp_path):
    """The raccoon tutorial: all XML files in one folder, and a script drew train_labels.csv and test_labels.csv."""
    folder = make.write("pascal_voc", tmp_path / "data", samples(7))
    header = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    for part, numbers in {"train": (5, 1, 3, 0), "test": (2, 4)}.items():
        lines = (f"p{i}.jpg,64,48,{','.join(map(str, BOX))}\n" for i in numbers)
        (folder / f"{part}_labels.csv").write_text(header + "".join(lines))
    dataset = open_dataset(folder)
    assert dataset.format == "pascal_voc"
    assert [example.id for example in dataset.validation] == ["p2", "p4"]
    assert [example.id for example in dataset.train] == ["p0", "p1", "p3", "p5", "p6"]
    assert "its split is used: 5 to train, 2 to validate" in dataset.problems[0]
    assert len(open_dataset(folder, redraw=True, validation_share=0.5).validation) == 4


def test_a_conversion_with_its_own_copies_of_the_images_is_known(tmp_path):
    """labelme2coco and the like copy the images; the copies may also have been divided."""
    folder = make.write("coco", tmp_path / "data", samples(6), ["cat", "dog"])
    make.write("yolo", tmp_path / "data/custom", samples(6, 2), ["cat", "dog"])
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train), len(dataset.validation)) == ("coco", 4, 2)
    assert "the same boxes in all 6 images; its split is used" in " ".join(dataset.problems)
    assert {example.image.parent.name for example in dataset.train} == {"train"}


def test_a_conversion_by_the_wrong_list_of_names_is_told_by_its_boxes(tmp_path):
    """voc_annotation.py writes numbers; where the list of names is another one, the original's names hold."""
    folder = make.write("pascal_voc", tmp_path / "data", samples(6))
    (folder / "2007_train.txt").write_text("".join(f"E:\\x\\p{i}.jpg {','.join(map(str, BOX[1:]))},1\n" for i in range(6)))
    (folder / "voc_classes.txt").write_text("aeroplane\nbicycle\n")
    dataset = open_dataset(folder)
    assert (dataset.format, dataset.labels.names) == ("pascal_voc", ("cat",))
    assert "the yolo_keras files (the same boxes in all 6 images" in " ".join(dataset.problems)


def test_archives_that_may_hold_the_data_are_named(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/Signs v1.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"; data/Signs v1.zip in it is not opened: give that file, or unpack it there$"):
        open_dataset(tmp_path)
    make.WRITERS["coco"](tmp_path, samples(6), ["cat"])
    (tmp_path / "more.7z").write_bytes(b"7z")
    with pytest.raises(InputError, match=r"none of the 6 images .*; more.7z, data/Signs v1.zip in it are not opened: unpack them there$"):
        open_dataset(tmp_path)


def test_other_images_are_another_data_set(tmp_path):
    folder = make.write("pascal_voc", tmp_path / "data", samples(6, 2))
    make.write("coco", tmp_path / "data/second", [replace(s, name=f"q{i}.jpg") for i, s in enumerate(samples(6, 2))])
    with pytest.raises(InputError, match=r"say different things \(0 of 0 images"):
        open_dataset(folder)


def test_what_cannot_be_read_gives_way(tmp_path):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", "coco")
    for path in folder.rglob("*.xml"):
        path.write_text(path.read_text()[:-20])
    dataset = open_dataset(folder)
    assert dataset.format == "coco" and dataset.bad_images == 0
    assert "because it cannot be read: the pascal_voc files" in dataset.problems[0]
    with collect_problems() as found:
        open_dataset(folder)
    assert found.files == [] and len(found.notes) == 1


def test_xml_counts_by_its_root_alone(tmp_path):
    folder = make.write("coco", tmp_path / "data", samples(6, 2))
    for name, text in {
        "annotations.xml": CVAT.replace("annotations", "annotations_of_another_tool"),
        "train/layout.xml": "<!-- x --><LinearLayout><annotation/></LinearLayout>",
        "train/image.xml": "<!DOCTYPE svg><svg/>",
        "train/empty.xml": "",
        "train/pom.xml": "\n\n<project/>",
    }.items():
        (folder / name).write_text(text)
    assert formats.scores(folder).keys() == {"coco"}
    assert open_dataset(folder).problems == ()


@pytest.mark.parametrize(
    "head", ["", "\ufeff", "\n", "<?xml version='1.0'?>\n", "<!-- by hand -->\n", "<?xml version='1.0'?><!DOCTYPE annotation>"]
)
@pytest.mark.parametrize("root", ["annotation", "Annotation", 'annotation verified="yes"'])
def test_roots_of_annotations(tmp_path, head, root):
    folder = make.write("pascal_voc", tmp_path / "data", samples(3))
    for path in folder.rglob("*.xml"):
        text = path.read_text().replace("<annotation>", f"<{root}>").replace("</annotation>", f"</{root.split()[0]}>")
        path.write_text(head + text, encoding="utf-8")
    assert formats.scores(folder)["pascal_voc"].images == 3
    assert len(open_dataset(folder).train) == 2


@pytest.mark.parametrize("place", ["node_modules/x", ".git/x", "__MACOSX", "env/lib/python3/site-packages/sklearn", "venv/share", "model"])
@pytest.mark.parametrize("format", make.FORMATS)
def test_folders_that_are_no_data(tmp_path, place, format):
    folder = make.write("pascal_voc", tmp_path / "data", samples(6, 2))
    make.write(format, folder / place, [replace(s, name=f"q{i}.jpg") for i, s in enumerate(samples(60, 2))])
    (folder / place.split("/")[0] / {"venv": "pyvenv.cfg", "model": "saved_model.pb"}.get(place.split("/")[0], "note")).write_text("")
    dataset = open_dataset(folder)
    assert (dataset.format, len(dataset.train), len(dataset.validation), dataset.problems) == ("pascal_voc", 4, 2, ())


def test_a_frozen_graph_beside_the_data_is_no_reason_to_leave_it_out(tmp_path):
    folder = tmp_path / "data"
    make.write("pascal_voc", folder / "project", samples(6, 2))
    (folder / "project/frozen_inference_graph.pb").write_bytes(b"x")
    assert len(open_dataset(folder).train) == 4


def test_the_order_of_candidates():
    scores = {
        "few": Score(40, 40),
        "numbers": Score(105, 105, named=False),
        "names": Score(100, 100),
        "table": Score(110, 2, derived=True),
    }
    assert format_choice.ranked(scores) == ["names", "numbers", "table"]
    assert format_choice.ranked({**scores, "numbers": Score(200, 200, named=False)}) == ["numbers", "names", "table"]


def test_why(tmp_path, capsys):
    folder = mixed(tmp_path / "data", samples(60, 20), "pascal_voc", "csv")
    exit_code(check.main, [str(folder), "--why"])
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("read as pascal_voc pascal_voc: explains 60 images by 60 annotation files, with the classes' names")
    assert "csv: explains 60 images by 2 annotation files" in printed and "says the same as pascal_voc" in printed


def test_the_check_reports_where_training_would_ask(tmp_path):
    folder = mixed(tmp_path / "data", samples(6, 2), "pascal_voc", "coco", changed=dict.fromkeys(range(3), (DOG,)))
    statistics = gather(folder, progress=False)
    assert len(statistics.images) == 6 and statistics.format == "pascal_voc"
    (found,) = (found for found in check.checks.run(statistics) if "say different things" in found.what)
    assert (found.severity, found.command) == ("failure", f"python -m train {folder} --out runs/new --format pascal_voc")


@pytest.mark.parametrize("format", make.FORMATS)
def test_the_check_reports_whatever_training_refuses(tmp_path, capsys, format):
    """Here one file of annotations that stops the reader, or makes all of it bad."""
    folder = make.write(format, tmp_path / "data", samples(4, 2))
    for path in (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jpg"):
        path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
    with pytest.raises(InputError):
        open_dataset(folder)
    assert exit_code(check.main, [str(folder)]) in (1, 2)
    printed = capsys.readouterr()
    assert "should not be trained as it is" in printed.out or "no labelled images" in printed.err


@pytest.mark.parametrize("damaged", ["train/p0.xml", "train/_annotations.coco.json", "train/_annotations.csv"])
def test_damage_ends_in_a_choice_or_in_one_line(tmp_path, damaged):
    folder = mixed(tmp_path / "data", samples(4, 2), "pascal_voc", "coco", "csv")
    good = (folder / damaged).read_bytes()
    rng = random.Random(0)
    chosen = set()
    for _ in range(60):
        (folder / damaged).write_bytes(mutations.flipped(good, rng) if rng.random() < 0.8 else good[: rng.randrange(len(good))])
        try:
            chosen.add(open_dataset(folder).format)
        except KitError as error:
            chosen.add(str(error))
    assert "pascal_voc" in chosen
    assert all("\n" not in message and len(message) < 2000 for message in chosen)


def test_images_without_boxes_are_told_how_to_get_some(tmp_path):
    image(tmp_path / "my photos/a.jpg")
    with pytest.raises(NoDataSetError, match=r"my photos: no labelled .*, but 1 without labels; .*: python -m train.label '.*my photos' --serve"):
        open_dataset(tmp_path / "my photos")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "my photos")
    with pytest.raises(NoDataSetError, match=rf"^{packed}: no labelled images .* FOLDER --serve"):
        open_dataset(packed)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoDataSetError, match=r"empty: no labelled images .*, but no images"):
        open_dataset(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.rar", "unpack it"), ("a.tar.gz", "unpack it"), ("a.zip", "cut short or damaged"), ("a.xml", "such as .*/data$")],
)
def test_a_file_that_is_no_data_set(tmp_path, name, advice):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(NoDataSetError, match=f"neither a folder nor a whole zip file; .*{advice}"):
        open_dataset(tmp_path / "data" / name)

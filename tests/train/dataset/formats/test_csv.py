from __future__ import annotations

from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from tests.support import format_samples as make
from tests.support.format_samples import samples
from train import open_dataset
from train.dataset.formats import csv

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """As the tutorials have it: images/train, images/test, train_labels.csv, test_labels.csv."""
    folder = tmp_path / "data"
    for part, count in (("train", 3), ("test", 2)):
        (folder / "images" / part).mkdir(parents=True)
        lines = []
        for index in range(count):
            name = f"{part}{index}.jpg"
            (folder / "images" / part / name).write_bytes(make.image(index + 100 * (part == "test")))
            lines.append(f"{name},64,48,cat,4,5,30,28\n")
        (folder / f"{part}_labels.csv").write_text(HEADER + "".join(lines))
    return folder


def test_layout_of_the_tutorials(folder):
    dataset = open_dataset(folder)
    assert [e.id for e in dataset.train] == ["train0", "train1", "train2"]
    assert [e.id for e in dataset.validation] == ["test0", "test1"]
    assert dataset.labels == Labels(("cat",))


@pytest.mark.parametrize(
    "text",
    [
        "filename;width;height;class;xmin;ymin;xmax;ymax\ntrain0.jpg;64;48;cat;4;5;30;28\n",
        "filename\twidth\theight\tclass\txmin\tymin\txmax\tymax\r\ntrain0.jpg\t64\t48\tcat\t4\t5\t30\t28\r\n",
        "\ufeffXMIN,YMIN,XMAX,YMAX, Class ,source,Filename\n4,5,30,28,cat,x,images/train/train0.jpg\n\n,,,,,,\n",
        'filename,width,height,class,xmin,ymin,xmax,ymax\n"train0.jpg",64.0,48.0,"cat",4.0,5.0,30.0,28.0',
        "filename,class,xmin,ymin,xmax,ymax\nC:\\pictures\\train0.jpg,cat,4,5,30,28\n",
    ],
)
def test_tables_as_programs_write_them(folder, text):
    (folder / "train_labels.csv").write_text(text, encoding="utf-8")
    (example,) = csv.read(folder).train
    assert (example.id, example.boxes[0].label, example.boxes[0].box) == ("train0", "cat", Box(4, 5, 30, 28))


def test_lines_of_one_image_need_not_be_together(folder):
    lines = "train0.jpg,64,48,cat,4,5,30,28\ntrain1.jpg,64,48,cat,4,5,30,28\ntrain0.jpg,64,48,dog,1,2,3,4\ntrain2.jpg,,,,,,,\n"
    (folder / "train_labels.csv").write_text(HEADER + lines)
    assert [[item.label for item in e.boxes] for e in csv.read(folder).train] == [["cat", "dog"], ["cat"], []]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train0.jpg,64,48,cat,4,5", "line 5 has 6 cells under 8 columns"),
        ("train0.jpg,64,48,cat,4,5,thirty,28", "line 5 has xmax='thirty', which is not a number"),
        ("train0.jpg,64,48,cat,4,5,,28", "line 5 has xmax=''"),
        ("train0.jpg,64,48,cat,4,5,inf,28", "line 5 has xmax=inf"),
        ("train0.jpg,64,48,,4,5,30,28", "line 5 has no class name"),
        ("nothing.jpg,64,48,cat,4,5,30,28", "line 5: its image is missing: no 'nothing.jpg'"),
        ("../../etc/passwd,64,48,cat,4,5,30,28", "line 5: its image is missing"),
        ('train0.jpg,64,48,"cat,4,5,30,28', "line 5: not CSV"),
        ("train0.jpg,64,48,cat,4,5,30,28\n" + "x" * 70_000, "not CSV"),
    ],
)
def test_what_is_wrong_is_named(folder, line, message):
    with (folder / "train_labels.csv").open("a") as file:
        file.write(line)
    with pytest.raises(InputError, match=message):
        open_dataset(folder, allow_bad=0)


def test_other_encodings_are_named(folder):
    (folder / "train_labels.csv").write_bytes(HEADER.encode() + "train0.jpg,64,48,Käse,4,5,30,28\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"train_labels.csv: not UTF-8 text"):
        open_dataset(folder)


def test_tables_about_something_else_are_not_data(tmp_path):
    folder = make.write("pascal_voc", tmp_path / "data", samples(3))
    (folder / "train/sizes.csv").write_text("filename,width,height\np0.jpg,64,48\n")
    assert csv.score(folder) is None
    assert len(open_dataset(folder).train) == 2

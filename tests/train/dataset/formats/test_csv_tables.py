"""Tables of labelling tools and of hands: all of these say the same two boxes of each image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box
from tests.support import format_samples as make
from train import open_dataset
from train.dataset.formats import csv

WIDTH, HEIGHT = make.SIZE
NAMES = ("p0.jpg", "p1.jpg", "p2.jpg", "p3.jpg")
BOXES = (("cat", 4, 6, 20, 30), ("dog", 16, 12, 48, 36))
EXPECTED = [(label, Box(*map(float, sides))) for label, *sides in BOXES]


def rows(line, header: str = "", background: str = "") -> str:
    """A table with `line(name, label, xmin, ymin, xmax, ymax)` for each box; `background` is a line for p3.jpg."""
    found = [line(name, *box) for name in NAMES[: 3 if background else 4] for box in BOXES]
    return "\n".join([*([header] if header else []), *found, *([background] if background else [])]) + "\n"


def share(*sides: float) -> list[str]:
    return [f"{value / side:.6f}" for value, side in zip(sides, (WIDTH, HEIGHT, WIDTH, HEIGHT))]


def via(name: str, label: str, xmin: int, ymin: int, xmax: int, ymax: int) -> str:
    shape = {"name": "rect", "x": xmin, "y": ymin, "width": xmax - xmin, "height": ymax - ymin}
    if label == "dog":
        xs, ys = [xmin, xmax, xmax, xmin], [ymin, ymin, ymax, ymax]
        shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
    cells = [json.dumps(cell).replace('"', '""') for cell in (shape, {"type": label})]
    return f'{name},9999,"{{}}",2,0,"{cells[0]}","{cells[1]}"'


VIA_HEADER = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
TABLES = {
    "retinanet": rows(lambda n, c, *b: f"{n},{b[0]},{b[1]},{b[2]},{b[3]},{c}"),
    "retinanet with background": rows(lambda n, c, *b: f"{n},{b[0]},{b[1]},{b[2]},{b[3]},{c}", "", "p3.jpg,,,,,"),
    "retinanet with short background": rows(lambda n, c, *b: f"x/{n},{b[0]},{b[1]},{b[2]},{b[3]},{c}", "", "p3.jpg"),
    "class first": rows(lambda n, c, *b: f"{c},{b[0]},{b[1]},{b[2]},{b[3]},{n}"),
    "tensorflow without header": rows(lambda n, c, *b: f"{n},64,48,{c},{b[0]},{b[1]},{b[2]},{b[3]}"),
    "makesense": rows(lambda n, c, *b: f"{c},{b[0]},{b[1]},{b[2] - b[0]},{b[3] - b[1]},{n},64,48"),
    "makesense with header": rows(
        lambda n, c, *b: f"{c},{b[0]},{b[1]},{b[2] - b[0]},{b[3] - b[1]},{n},64,48",
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height",
    ),
    "model maker": rows(lambda n, c, *b: "TRAIN,gs://b/{},{},{},{},,,{},{},,".format(n, c, *share(*b))),
    "model maker with background": rows(
        lambda n, c, *b: "UNASSIGNED,gs://b/{},{},{},{},,,{},{},,".format(n, c, *share(*b)), "", "UNASSIGNED,gs://b/p3.jpg,,,,,,,,,"
    ),
    "vertex without set": rows(lambda n, c, *b: "gs://b/{},{},{},{},,,{},{},,".format(n, c, *share(*b))),
    "automl with all corners": rows(
        lambda n, c, *b: "{0},{1},{2},{3},{4},{3},{4},{5},{2},{5}".format(n, c, *share(*b))
    ),
    "vott": rows(lambda n, c, *b: f'"{n}",{b[0]}.0,{b[1]}.0,{b[2]}.0,{b[3]}.0,"{c}"', '"image","xmin","ymin","xmax","ymax","label"'),
    "via": rows(via, VIA_HEADER),
    "via with background": rows(via, "#" + VIA_HEADER, 'p3.jpg,9,"{}",0,0,"{}","{}"'),
    "open images": rows(
        lambda n, c, *b: "{},xclick,{},1,{},{},{},{},0,0,0,0,0".format(n[:2], c, *(share(*b)[i] for i in (0, 2, 1, 3))),
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside",
    ),
    "wheat": rows(
        lambda n, c, *b: f'{n[:2]},64,48,"[{b[0]}.0, {b[1]}.0, {b[2] - b[0]}.0, {b[3] - b[1]}.0]",arvalis,{c}',
        "image_id,width,height,bbox,source,class",
    ),
    "box with names": rows(
        lambda n, c, *b: f"{n},\"{{'xmin': {b[0]}, 'ymin': {b[1]}, 'xmax': {b[2]}, 'ymax': {b[3]}}}\",{c}", "image,bounding_box,label"
    ),
    "x y w h": rows(lambda n, c, *b: f"{n},{c},{b[0]},{b[1]},{b[2] - b[0]},{b[3] - b[1]}", "Image,Label,x,y,w,h"),
    "x y width height": rows(
        lambda n, c, *b: f"{n},{c},{b[0]},{b[1]},{b[2] - b[0]},{b[3] - b[1]}", "filename,label,bbox_x,bbox_y,bbox_width,bbox_height"
    ),
    "with both widths": rows(
        lambda n, c, *b: f"{n},64,48,{c},{b[0]},{b[1]},{b[2] - b[0]},{b[3] - b[1]}", "file,width,height,label,left,top,box_width,box_height"
    ),
    "center": rows(
        lambda n, c, *b: f"{n},{c},{(b[0] + b[2]) / 2},{(b[1] + b[3]) / 2},{b[2] - b[0]},{b[3] - b[1]}", "image_name,class,x_center,y_center,width,height"
    ),
    "center in shares": rows(
        lambda n, c, *b: f"{n},{c},{(b[0] + b[2]) / 128},{(b[1] + b[3]) / 96},{(b[2] - b[0]) / 64},{(b[3] - b[1]) / 48}", "img,category,xc,yc,w,h"
    ),
    "other spellings": rows(lambda n, c, *b: f"{c},{b[1]},{b[0]},{b[3]},{b[2]},C:\\data\\{n}", "Class Name,Y_Min,X_Min,Y_Max,X_Max,Image Path"),
    "left top right bottom": rows(lambda n, c, *b: f"0,{n},{b[0]},{b[1]},{b[2]},{b[3]},{c}", ",image_path,left,top,right,bottom,name"),
    "x0 y0": rows(lambda n, c, *b: f"{n},{b[0]},{b[1]},{b[2]},{b[3]},{c}", "file_name,x0,y0,x1,y1,tag"),
    "index column": rows(lambda n, c, *b: f"7,{n},{b[0]},{b[1]},{b[2]},{b[3]},{c}", "Unnamed: 0,frame,xmin,ymin,xmax,ymax,class_id"),
    "semicolons and decimal commas": rows(
        lambda n, c, *b: "{};{};{};{};{};{}".format(n, c, *(text.replace(".", ",") for text in share(*b))), "filename;class;xmin;ymin;xmax;ymax"
    ),
    "a class by the end of its name": rows(
        lambda n, c, *b: f"{n},x{n},{c},{b[0]},{b[2]},{b[1]},{b[3]}", "filename,image_name,cell_type,xmin,xmax,ymin,ymax"
    ),
    "tabs": rows(lambda n, c, *b: f"{n}\t{c}\t{b[0]}\t{b[1]}\t{b[2]}\t{b[3]}", "filename\tclass\txmin\tymin\txmax\tymax"),
    "bars": rows(lambda n, c, *b: f"{n}|{c}|{b[0]}|{b[1]}|{b[2]}|{b[3]}", "filename|class|xmin|ymin|xmax|ymax"),
    "excel": "sep=;\n" + rows(lambda n, c, *b: f"{n};{c};{b[0]};{b[1]};{b[2]};{b[3]}", "filename;class;xmin;ymin;xmax;ymax"),
    "quoted": rows(lambda n, c, *b: f'"{n}","{c}","{b[0]}","{b[1]}","{b[2]}","{b[3]}"', '"filename","class","xmin","ymin","xmax","ymax"'),
    "addresses": rows(
        lambda n, c, *b: f"https://example.org/set/{n}?sv=2019&sig=a%2Fb,{c},{b[0]},{b[1]},{b[2]},{b[3]}", "url,class,xmin,ymin,xmax,ymax"
    ),
    "reversed corners": rows(lambda n, c, *b: f"{n},{c},{b[2]},{b[3]},{b[0]},{b[1]}", "filename,class,xmin,ymin,xmax,ymax"),
    "background as none": rows(
        lambda n, c, *b: f"{n},{c},{b[0]},{b[1]},{b[2]},{b[3]}", "filename,class,xmin,ymin,xmax,ymax", "p3.jpg,background,nan,nan,nan,nan"
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "data/images").mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        (tmp_path / "data/images" / name).write_bytes(make.image(seed))
    return tmp_path / "data"


def boxes(example) -> list:
    return [(item.label, item.box) for item in example.boxes]


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_boxes_of_a_table(folder, case, encoding):
    (folder / "annotations.csv").write_text(TABLES[case], encoding=encoding)
    assert csv.score(folder).images == 4
    splits = csv.read(folder)
    assert [example.id for example in splits.train] == ["p0", "p1", "p2", "p3"]
    background = "p3" if "background" in case else None
    for example in splits.train:
        found = [(label, tuple(round(side, 1) for side in box.as_tuple())) for label, box in boxes(example)]
        assert found == ([] if example.id == background else [(label, box.as_tuple()) for label, box in EXPECTED])


@pytest.mark.parametrize(
    "text",
    [
        rows(lambda n, c, *b: f"{n},{c},{b[0]},{b[1]},{b[2]},{b[3]},{'Validation' if n == 'p3.jpg' else 'Train'}", "filename,class,xmin,ymin,xmax,ymax,split"),
        rows(lambda n, c, *b: "{},gs://b/{},{},{},{},,,{},{},,".format("VALIDATE" if n == "p3.jpg" else "TRAINING", n, c, *share(*b))),
        rows(lambda n, c, *b: f"{'TEST' if n == 'p3.jpg' else ''},{n},{c},{b[0]},{b[1]},{b[2]},{b[3]}", "ml_use,path,class,xmin,ymin,xmax,ymax"),
    ],
)  # fmt: skip
def test_a_column_gives_the_split(folder, text):
    (folder / "annotations.csv").write_text(text)
    splits = csv.read(folder)
    assert ([e.id for e in splits.train], [e.id for e in splits.validation]) == (["p0", "p1", "p2"], ["p3"])


def test_a_column_that_is_called_set_but_gives_no_split_is_ignored(folder):
    (folder / "a.csv").write_text(rows(lambda n, c, *b: f"{n},{c},{b[0]},{b[1]},{b[2]},{b[3]},{c}set", "filename,class,xmin,ymin,xmax,ymax,set"))
    splits = csv.read(folder)
    assert splits.validation is None and [boxes(example) for example in splits.train] == [EXPECTED] * 4


def test_folders_of_images_give_the_split_of_one_table(folder):
    for part, name in (("train", "p0.jpg"), ("train", "p1.jpg"), ("train", "p2.jpg"), ("valid", "p3.jpg")):
        (folder / part).mkdir(exist_ok=True)
        (folder / "images" / name).rename(folder / part / name)
    (folder / "labels.csv").write_text(TABLES["x y w h"])
    assert [e.id for e in csv.read(folder).validation] == ["p3"]


NUMBERS = rows(lambda n, c, *b: f"{n},{b[0]},{b[1]},{b[2]},{b[3]},{['cat', 'dog'].index(c)}")
FROM_ONE = rows(lambda n, c, *b: f"{n},{b[0]},{b[1]},{b[2]},{b[3]},{['cat', 'dog'].index(c) + 1}")


@pytest.mark.parametrize(
    ("table", "name", "text"),
    [
        (NUMBERS, "classes.txt", "cat\ndog\n"),
        (NUMBERS, "classes.csv", "cat,0\ndog,1\n"),
        (NUMBERS, "class_names.csv", "id,name\n0,cat\n1,dog\n"),
        (FROM_ONE, "labels.txt", "cat\ndog\n"),
        (FROM_ONE, "label_map.pbtxt", "item { id: 1 name: 'cat' } item { id: 2 name: 'dog' }"),
    ],
)
def test_numbers_of_classes_are_named_by_a_file(folder, table, name, text):
    (folder / "annotations.csv").write_text(table)
    (folder / name).write_text(text)
    assert [boxes(example) for example in csv.read(folder).train] == [EXPECTED] * 4


def test_numbers_without_names_are_said(folder):
    (folder / "annotations.csv").write_text(NUMBERS)
    splits = csv.read(folder)
    assert {item.label for example in splits.train for item in example.boxes} == {"0", "1"}
    assert "annotations.csv: class numbers taken for names" in splits.problems[0]


def test_codes_of_open_images(folder):
    text = TABLES["open images"].replace("cat", "/m/01yrx").replace("dog", "/m/0bt9lr")
    (folder / "train-annotations-bbox.csv").write_text(text + text.splitlines()[1].replace("p0", "absent") + "\n")
    (folder / "class-descriptions-boxable.csv").write_text("/m/01yrx,cat\n/m/0bt9lr,dog\n/m/09j2d,Clothing\n")
    splits = csv.read(folder)
    assert [label for label, _ in boxes(splits.train[0])] == ["cat", "dog"]
    assert "left out, because they are not in the folder: 1 images" in splits.problems[-1]


def test_groups_of_open_images_are_no_objects(folder):
    lines = TABLES["open images"].splitlines()
    for number in (1, 3, 4):
        lines[number] = lines[number].removesuffix("0,0,0") + "1,0,0"
    (folder / "a.csv").write_text("\n".join(lines))
    splits = csv.read(folder)
    assert [(e.id, len(e.boxes)) for e in splits.train] == [("p0", 1), ("p2", 2), ("p3", 2)]
    assert "all of its boxes are around groups" in splits.problems[-1]


def test_a_table_without_classes_has_one(folder):
    (folder / "train.csv").write_text(rows(lambda n, c, *b: f"{n},{b[0]},{b[1]},{b[2]},{b[3]}", "filename,xmin,ymin,xmax,ymax"))
    splits = csv.read(folder)
    assert {item.label for item in splits.train[0].boxes} == {"object"}
    assert "train.csv: has no column for classes; all boxes are called 'object'" in splits.problems


def test_tables_by_class_and_copies_are_put_together(folder):
    lines = TABLES["other spellings"].splitlines()
    for label in ("Class", "cat"), ("Class", "dog"):
        (folder / f"{label[1]}.csv").write_text("\n".join(line for line in lines if line.startswith(label)))
    (folder / "copy.csv").write_text(TABLES["other spellings"])
    splits = csv.read(folder)
    assert [sorted(boxes(example), key=str) for example in splits.train] == [EXPECTED] * 4
    assert "boxes of several tables put together, each once: 8 images" in splits.problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,class\np0.jpg,cat\n", r"labels.csv has no columns with xmin, ymin, xmax, ymax \(its columns are 'filename, class'\)"),
        ("xmin,ymin,xmax,ymax,class\n1,2,3,4,cat\n", "labels.csv has no columns with filename"),
        ("filename,class,xmin,ymin,xmax\np0.jpg,cat,1,2,3\n", "labels.csv has no columns with xmin, ymin, xmax, ymax"),
        ("p0.jpg,cat,1,2,3\n", "labels.csv has no header with filename, class, xmin, ymin, xmax, ymax, and its lines are not of"),
    ],
)
def test_a_table_that_is_not_understood_is_named(folder, text, message):
    (folder / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("[1, 2, 3]", "which is not four numbers"),
        ("[1, 2, 3, 1e400]", "which is not four numbers"),
        ("[" * 9000, "which is not four numbers"),
        ("{'a': 1}", "whose sides have no known names"),
        ("cat", "which is not four numbers"),
    ],
)
def test_cells_that_hold_no_box(folder, cell, message):
    header, first, *others = TABLES["wheat"].splitlines()
    (folder / "a.csv").write_text("\n".join([header, f'p0,64,48,"{cell}",x,cat', first, *others]))
    splits = csv.read(folder)
    assert [boxes(example) for example in splits.train] == [EXPECTED] * 4
    assert "line 2 has the box" in splits.problems[0] and message in splits.problems[0]


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ({"name": "circle", "cx": 20, "cy": 24, "r": 4}, (16, 20, 24, 28)),
        ({"name": "ellipse", "cx": 20, "cy": 24, "rx": 4, "ry": 2}, (16, 22, 24, 26)),
        ({"name": "point", "cx": 20, "cy": 24}, None),
        ({"name": "rect", "x": "a", "y": 1, "width": 2, "height": 3}, None),
        ({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1]}, None),
    ],
)
def test_shapes_of_the_image_annotator(folder, shape, sides):
    cell = json.dumps(shape).replace('"', '""')
    line = f'p3.jpg,9,"{{}}",1,0,"{cell}","{{""kinds"":{{""cat"":true}}}}"'
    (folder / "via.csv").write_text(TABLES["via"].rsplit("p3.jpg", 2)[0] + line)
    splits = csv.read(folder)
    found = {example.id: boxes(example) for example in splits.train}
    assert found.get("p3") == ([("cat", Box(*map(float, sides)))] if sides else None)


def test_tables_of_nothing_but_a_header(folder):
    for part in ("train", "test"):
        (folder / f"{part}_labels.csv").write_text("filename,class,xmin,ymin,xmax,ymax\n")
    with pytest.raises(InputError, match=r"test_labels.csv and train_labels.csv: nothing but a header"):
        csv.read(folder)


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_table_of_training_is_not_replaced_by_that_of_the_test(folder, text):
    (folder / "train_labels.csv").write_text(text)
    (folder / "test_labels.csv").write_text(TABLES["retinanet"])
    with pytest.raises(InputError, match=r"train_labels.csv: not one image to train on in it, though the test part has 4"):
        csv.read(folder)


def test_a_table_of_the_test_part_need_not_have_boxes(folder):
    """As competitions give them."""
    (folder / "train.csv").write_text(TABLES["retinanet"])
    (folder / "test.csv").write_text("filename,prediction\np3.jpg,\n")
    splits = csv.read(folder)
    assert len(splits.train) == 4 and splits.validation is None
    assert splits.problems[0].startswith("the test part is not used: test.csv: not CSV with the columns of train.csv")
    (folder / "train.csv").rename(folder / "val.csv")
    (folder / "test.csv").rename(folder / "train.csv")
    with pytest.raises(InputError, match=r"train.csv: not CSV with the columns of val.csv"):
        csv.read(folder)


def place(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(make.image(seed))
    return folder


@pytest.mark.parametrize("column", ["id", "flename", "bild"])
def test_the_column_of_the_images_is_known_by_its_cells(tmp_path, column):
    folder = place(tmp_path, *NAMES)
    lines = "".join(f"{number},{name},cat,4,6,20,30\n" for number, name in enumerate(NAMES))
    (folder / "boxes.csv").write_text(f"row,{column},class,x1,y1,x2,y2\n{lines}")
    assert [example.id for example in csv.read(folder).train] == ["p0", "p1", "p2", "p3"]
    # Where two columns may be that, none is guessed.
    (folder / "boxes.csv").write_text("one,other,class,x1,y1,x2,y2\np0.jpg,p1.jpg,cat,4,6,20,30\n")
    with pytest.raises(InputError, match="has no columns with filename"):
        csv.read(folder)


def test_folders_of_classes_tell_images_of_one_name_apart(tmp_path):
    folder = place(tmp_path, "cat/0.png", "Dog/0.png", "Dog/1.png")
    (folder / "boxes.csv").write_text("filename,class,x1,y1,x2,y2\n0.png,cat,4,6,20,30\n0.png,dog,4,6,30,30\n1.png,dog,1,2,30,30\n")
    found = {example.id: [box.label for box in example.boxes] for example in csv.read(folder).train}
    assert found == {"cat/0": ["cat"], "Dog/0": ["dog"], "Dog/1": ["dog"]}


def test_tables_that_contradict_each_other_are_not_put_together(tmp_path):
    folder = place(tmp_path, *NAMES)
    table = "filename,class,x1,y1,x2,y2\n" + "".join(f"{name},cat,40,20,60,30\n" for name in NAMES)
    (folder / "a.csv").write_text(table)
    # Sizes under the names of corners.
    (folder / "b.csv").write_text(table.replace("60,30", "20,10"))
    with pytest.raises(InputError, match=r"^a.csv and b.csv give other boxes for 4 of the 4 images that are in both; remove one"):
        csv.read(folder)
    (folder / "b.csv").write_text(table.replace("cat", "dog"))
    assert {len(example.boxes) for example in csv.read(folder).train} == {2}
    (folder / "b.csv").write_text(table.replace("60,30", "61,30"))
    assert csv.read(folder).problems == ("boxes of several tables put together, each once: 4 images",)


@pytest.mark.parametrize("order", ["{3},{4},{5},{6},{0}", "{0},{3},{4},{5},{6}"])
def test_the_number_of_the_class_is_before_the_box_or_after_it(folder, order):
    numbers = {"cat": 1, "dog": 2}
    shift = dict(zip(NAMES, range(4)))
    text = rows(lambda name, label, *sides: f"./{name}," + order.format(numbers[label], 0, 0, *(side + shift[name] for side in sides)))
    # Its own lines end with a number, as lists of classes do.
    (folder / "labels.csv").write_text(text)
    first = csv.read(folder).train[0]
    assert [(item.label, item.box) for item in first.boxes] == [("1", EXPECTED[0][1]), ("2", EXPECTED[1][1])]


def test_a_table_in_a_text_file(folder):
    """As keras-frcnn has it."""
    (folder / "annotation.txt").write_text(rows(lambda name, label, *sides: f"/home/me/{name},{','.join(map(str, sides))},{label}"))
    dataset = open_dataset(folder)
    assert dataset.format == "csv" and boxes(dataset.train[0]) == EXPECTED


def test_columns_that_are_called_by_what_is_in_the_box(folder):
    header = "Filename,ball_x1,ball_y1,ball_x2,ball_y2"
    (folder / "a.csv").write_text(header + "\n" + "".join(f"data\\images\\{name},4,6,20,30\n" for name in NAMES))
    assert boxes(csv.read(folder).train[0]) == [("object", Box(4, 6, 20, 30))]

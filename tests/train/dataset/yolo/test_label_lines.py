from __future__ import annotations

import pytest

from tests.support.layouts import BOX, boxes, write
from train.dataset.formats import yolo
from train.dataset.yolo import label_lines

SHARES = "0.265625 0.34375 0.40625 0.4791666666666667"
LINES = {
    "spaces": f"0 {SHARES}\n",
    "tabs and carriage returns": "0\t" + SHARES.replace(" ", "\t") + "\r\n",
    "commas": "0," + SHARES.replace(" ", ",") + "\n",
    "commas and spaces": "0, " + SHARES.replace(" ", ", ") + "\n",
    "semicolons": "0;" + SHARES.replace(" ", ";") + "\n",
    "decimal commas": f"0 {SHARES}\n".replace(".", ","),
    "decimal commas and semicolons": f"0;{SHARES.replace(' ', ';')}\n".replace(".", ","),
    "a mark of the byte order": f"\ufeff0 {SHARES}\n",
    "a float": f"0.000 {SHARES}\n",
    "a confidence": f"0 {SHARES} 0.87\n",
    "the name": f"cat {SHARES}\n",
    "an oriented box": "0 0.0625 0.1041667 0.46875 0.1041667 0.46875 0.583333 0.0625 0.583333\n",
    "a polygon": "0 0.0625 0.3 0.2 0.1041667 0.46875 0.3 0.2 0.583333 0.1 0.4\n",
    "three key points": f"0 {SHARES} 0.3 0.3 2 0.2 0.2 1 0 0 0\n",
    "two key points": f"0 {SHARES} 0.3 0.3 2 0.2 0.2 2\n",
    "no break at the end": f"\n\n0 {SHARES}",
}


@pytest.mark.parametrize("case", LINES)
def test_lines(tmp_path, case):
    files = {"classes.txt": "cat\n"}
    for index in range(3):
        files |= {f"p{index}.jpg": "", f"p{index}.txt": LINES[case]}
    splits = yolo.read(write(tmp_path, files))
    assert boxes(splits) == {f"p{index}": [("cat", *BOX)] for index in range(3)}
    assert (splits.problems == ()) == (case != "a confidence")


UNITS = {
    "pixels of the center": ("0 17 16.5 26 23\n", "pixels"),
    "pixels of the corners": ("0 4 5 30 28\n0 40 30 60 40\n", "xmin, ymin, xmax, ymax"),
    "shares of the corners": ("0 0.0625 0.1041667 0.46875 0.583333\n0 0.8 0.8 0.9 0.9\n", "xmin, ymin, xmax, ymax"),
}


@pytest.mark.parametrize("case", UNITS)
def test_other_units(tmp_path, case):
    line, note = UNITS[case]
    files = {"classes.txt": "cat\n"}
    for index in range(5):
        files |= {f"p{index}.jpg": "", f"p{index}.txt": line}
    splits = yolo.read(write(tmp_path, files))
    assert {found[0] for found in boxes(splits).values()} == {("cat", *BOX)}
    assert any(note in text for text in splits.problems)


def test_boxes_of_the_open_images_toolkit(tmp_path):
    """OIDv4_ToolKit: a folder for each class, names that have spaces, corners in pixels."""
    files = {}
    for part in ("train", "validation"):
        for index in range(3):
            files[f"OID/Dataset/{part}/Traffic light/{part}{index}.jpg"] = ""
            files[f"OID/Dataset/{part}/Traffic light/Label/{part}{index}.txt"] = "Traffic light 4.0 5.0 30.0 28.0\nTraffic light 50 40 62 46\n"
    folder = write(tmp_path, files)
    assert yolo.score(folder).images == 6
    splits = yolo.read(folder)
    assert len(splits.validation) == 3 and boxes(splits)["train0"][0] == ("Traffic light", *BOX)


def test_kitti(tmp_path):
    line = "Car 0.00 0 -1.58 4.0 5.0 30.0 28.0 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"
    other = "DontCare -1 -1 -10 1.0 1.0 9.0 9.0 -1 -1 -1 -1000 -1000 -1000 -10\n"
    files = {}
    for index in range(3):
        files |= {f"training/image_2/{index:06}.png": "", f"training/label_2/{index:06}.txt": line + other}
    splits = yolo.read(write(tmp_path, files))
    assert boxes(splits) == {f"{index:06}": [("Car", *BOX)] for index in range(3)}
    assert "left out, because they are regions without labels (DontCare): 3 lines" in splits.problems


def test_text_that_says_what_an_image_shows_is_no_label(tmp_path):
    assert yolo.score(write(tmp_path, {"a.jpg": "", "a.txt": "a photo of 2 cats on 1 sofa\n"})) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat 1 2 3 4 5 6", "has 6 numbers after the name 'cat', where a box has 4"),
        ("x", "has 'x', which is not a number"),
        (",,;", "has no numbers"),
        ("0.5 1 1 1 1", "has '0.5' for a class number"),
        ("0 1 2 a 4", "has 'a', which is not a number"),
        ("cat 0.1 b", "has 'b', which is not a number"),
        ("inf 1 1 1 1", "has 'inf' for a class number"),
    ],
)
def test_what_is_no_line(text, message):
    with pytest.raises(ValueError, match=message):
        label_lines.parse(text)


def test_digits_of_another_script_are_text():
    """As on number plates, which are labelled with what is written on them."""
    with pytest.raises(ValueError, match="not a number"):
        label_lines.parse("\u0641 \u062c \u0664 \u0669 \u0667 \u0661")
    assert label_lines.parse("\u0641\u062c 0.5 0.5 0.1 0.1").values == [0.5, 0.5, 0.1, 0.1]

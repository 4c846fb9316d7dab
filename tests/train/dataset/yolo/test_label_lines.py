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


@pytest.mark.parametrize(
    ("text", "message"),
    [
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

"""YOLO: a text file per image with one line per box, and a list of the class names.

Reads the layouts of Ultralytics and Roboflow (`data.yaml`, `images/` and `labels/`) and of Darknet, CVAT,
LabelImg and Label Studio (`obj.data`, `obj.names` or `classes.txt`, labels beside the images), and labels in any
other folder, which are matched to the images by name. A line has a class number or name and a box (xcenter, ycenter,
width, height, normalized to the image's size) or a polygon, whose bounding box is used. An image without a label file
is background. Classes keep their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, assign_splits, group_by_split, labelled_box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, unique_ids, walk
from train.dataset.examples.problems import Problems
from train.dataset.formats import Splits
from train.dataset.yolo import description, label_lines, parts
from train.dataset.yolo.class_names import ClassNames, Names
from train.dataset.yolo.label_files import LabelFiles
from train.dataset.yolo.label_lines import Evidence, Line, Reading
from train.files import untrusted_bytes

# The labels of an image with a thousand polygons have a few MB.
_MAX_BYTES = 32 << 20


def accepts(folder: Path) -> bool:
    """Returns True if `folder` has a description of a YOLO data set and a label file."""
    files = list(walk(folder))
    return description.candidates(files) and bool(LabelFiles(files))


def read(folder: Path) -> Splits:
    """Reads and checks the images in the description below `folder`, and their labels.

    Raises InputError if nothing names the classes, the description does not match the files, or too much is bad.
    """
    files = list(walk(folder))
    labels = LabelFiles(files)
    reading = Reading()
    while True:
        evidence = Evidence()
        splits = _read(folder, files, labels, reading, evidence)
        if reading != Reading() or evidence.reading() == reading:
            return splits
        reading = evidence.reading()

"""Formats of annotations that are not read, so that the user reads what to export or convert instead."""

from __future__ import annotations

import re
from pathlib import Path

from train.dataset.examples.image_files import File, walk

_BYTES = 4096
_FILES = 2000
_IMAGE = r"[^\n,;\t]+\.(?:jpe?g|png|bmp|webp)\"?"
_TRACKED = re.compile(r"ground_?truth", re.IGNORECASE)
_TRACKED_LINES = re.compile(r"(?:-?\d+(?:\.\d+)?[,\t ]+){3}-?\d+(?:\.\d+)?\s*\n")
_TRACKED_ADVICE = (
    "has the lines of a tracking benchmark such as OTB (x,y,width,height of one object in each frame), which are not read:"
    " convert them to YOLO or CSV, with the names of the frames and of the class"
)
# The first lines of a table of classes without boxes.
_CLASSES = re.compile(rf"[^\n]*\n{_IMAGE}(?:(?:[,;\t][01](?:\.0)?){{2,}}|[,;\t][^\n,;\t]+)\s*(?:\n|\Z)", re.IGNORECASE)
_CLASSES_ADVICE = (
    "says what is in an image, and not where: a detector needs boxes; draw them with `edk label`, or give the annotations that"
    " have them"
)
# The first lines of a text file in that format, and what to do about it.
_FORMATS = (
    (
        re.compile(r"\S[^\n]*\.jpe?g\s*\n\d+\s*\n(?:\d+ ){9}\d+", re.IGNORECASE),
        "has the lines of WIDER FACE (a name, a number, boxes), which are not read: convert them to COCO or YOLO",
    ),
    (
        re.compile(r"(?:-?\d+,){7}-?\d+,?\s*(?:\n(?:-?\d+,){7}-?\d+,?\s*)*\Z"),
        "has the lines of VisDrone (x,y,width,height,score,category,...), which are not read: convert them to YOLO, as"
        " Ultralytics' VisDrone.yaml does",
    ),
    (
        re.compile(r"(?:\d+,){2}(?:-?\d+(?:\.\d+)?,){6,7}-?\d+(?:\.\d+)?\s*\n"),
        "has the lines of MOTChallenge or DarkLabel (frame,id,x,y,width,height,...), which are not read: save PASCAL VOC or"
        " YOLO there, and the frames as images",
    ),
)


def advice(folder: Path) -> str:
    """Returns a line on the first file below `folder` that is in one of these formats; empty if there is none."""
    files = [file for file in walk(folder) if file.suffix == ".txt"]
    for file in files[:: len(files) // _FILES + 1]:
        head = _head(file)
        for pattern, text in _FORMATS:
            if pattern.match(head):
                return f"{file.name}: {text}"
        if _TRACKED.search(file.name.stem) and _TRACKED_LINES.match(head):
            return f"{file.name}: {_TRACKED_ADVICE}"
    return ""


def classes_alone(folder: Path) -> str:
    """Returns a line on the first table below `folder` that has classes of images without boxes; empty if there is none."""
    tables = [file for file in walk(folder) if file.suffix in (".csv", ".tsv")]
    found = next((file for file in tables[:_FILES] if _CLASSES.match(_head(file))), None)
    return f"{found.name}: {_CLASSES_ADVICE}" if found else ""


def _head(file: File) -> str:
    """Returns the first whole lines of a file; an empty text if it cannot be read."""
    try:
        with file.path.open("rb") as opened:
            head = opened.read(_BYTES).decode("utf-8", "replace").replace("\r", "")
    except OSError:
        return ""
    return head[: head.rfind("\n") + 1] if len(head) == _BYTES else head

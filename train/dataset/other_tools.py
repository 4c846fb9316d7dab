"""Formats of annotations that are not read, so that the user reads what to export or convert instead."""

from __future__ import annotations

import re
from pathlib import Path

from train.dataset.examples.image_files import walk

_BYTES = 4096
_FILES = 2000
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
        try:
            with file.path.open("rb") as opened:
                head = opened.read(_BYTES).decode("utf-8", "replace").replace("\r", "")
        except OSError:
            continue
        if len(head) == _BYTES:
            head = head[: head.rfind("\n") + 1]
        for pattern, text in _FORMATS:
            if pattern.match(head):
                return f"{file.name}: {text}"
    return ""

"""Data sets in layouts that people and labelling tools make, written from a list of their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Union

from tests.support import format_samples as make
from train.dataset.examples.image_info import SUFFIXES
from train.dataset.formats import Splits

# The class 0 at (4, 5, 30, 28) on images of 64 x 48.
LINE = "0 0.265625 0.34375 0.40625 0.4791666666666667\n"
BOX = (4.0, 5.0, 30.0, 28.0)


def write(folder: Path, files: dict[str, Union[str, bytes, dict, list]]) -> Path:
    """Writes `files` below `folder` and returns it: an image for an image's name with an empty text, JSON for objects."""
    for number, (name, content) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == "" and path.suffix.lower() in SUFFIXES:
            content = make.image(number)
        if isinstance(content, (dict, list)):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def boxes(splits: Splits) -> dict[str, list[tuple]]:
    """Returns the (label, xmin, ymin, xmax, ymax) of each image by its id, validation included."""
    return {
        example.id: [(box.label, *(round(value, 1) for value in box.box.as_tuple())) for box in example.boxes]
        for example in (*splits.train, *(splits.validation or ()))
    }


def parts(splits: Splits) -> tuple[list[str], list[str]]:
    """Returns the ids of the images to train on and to validate on."""
    return [example.id for example in splits.train], [example.id for example in splits.validation or ()]

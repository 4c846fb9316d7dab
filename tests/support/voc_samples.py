"""Small PASCAL VOC data sets for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import cv2
import numpy as np

from train.dataset.examples.example import Example
from train.dataset.formats import pascal_voc

BOX = ("cat", 4, 5, 30, 28)


def image(path: Path, width: int = 64, height: int = 48, seed: int = 0) -> Path:
    """Writes a smooth image, which JPEG changes little; returns `path`."""
    grid = np.random.default_rng(seed).integers(0, 255, (3, 4, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR))
    return path


def annotation(
    path: Path, boxes: Sequence[tuple] = (BOX,), size: tuple[int, int] = (64, 48), filename: str = ""
) -> Path:
    """Writes an XML file with `boxes` as (name, xmin, ymin, xmax, ymax) in pixels; returns `path`."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
        f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
        for name, xmin, ymin, xmax, ymax in boxes
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<annotation><filename>{filename or path.stem + '.jpg'}</filename>"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>{objects}</annotation>"
    )
    return path


def data_set(
    folder: Path,
    count: int = 6,
    annotations: str = "annotations",
    images: str = "images",
    boxes: Sequence[tuple] = (BOX,),
    seed: int = 0,
) -> Path:
    """Writes `count` images named p0, p1, ... with the same boxes on each; returns `folder`.

    Those of another `seed`, which counts in hundreds, show something else.
    """
    for index in range(count):
        image(folder / images / f"p{index}.jpg", seed=seed + index)
        annotation(folder / annotations / f"p{index}.xml", boxes)
    return folder


def read_one(folder: Path) -> tuple[Example, tuple[str, ...]]:
    """Reads `folder`; returns the first example and the problems."""
    splits = pascal_voc.read(folder)
    return splits.train[0], splits.problems

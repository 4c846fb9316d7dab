"""Data sets as the labelling tools write them: one small truth in the layout of each tool's export.

A layout is a function that writes `truth()` below an empty folder, registered by `@layout(...)`. The layouts come from
the tools' documentation and exporters; each module names its tool. `modules` are found because they lie here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 80, 60
LABELS = ("red", "blue")
_COLOURS = {"red": (40, 40, 220), "blue": (220, 60, 40)}


@dataclass(frozen=True)
class Truth:
    """An image, 80 x 60, and its boxes (label, xmin, ymin, xmax, ymax) in pixels; `part` is "train" or "val"."""

    stem: str
    part: str
    boxes: tuple[tuple[str, int, int, int, int], ...]

    @property
    def jpeg(self) -> bytes:
        """The image file's bytes: a square in its label's colour at each box, on a background of its own."""
        noise = np.random.default_rng(sum(self.stem.encode())).integers(90, 160, (6, 8, 3)).astype(np.uint8)
        image = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        for label, xmin, ymin, xmax, ymax in self.boxes:
            image[ymin:ymax, xmin:xmax] = _COLOURS[label]
        return cv2.imencode(".jpg", image)[1].tobytes()

    def save(self, folder: Path, name: str = "") -> str:
        """Writes the image to `folder`, as `name` or stem.jpg; returns its name."""
        folder.mkdir(parents=True, exist_ok=True)
        name = name or f"{self.stem}.jpg"
        (folder / name).write_bytes(self.jpeg)
        return name


@dataclass(frozen=True)
class Layout:
    """A way of writing the truth. `split` says that the layout tells training from validation."""

    name: str
    write: Callable[[Path], None]
    split: bool


LAYOUTS: dict[str, Layout] = {}


def layout(name: str, *, split: bool = False) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Registers a function that writes the truth below a folder."""

    def register(write: Callable[[Path], None]) -> Callable[[Path], None]:
        assert name not in LAYOUTS, name
        LAYOUTS[name] = Layout(name, write, split)
        return write

    return register


def truth() -> tuple[Truth, ...]:
    """Six images of two boxes each: four to train, two to validate."""
    return tuple(
        Truth(
            f"shot_{i}",
            "train" if i < 4 else "val",
            (("red", 4 + 3 * i, 10 + i, 24 + 3 * i, 30 + i), ("blue", 40 - 2 * i, 35, 70 - 2 * i, 52)),
        )
        for i in range(6)
    )


def split() -> dict[str, tuple[Truth, ...]]:
    """The truth by part."""
    return {part: tuple(one for one in truth() if one.part == part) for part in ("train", "val")}


def yolo(one: Truth) -> str:
    """The lines of a YOLO label file: class number, centre and size as shares of the sides."""
    return "".join(
        f"{LABELS.index(label)} {(xmin + xmax) / 2 / WIDTH:.6f} {(ymin + ymax) / 2 / HEIGHT:.6f}"
        f" {(xmax - xmin) / WIDTH:.6f} {(ymax - ymin) / HEIGHT:.6f}\n"
        for label, xmin, ymin, xmax, ymax in one.boxes
    )


def voc(one: Truth, filename: str = "", path: str = "", folder: str = "images") -> str:
    """A PASCAL VOC file as LabelImg writes it."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{label}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
        f"\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{xmin}</xmin>\n\t\t\t<ymin>{ymin}</ymin>\n"
        f"\t\t\t<xmax>{xmax}</xmax>\n\t\t\t<ymax>{ymax}</ymax>\n\t\t</bndbox>\n\t</object>\n"
        for label, xmin, ymin, xmax, ymax in one.boxes
    )
    filename = filename or f"{one.stem}.jpg"
    return (
        f"<annotation>\n\t<folder>{folder}</folder>\n\t<filename>{filename}</filename>\n\t<path>{path or filename}</path>\n"
        f"\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n\t<size>\n\t\t<width>{WIDTH}</width>\n"
        f"\t\t<height>{HEIGHT}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def coco(images: tuple[Truth, ...], *, first: int = 1, prefix: str = "", names: dict[str, str] | None = None) -> dict:
    """A COCO description of `images`; category ids count from `first`, file names begin with `prefix`."""
    entries, annotations = [], []
    for number, one in enumerate(images, 1):
        name = (names or {}).get(one.stem, f"{one.stem}.jpg")
        entries.append({"id": number, "file_name": prefix + name, "width": WIDTH, "height": HEIGHT})
        for label, xmin, ymin, xmax, ymax in one.boxes:
            width, height = xmax - xmin, ymax - ymin
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": LABELS.index(label) + first,
                    "bbox": [xmin, ymin, width, height],
                    "area": width * height,
                    "segmentation": [],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(LABELS, first)]
    return {"licenses": [], "info": {}, "categories": categories, "images": entries, "annotations": annotations}


def csv(images: tuple[Truth, ...], prefix: str = "") -> str:
    """The lines of xml_to_csv.py: filename,width,height,class,xmin,ymin,xmax,ymax."""
    return "".join(
        f"{prefix}{one.stem}.jpg,{WIDTH},{HEIGHT},{label},{xmin},{ymin},{xmax},{ymax}\n"
        for one in images
        for label, xmin, ymin, xmax, ymax in one.boxes
    )


CSV_HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def write(path: Path, text: str) -> None:
    """Writes a text file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

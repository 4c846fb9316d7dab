"""Labelled images and boxes, the values into which every data set format is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtime.common.values import Box


@dataclass(frozen=True)
class LabelledBox:
    """An annotated object: its class name and its box in pixels of the image.

    `difficult` and `truncated` are PASCAL VOC's flags: hard to recognize, and cut off by the image's edge.
    """

    label: str
    box: Box
    difficult: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class Example:
    """An image and its boxes, both checked: the file is complete, and the boxes lie inside the image.

    `id` is unique in its data set. `width` and `height` are the size in pixels of the image that the boxes
    were drawn on: the stored pixels rotated by the EXIF `orientation` (1 to 8; 1 is as stored).
    `orientation` is the file's own, except if the boxes were drawn on the pixels as stored; then it is 1.
    An image without boxes is a background image.
    """

    id: str
    image: Path
    width: int
    height: int
    boxes: tuple[LabelledBox, ...]
    orientation: int = 1

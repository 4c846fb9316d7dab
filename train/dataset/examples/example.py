"""One labelled image: what every data set format is read into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtime.common.values import Box


@dataclass(frozen=True)
class LabelledBox:
    """One object that a person marked: its class name and its box in pixels of the image.

    `difficult` and `truncated` are PASCAL VOC's marks: hard to recognise, and cut by an edge.
    """

    label: str
    box: Box
    difficult: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class Example:
    """One image and its boxes, checked: the image is whole, and the boxes lie inside it.

    `id` is unique in its data set. `width` and `height` are those of the pixels that the boxes were
    drawn on: the stored pixels turned by the EXIF `orientation` (1 to 8; 1 is as stored). It is the
    file's own orientation, unless the boxes were drawn on pixels that nobody had turned.
    An image without boxes is background.
    """

    id: str
    image: Path
    width: int
    height: int
    boxes: tuple[LabelledBox, ...]
    orientation: int = 1

"""The values that flow through the kit: boxes, detections, labels, frames.

The Kotlin and Swift wrappers use the same names.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import InputError


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the image it was found in; (0, 0) is the top left corner."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def width(self) -> float:
        return self.xmax - self.xmin

    @property
    def height(self) -> float:
        return self.ymax - self.ymin

    @property
    def area(self) -> float:
        """Square pixels; 0 where the box is empty or turned inside out."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def as_tuple(self) -> Tuple[float, float, float, float]:
        """(xmin, ymin, xmax, ymax)."""
        return (self.xmin, self.ymin, self.xmax, self.ymax)


@dataclass(frozen=True)
class Detection:
    """One object that the detector found.

    `class_id` counts from 0 at the first label; `score` lies in 0..1; `box` is in source pixels.
    `track` is the number of the object that it belongs to, the same from frame to frame; None where
    nothing tracks.
    """

    label: str
    class_id: int
    score: float
    box: Box
    track: Optional[int] = None


@dataclass(frozen=True)
class Labels:
    """Class names in the order of their class ids, which count from 0; background is not among them."""

    names: Tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, class_id: int) -> str:
        """The name of `class_id`; `class 7` where the list is too short to have one."""
        if 0 <= class_id < len(self.names):
            return self.names[class_id]
        return f"class {class_id}"

    def index(self, name: str) -> int:
        """The class id of `name`. Raises ValueError where there is none."""
        return self.names.index(name)

    def checked(self, name: str, where: str) -> str:
        """`name`, which `where` asks for. Raises InputError where no class is called that.

        `class 7` is a name too for a list that is too short to have one.
        """
        if name in self.names or (re.fullmatch(r"class \d+", name) and self[int(name[6:])] == name):
            return name
        near = difflib.get_close_matches(name, self.names, 1)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.names[:10]) or 'no names'}"
        raise InputError(f"{where}: no class is called {name!r}; {known}")

    @classmethod
    def read(cls, path: Union[str, os.PathLike]) -> Labels:
        """Reads one name a line, UTF-8. Raises InputError where the file is missing or empty."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot read labels: {error}") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "labels") -> Labels:
        """Labels from the text of a label file; blank lines at its end do not count."""
        names = tuple(line.strip() for line in text.rstrip().splitlines())
        if not names:
            raise InputError(f"{where}: no labels in it; write one class name a line")
        return cls(names)

    def text(self) -> str:
        """The text of a label file: one name a line."""
        return "".join(f"{name}\n" for name in self.names)


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a source.

    `image` is uint8 [height, width, 3] in the order that `color` says ("BGR" or "RGB"); `index`
    counts from 0; `time` is that of the capture in seconds (for a video file, since its start).
    """

    image: np.ndarray
    index: int = 0
    time: float = 0.0
    color: str = "BGR"

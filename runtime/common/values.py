"""Value types: boxes, detections, labels, frames.

The Kotlin and Swift wrappers have the same types, with the same names.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import InputError

if TYPE_CHECKING:
    from runtime.areas.areas import Counted


@dataclass(frozen=True)
class Box:
    """A box in pixels of the source image; (0, 0) is the top left corner of the image."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.xmax - self.xmin

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.ymax - self.ymin

    @property
    def area(self) -> float:
        """Square pixels; 0 where a maximum is below its minimum."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def as_tuple(self) -> Tuple[float, float, float, float]:
        """(xmin, ymin, xmax, ymax)."""
        return (self.xmin, self.ymin, self.xmax, self.ymax)

    def moved(self, right: float, down: float) -> Box:
        """The box so many pixels further right and down."""
        return Box(self.xmin + right, self.ymin + down, self.xmax + right, self.ymax + down)


@dataclass(frozen=True)
class Detection:
    """One object that the detector found.

    `class_id` is 0 for the first label; `score` lies in 0..1; `box` is in source pixels. `track` is the number of the
    tracked object, the same in all frames; None where objects are not tracked.
    """

    label: str
    class_id: int
    score: float
    box: Box
    track: Optional[int] = None


@dataclass(frozen=True)
class Labels:
    """Class names in the order of their class ids, which count from 0; without a background class."""

    names: Tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, class_id: int) -> str:
        """The name of `class_id`; `class 7`, for example, where the list is shorter than that."""
        if 0 <= class_id < len(self.names):
            return self.names[class_id]
        return f"class {class_id}"

    def index(self, name: str) -> int:
        """The class id of `name`. Raises ValueError where there is none."""
        return self.names.index(name)

    def checked(self, name: str, where: str) -> str:
        """Returns `name`; raises InputError, which begins with `where`, where no class has that name.

        Names like `class 7` are accepted for class ids that the list has no name for.
        """
        if name in self.names or (re.fullmatch(r"class \d+", name) and self[int(name[6:])] == name):
            return name
        near = difflib.get_close_matches(name, self.names, 1)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.names[:10]) or 'no names'}"
        raise InputError(f"{where}: no class is called {name!r}; {known}")

    @classmethod
    def read(cls, path: Union[str, os.PathLike[str]]) -> Labels:
        """Reads a UTF-8 file with one name in each line. Raises InputError where it is missing or empty."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot read labels: {error}") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "labels") -> Labels:
        """Labels from the text of a label file; blank lines at its end are ignored. Raises InputError for no labels."""
        names = tuple(line.strip() for line in text.rstrip().splitlines())
        if not names:
            raise InputError(f"{where}: no labels in it; write one class name a line")
        return cls(names)

    def text(self) -> str:
        """The text of a label file, one name in each line."""
        return "".join(f"{name}\n" for name in self.names)


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a source.

    `image` is uint8 [height, width, 3] with channels in the order `color`, "BGR" or "RGB". `index` counts from 0.
    `time` is the time of capture in seconds; for a video file, since its start. `monotonic` is the same moment by
    `time.monotonic`, which nobody sets; None where the source is not live, or does not know it. `file` is the name of the
    image file that it was read from, empty for frames of videos and cameras. `areas` is what was counted at zones and lines up
    to this frame; None without any.
    """

    image: np.ndarray
    index: int = 0
    time: float = 0.0
    color: str = "BGR"
    monotonic: Optional[float] = None
    file: str = ""
    areas: Optional[Counted] = None

    @property
    def steady_time(self) -> float:
        """The time of capture in seconds, for intervals between frames: `monotonic` where it is known, else `time`."""
        return self.time if self.monotonic is None else self.monotonic

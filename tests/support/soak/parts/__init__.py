"""What a soak has on besides the usual: `--with collect,mask`. One file for each.

A module of this package provides `connect(place: Place) -> Part`. Modules are found by their place in this folder: a new part
is a new file, and its name a word for `--with`.
"""

from __future__ import annotations

import abc
import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np

from runtime.common import plugins
from runtime.common.opencv import cv2
from tests.support.soak import street
from tests.support.soak.process import Process
from tests.support.soak.schedule import Schedule
from tests.support.soak.verdict import Check


@dataclass(frozen=True)
class Place:
    """`folder` is where a run works, `disk` a small disk that it shares with others; `fps` is that of the camera.

    `camera` is the name of the camera, where the run has several, and `step` that of the squares in `street`.
    """

    folder: Path
    disk: Path
    fps: float
    camera: str = ""
    step: int = street.SIDE_X

    def word(self, path: Path) -> str:
        """How an option names a file or folder of which each camera has its own."""
        return str(_own(path, "{camera}") if self.camera else path)

    def own(self, path: Path) -> Path:
        """That of this camera."""
        return _own(path, self.camera) if self.camera else path

    @property
    def lines(self) -> Path:
        """The JSON lines of this camera."""
        return self.own(self.folder / "found.jsonl")


def _own(path: Path, camera: str) -> Path:
    return path.with_name(f"{path.stem}-{camera}{path.suffix}")


class Part(abc.ABC):
    """A feature in a soak: its options, and what must be true of it.

    `words` are its options for the command. `fills_disk` says whether it writes to the small disk.
    """

    words: Sequence[str] = ()
    fills_disk: bool = False

    def steps(self, schedule: Schedule, process: Process) -> List[Tuple[int, Callable[[], None]]]:
        """What is to be done, with the number of frames after which it is due."""
        return []

    def look(self) -> None:
        """Called some times a second while the command runs."""

    def is_busy(self) -> bool:
        """Whether it is in the middle of its work, so that a run that is killed now leaves something half done."""
        return True

    def images(self) -> Iterator[Tuple[str, np.ndarray]]:
        """Images that it has written, uint8 [height, width, 3] in BGR, with the name of what they are."""
        return iter(())

    def whole(self, killed: bool) -> List[Check]:
        """What must be true of its files after the run; of one that was `killed`, at once."""
        return []

    @abc.abstractmethod
    def judge(self, final: Dict[str, Any]) -> List[Check]:
        """What must be true at the end; `final` is the run's last `State.snapshot`."""


def names() -> List[str]:
    """The names of all parts."""
    return [plugins.name_of(module) for module in plugins.modules(sys.modules[__name__])]


def chosen(text: str) -> Tuple[str, ...]:
    """Argparse type: names of parts, separated by commas, or `all`; each once, in the order of `names`."""
    words = set(filter(None, text.split(",")))
    unknown = words - {*names(), "all"}
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(names())} and all")
    return tuple(name for name in names() if name in words or "all" in words)


def connect(given: Sequence[str], place: Place) -> List[Part]:
    """The parts with these names, for one run."""
    modules = plugins.modules(sys.modules[__name__])
    return [module.connect(place) for module in modules if plugins.name_of(module) in given]


def pictures(folder: Path, pattern: str = "*.jpg") -> Iterator[np.ndarray]:
    """The images in a folder that match `pattern`; hidden ones are not complete, and left out."""
    for path in sorted(folder.glob(pattern)):
        image = None if path.name.startswith(".") else cv2.imread(str(path))
        if image is not None:
            yield image


def frames(video: Path, every: int) -> Iterator[np.ndarray]:
    """Every `every`-th frame of a video, the first first."""
    opened, number = cv2.VideoCapture(str(video)), 0
    while opened.grab():
        if number % every == 0:
            done, image = opened.retrieve()
            if done:
                yield image
        number += 1


def megabytes(folder: Path, but: Callable[[str], bool] = lambda name: False) -> float:
    """The size of all files in `folder`, without those whose names are `but`."""
    found = 0
    for path in folder.rglob("*"):
        try:
            if not but(path.name) and path.is_file():
                found += path.stat().st_size
        except OSError:
            # Removed meanwhile.
            continue
    return found / 1e6

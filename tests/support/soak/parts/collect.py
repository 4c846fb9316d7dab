"""Collected frames, with a budget that the camera's noise uses up."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, Tuple
from xml.etree import ElementTree

import numpy as np

from runtime.collect import annotation
from runtime.collect.pairs import ANNOTATIONS, IMAGES
from runtime.common.opencv import cv2
from tests.support.soak.parts import Part, Place, megabytes, pictures
from tests.support.soak.verdict import Check

# A run keeps more than that in some minutes; the run before it, which is killed, has used up a part.
PER_HOUR, MEGABYTES = 10, 1


def connect(place: Place) -> Part:
    return Collect(place)


class Collect(Part):
    """Watches the folder: the frames of each hour, and its size."""

    fills_disk = True

    def __init__(self, place: Place) -> None:
        folder = place.disk / "collected"
        self._folder = place.own(folder)
        self.words = ("--collect", f"{place.word(folder)},per-hour={PER_HOUR},megabytes={MEGABYTES}")
        # When each image that is there was seen first. Runs are far shorter than an hour.
        self._present: Dict[str, float] = {}
        self._seen = 0
        self._most_images, self._most_megabytes = 0, 0.0

    def look(self) -> None:
        now, there = time.monotonic(), {path.stem for path in (self._folder / IMAGES).glob("[!.]*.jpg")}
        self._seen += len(there - self._present.keys())
        self._present = {name: self._present.get(name, now) for name in there}
        self._most_images = max(self._most_images, sum(now - at < 3600 for at in self._present.values()))
        # Twice: between two files, one may have gone and another come.
        self._most_megabytes = max(self._most_megabytes, min(megabytes(self._folder), megabytes(self._folder)))

    def is_busy(self) -> bool:
        return len(self._present) >= 3

    def images(self) -> Iterator[Tuple[str, np.ndarray]]:
        return (("collected", image) for image in pictures(self._folder / IMAGES))

    def whole(self, killed: bool) -> List[Check]:
        images, labels = self._folder / IMAGES, self._folder / ANNOTATIONS
        bad: List[str] = []
        for path in labels.glob("[!.]*.xml"):
            image = cv2.imread(str(images / f"{path.stem}.jpg"))
            origin = annotation.read(path)
            if image is None or origin is None or ElementTree.parse(path).getroot().findtext("filename") != f"{path.stem}.jpg":
                bad.append(path.stem)
        # A run that is killed may leave one image half written or half removed, which the next run puts right.
        halves = {path.stem for path in images.glob("[!.]*.jpg")} ^ {path.stem for path in labels.glob("[!.]*.xml")}
        halves |= {path.name[1:].split(".pending")[0] for folder in (images, labels) for path in folder.glob(".*")}
        good = not bad and len(halves) <= (1 if killed else 0)
        when = "after SIGKILL" if killed else "at the end"
        figures = f"{len(list(labels.glob('[!.]*.xml')))} whole, {len(bad)} not, {len(halves)} half written"
        return [Check(f"collected frames are whole {when}", good, figures)]

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        told = final["collect"]
        there = len(list((self._folder / IMAGES).glob("*.jpg")))
        return [
            Check("collected frames of an hour", 0 < self._most_images <= PER_HOUR,
                  f"at most {self._most_images} of {PER_HOUR}, {told['kept']} kept, {told['refused']} refused"),
            Check("megabytes of collected frames", self._most_megabytes <= MEGABYTES,
                  f"at most {self._most_megabytes:.2f} of {MEGABYTES}"),
            Check("collected frames are counted", told["images"] == there, f"{there} there, {told['images']} counted"),
        ]  # fmt: skip

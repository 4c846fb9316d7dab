"""A mask over a part of the image whose color is found in every output that lacks it."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from tests.support.soak import street
from tests.support.soak.parts import Part, Place, pictures
from tests.support.soak.verdict import Check

CROPS = "crops"


def connect(place: Place) -> Part:
    return Mask(place)


class Mask(Part):
    """Besides the mask, crops: the smallest output that there is. The images of all parts are checked elsewhere."""

    def __init__(self, place: Place) -> None:
        folder = place.folder / CROPS
        self._folder = place.own(folder)
        self.words = ("--mask", street.MASK, "--crops", f"{place.word(folder)},every=5,limit=300")

    def images(self) -> Iterator[Tuple[str, np.ndarray]]:
        return (("crops", image) for image in pictures(self._folder, "*/*.jpg"))

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        return []


def black(images: Iterator[Tuple[str, np.ndarray]]) -> List[Check]:
    """A check for each output that `images` are of; those of `crops` are parts of the street, all others the whole."""
    seen: Dict[str, List[bool]] = {}
    for name, image in images:
        hidden = not street.shows_secret(image) if name == CROPS else street.is_hidden(image)
        seen.setdefault(name, []).append(hidden)
    checks = [Check(f"the mask is black in: {name}", all(found), f"{sum(found)} of {len(found)} images") for name, found in seen.items()]
    return checks or [Check("the mask is black", False, "there is no image")]

"""From the float graph to one with a range for every tensor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convert import calibration, ranges
from convert.equalise import equalise
from convert.pictures import Picture
from convert.ranges import Range
from train.folded import Graph

METHOD = "mse"
PICTURES = 300


@dataclass(frozen=True, eq=False)
class Quantised:
    """A graph, a range for each of its tensors, and how they were found."""

    graph: Graph
    ranges: Mapping[str, Range]
    pictures: tuple[Picture, ...]
    method: str


def quantise(
    graph: Graph, pictures: Sequence[Picture], *, count: int = PICTURES, method: str = METHOD, progress: bool = False
) -> Quantised:
    """`graph` equalised, with ranges by `method` from at most `count` of `pictures`.

    Raises InputError where there are no pictures.
    """
    chosen = choose(pictures, count)
    seen = calibration.observe(graph, calibration.images(chosen, graph.size, progress))
    equal, seen = equalise(graph, seen)
    return Quantised(equal, ranges.choose(equal, seen, method), chosen, method)


def choose(pictures: Sequence[Picture], count: int) -> tuple[Picture, ...]:
    """At most `count` of `pictures`, spread over all of them by a hash of their ids, in their order."""
    drawn = sorted(pictures, key=lambda picture: hashlib.sha256(picture.id.encode()).digest())[:count]
    kept = {picture.id for picture in drawn}
    return tuple(picture for picture in pictures if picture.id in kept)

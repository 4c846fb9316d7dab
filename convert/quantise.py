"""From the float graph to one with a range for every tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convert.pictures import Picture
from train import calibration
from train.calibration import METHOD, PICTURES
from train.equalise import rescale
from train.folded import Graph
from train.quantisation import Range


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
    chosen = calibration.choose(pictures, count)
    inputs = calibration.images((picture.load for picture in chosen), graph.size, progress)
    found = calibration.calibrate(graph, inputs, method)
    return Quantised(rescale(graph, found.factors), found.ranges, chosen, method)

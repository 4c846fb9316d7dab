"""From the float graph to one with a range for every tensor and weights that int8 holds exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from convert import rounding
from convert.pictures import Picture
from train import calibration
from train.calibration import METHOD, PICTURES
from train.equalise import rescale
from train.folded import Graph
from train.quantisation import Range


@dataclass(frozen=True, eq=False)
class Quantised:
    """A graph with rounded kernels, a range for each of its tensors, and how they were found.

    `exact` is the graph before rounding, which computes what the float network does.
    """

    graph: Graph
    exact: Graph
    ranges: Mapping[str, Range]
    pictures: tuple[Picture, ...]
    method: str


def quantise(
    graph: Graph, pictures: Sequence[Picture], *, count: int = PICTURES, method: str = METHOD, progress: bool = False
) -> Quantised:
    """`graph` equalised and rounded, with ranges by `method` from at most `count` of `pictures`.

    Raises InputError where there are no pictures.
    """
    chosen = calibration.choose(pictures, count)
    found = calibration.calibrate(graph, _images(chosen, graph.size, progress), method)
    exact = rescale(graph, found.factors)
    few = np.concatenate(list(_images(calibration.choose(chosen, rounding.PICTURES), graph.size)))
    return Quantised(rounding.round_kernels(exact, found.ranges, few, progress), exact, found.ranges, chosen, method)


def _images(pictures: Sequence[Picture], size: int, progress: bool = False) -> Iterator[np.ndarray]:
    return calibration.images((picture.load for picture in pictures), size, progress)

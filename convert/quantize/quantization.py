"""From the float graph to one with a range for every tensor and weights that int8 holds exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from convert.evaluation.images import Image
from convert.quantize import gptq_rounding
from runtime.common.errors import InputError
from train.models.folding import Graph
from train.quantization import calibration, fake_quantization
from train.quantization.calibration import IMAGES, METHOD
from train.quantization.equalization import rescale
from train.quantization.quantization import Quantization, Range
from train.quantization.ranges import owners

# How ranges were found that training trained with.
TRAINED = "qat"


@dataclass(frozen=True, eq=False)
class Quantised:
    """A graph with rounded kernels, a range for each of its tensors, and how they were found: one of
    `ranges.METHODS` over `images`, or "qat".

    `exact` is the graph before rounding, which computes what the float network does.
    """

    graph: Graph
    exact: Graph
    ranges: Mapping[str, Range]
    images: tuple[Image, ...]
    method: str


def quantise(
    graph: Graph,
    images: Sequence[Image],
    *,
    count: int = IMAGES,
    method: str | None = None,
    trained: Quantization | None = None,
    progress: bool = False,
) -> Quantised:
    """`graph` equalised and rounded, with ranges by `method` from at most `count` of `images`.

    Where it was `trained` as int8 computes it and no `method` is named, ranges and rounding are those
    that it was trained with, and no image is looked at.

    Raises InputError where there are no images, or for ranges of another network.
    """
    if trained is not None and method is None:
        if set(trained.ranges) != set(owners(graph)):
            raise InputError("the run's quantisation.json does not belong to its network; train it again with --qat")
        exact = rescale(graph, trained.factors)
        return Quantised(fake_quantization.weights(exact).frozen(), exact, trained.ranges, (), TRAINED)
    method = method or METHOD
    chosen = calibration.choose(images, count)
    found = calibration.calibrate(graph, _images(chosen, graph.size, progress), method)
    exact = rescale(graph, found.factors)
    few = np.concatenate(list(_images(calibration.choose(chosen, gptq_rounding.IMAGES), graph.size)))
    return Quantised(gptq_rounding.round_kernels(exact, found.ranges, few, progress), exact, found.ranges, chosen, method)


def _images(images: Sequence[Image], size: int, progress: bool = False) -> Iterator[np.ndarray]:
    return calibration.images((image.load for image in images), size, progress)

"""Quantizes the float graph: a range for every tensor, and weights that int8 represents exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from convert.evaluation.images import Image
from convert.quantize import gptq_rounding
from runtime.common.errors import InputError
from train.geometry.size import InputSize
from train.graph.graph import Graph
from train.quantization import calibration, fake_quantization
from train.quantization.calibration import IMAGES, METHOD
from train.quantization.equalization import rescale
from train.quantization.quantization import Quantization, Range
from train.quantization.ranges import owners

# The method of ranges that quantization-aware training trained with.
TRAINED = "qat"


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized graph.

    `graph` has rounded kernels; `exact` is the graph before rounding, which computes the same as the float
    network. `ranges` has a range for each tensor, chosen by `method`: one of `METHODS`, calibrated on
    `images`, or "qat", where `images` is empty.
    """

    graph: Graph
    exact: Graph
    ranges: Mapping[str, Range]
    images: tuple[Image, ...]
    method: str


def quantize(
    graph: Graph,
    images: Sequence[Image],
    *,
    count: int = IMAGES,
    method: str | None = None,
    trained: Quantization | None = None,
    progress: bool = False,
) -> Quantized:
    """Equalizes and rounds `graph`, with ranges by `method` from at most `count` of `images`.

    `trained` is the quantization that a run of quantization-aware training trained with. It is used, and no
    image is loaded, unless a `method` is named. Raises InputError where there are no images, or where
    `trained` belongs to another network.
    """
    if trained is not None and method is None:
        if set(trained.ranges) != set(owners(graph)):
            raise InputError("the run's quantisation.json does not belong to its network; train it again with --qat")
        exact = rescale(graph, trained.factors)
        return Quantized(fake_quantization.weights(exact).frozen(), exact, trained.ranges, (), TRAINED)
    method = method or METHOD
    chosen = calibration.choose(images, count)
    calibrated = calibration.calibrate(graph, _images(chosen, graph.size, progress), method)
    exact = rescale(graph, calibrated.factors)
    few = _images(calibration.choose(chosen, gptq_rounding.IMAGES), graph.size)
    rounded = gptq_rounding.round_kernels(exact, calibrated.ranges, few, progress)
    return Quantized(rounded, exact, calibrated.ranges, chosen, method)


def _images(images: Sequence[Image], size: InputSize, progress: bool = False) -> Iterator[np.ndarray]:
    return calibration.images((image.load for image in images), size, progress)

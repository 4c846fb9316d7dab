"""Calibration: finds the quantization of a folded graph by running it on images."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

from runtime.common.errors import InputError
from runtime.inference import preprocessing
from train.geometry.size import InputSize
from train.graph.graph import Graph
from train.quantization import equalization, ranges
from train.quantization.activation_statistics import ActivationStatistics
from train.quantization.quantization import Quantization

METHOD = "mse"
IMAGES = 300

# Values sampled of each tensor and image. 300 images give 300,000 values per tensor, enough for the 99.99th percentile;
# the samples of 150 tensors need less than 200 MB.
_SAMPLE = 1024


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


_Image = TypeVar("_Image", bound=_WithId)


def calibrate(graph: Graph, inputs: Iterable[np.ndarray], method: str = METHOD) -> Quantization:
    """The quantization of `graph`: equalization factors, and ranges by `method` (one of `quantization.METHODS`).

    Each of `inputs` is float32 [1, height, width, 3] in -1..1. Raises InputError if there are none.
    """
    measured = collect_statistics(graph, inputs)
    factors = equalization.factors(graph, measured)
    carried = equalization.carried_factors(graph, factors)
    equalized = {
        name: statistics if (factor := carried[name]) is None else statistics.scaled(factor)
        for name, statistics in measured.items()
    }
    return Quantization(ranges.choose(graph, equalized, method), factors, method)


def choose(images: Sequence[_Image], count: int = IMAGES) -> tuple[_Image, ...]:
    """Selects at most `count` of `images`, pseudo-randomly by a hash of their ids, and keeps their order.

    Ids may occur more than once: those of files are their names, which may be the same in several folders.
    """
    drawn = sorted(range(len(images)), key=lambda index: hashlib.sha256(images[index].id.encode()).digest())[:count]
    return tuple(images[index] for index in sorted(drawn))


def images(
    loads: Iterable[Callable[[], np.ndarray]], size: InputSize, progress: bool = False
) -> Iterator[np.ndarray]:
    """Yields the preprocessed images, float32 [1, height, width, 3] in -1..1.

    Each of `loads` returns an image, uint8 [height, width, 3] in BGR. The preprocessing is that of the runtime, so that
    the ranges are those that occur in use. `progress` shows a progress bar.
    """
    for load in tqdm(list(loads), desc="calibrating", unit="image", disable=not progress, leave=False):
        yield preprocessing.normalize(preprocessing.resize(load(), size))[None]


def collect_statistics(graph: Graph, inputs: Iterable[np.ndarray]) -> dict[str, ActivationStatistics]:
    """Runs `graph` in float32 on `inputs` and returns the statistics of every tensor by the name of its node.

    Raises InputError if there are no inputs.
    """
    counts: dict[str, int] = {}

    def measure(image: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        measured = {}

        def hook(name: str, tensor: tf.Tensor) -> tf.Tensor:
            flat = tf.reshape(tensor, [-1])
            counts[name] = flat.shape[0]
            low, high = tf.reduce_min(tensor, axis=[0, 1, 2]), tf.reduce_max(tensor, axis=[0, 1, 2])
            measured[name] = (low, high, tf.gather(flat, _sampled_indices(name, flat.shape[0])))
            return tensor

        graph.run(image, hook)
        return measured

    signature = [tf.TensorSpec([1, *graph.size, 3], tf.float32)]
    step = tf.function(measure, input_signature=signature, autograph=False)
    lows: dict[str, np.ndarray] = {}
    highs: dict[str, np.ndarray] = {}
    samples: dict[str, list[np.ndarray]] = {}
    for image in inputs:
        for name, values in step(tf.constant(image)).items():
            low, high, sample = (value.numpy() for value in values)
            lows[name] = np.minimum(lows.get(name, low), low)
            highs[name] = np.maximum(highs.get(name, high), high)
            samples.setdefault(name, []).append(sample)
    if not samples:
        raise InputError("no images to calibrate with; int8 needs some that look like those of use")
    # Channels are the innermost axis, and the samples of all images have the same indices.
    channels = {name: _sampled_indices(name, counts[name]) % len(lows[name]) for name in lows}
    return {
        name: ActivationStatistics(lows[name], highs[name], np.concatenate(kept), np.tile(channels[name], len(kept)))
        for name, kept in samples.items()
    }


def _sampled_indices(name: str, count: int) -> np.ndarray:
    """Indices of the values to sample from `count`: pseudo-random, the same in every run."""
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    return draw.integers(0, count, _SAMPLE, dtype=np.int32) if count > _SAMPLE else np.arange(count, dtype=np.int32)

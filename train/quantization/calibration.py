"""From images like those of use to a quantisation of the folded graph."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from runtime.common.errors import InputError
from runtime.inference import preprocessing
from train.models.folding import Graph
from train.quantization import equalization, ranges
from train.quantization.activation_statistics import Observed
from train.quantization.quantization import Quantisation

METHOD = "mse"
IMAGES = 300

# Values kept of each tensor from each image: 300 images give 300,000, which shows a tail of one
# in 10,000, and 150 tensors of them stay under 200 MB.
_SAMPLE = 1024


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_Image = TypeVar("_Image", bound=_Named)


def calibrate(graph: Graph, inputs: Iterable[np.ndarray], method: str = METHOD) -> Quantisation:
    """Equalisation, and ranges by `method`, from float32 [1, size, size, 3] in -1..1 each.

    Raises InputError where there are no inputs.
    """
    seen = observe(graph, inputs)
    factors = equalization.factors(graph, seen)
    seen = {name: tensor.scaled(factors[name]) if name in factors else tensor for name, tensor in seen.items()}
    return Quantisation(ranges.choose(graph, seen, method), factors, method)


def choose(images: Sequence[_Image], count: int = IMAGES) -> tuple[_Image, ...]:
    """At most `count` of `images`, spread over all of them by a hash of their ids, in their order."""
    drawn = sorted(images, key=lambda image: hashlib.sha256(image.id.encode()).digest())[:count]
    kept = {image.id for image in drawn}
    return tuple(image for image in images if image.id in kept)


def images(
    loads: Iterable[Callable[[], np.ndarray]], size: int, progress: bool = False
) -> Iterator[np.ndarray]:
    """Images as the float file takes them: float32 [1, size, size, 3] in -1..1.

    Each of `loads` gives uint8 [height, width, 3] in BGR. The pixels pass the runtime's own
    preprocessing, so that ranges are those of use.
    """
    for load in tqdm(list(loads), desc="calibrating", unit="image", disable=not progress, leave=False):
        yield preprocessing.normalize(preprocessing.resize(load(), size))[None]


def observe(graph: Graph, inputs: Iterable[np.ndarray]) -> dict[str, Observed]:
    """Runs `graph` in float on `inputs` and says what each tensor held, by the name of its node."""
    counts: dict[str, int] = {}

    @tf.function(input_signature=[tf.TensorSpec([1, graph.size, graph.size, 3], tf.float32)], autograph=False)
    def step(image):
        seen = {}

        def look(name, tensor):
            flat = tf.reshape(tensor, [-1])
            counts[name] = flat.shape[0]
            low, high = tf.reduce_min(tensor, axis=[0, 1, 2]), tf.reduce_max(tensor, axis=[0, 1, 2])
            seen[name] = (low, high, tf.gather(flat, _places(name, flat.shape[0])))
            return tensor

        graph.run(image, look)
        return seen

    lows, highs, samples = {}, {}, {}
    for image in inputs:
        for name, values in step(tf.constant(image)).items():
            low, high, sample = (value.numpy() for value in values)
            lows[name] = np.minimum(lows.get(name, low), low)
            highs[name] = np.maximum(highs.get(name, high), high)
            samples.setdefault(name, []).append(sample)
    if not samples:
        raise InputError("no images to calibrate with; int8 needs some that look like those of use")
    # Channels are the innermost axis, and each image's sample is of the same places.
    channels = {name: _places(name, counts[name]) % len(lows[name]) for name in lows}
    return {
        name: Observed(lows[name], highs[name], np.concatenate(kept), np.tile(channels[name], len(kept)))
        for name, kept in samples.items()
    }


def _places(name: str, count: int) -> np.ndarray:
    """Which of `count` values are kept: drawn at random, but the same in every run."""
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    return draw.integers(0, count, _SAMPLE, dtype=np.int32) if count > _SAMPLE else np.arange(count, dtype=np.int32)

"""What the network's tensors hold on the representative dataset."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from convert.pictures import Picture
from runtime import preprocess
from runtime.errors import InputError
from train.folded import Graph

# Values kept of each tensor from each picture: 300 pictures give 300,000, which shows a tail of one
# in 10,000, and 150 tensors of them stay under 200 MB.
_SAMPLE = 1024


@dataclass(frozen=True, eq=False)
class Observed:
    """One tensor over all pictures.

    `lows` and `highs` [C] are the least and greatest value of each channel; `sample` holds values
    drawn at random, and `channels` the channel of each.
    """

    lows: np.ndarray
    highs: np.ndarray
    sample: np.ndarray
    channels: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """The greatest absolute value of each channel, [C]."""
        return np.maximum(np.abs(self.lows), np.abs(self.highs))

    def scaled(self, factor: np.ndarray) -> Observed:
        """What would have been seen, had each channel been multiplied by its positive `factor` [C]."""
        return Observed(self.lows * factor, self.highs * factor, self.sample * factor[self.channels], self.channels)


def images(pictures: Iterable[Picture], size: int, progress: bool = False) -> Iterator[np.ndarray]:
    """Each picture as the float file takes it: float32 [1, size, size, 3] in -1..1.

    The pixels pass the runtime's own preprocessing, so that ranges are those of use.
    """
    for picture in tqdm(list(pictures), desc="calibrating", unit="picture", disable=not progress, leave=False):
        yield preprocess.normalise(preprocess.resize(picture.load(), size))[None]


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
        raise InputError("no pictures to calibrate with; int8 needs some that look like those of use")
    # Channels are the innermost axis, and each picture's sample is of the same places.
    channels = {name: _places(name, counts[name]) % len(lows[name]) for name in lows}
    return {
        name: Observed(lows[name], highs[name], np.concatenate(kept), np.tile(channels[name], len(kept)))
        for name, kept in samples.items()
    }


def _places(name: str, count: int) -> np.ndarray:
    """Which of `count` values are kept: drawn at random, but the same in every run."""
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    return draw.integers(0, count, _SAMPLE, dtype=np.int32) if count > _SAMPLE else np.arange(count, dtype=np.int32)

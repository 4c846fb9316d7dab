"""Settings of augmentation, and the random seeds of its steps."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Augmentation:
    """Which augmentations are applied besides crop and flip.

    `photometric` varies brightness, contrast and saturation. `mosaic` and `expand` are probabilities (see
    `mosaic.compose` and `zoom.factor`). `scale_jitter` is the relative range of scales (see `zoom.factor`).
    """

    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0

    @property
    def zooms(self) -> bool:
        """Whether images are shown at other scales."""
        return self.scale_jitter > 0.0 or self.expand > 0.0


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """`count` independent seeds, made from `seed` of two integers."""
    seeds: list[tf.Tensor] = tf.unstack(tf.random.experimental.stateless_split(seed, count))
    return seeds

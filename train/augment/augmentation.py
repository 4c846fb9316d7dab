"""Settings of augmentation, and the random seeds of its steps."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from runtime.boxes.tiles import Tiles


@dataclass(frozen=True)
class Augmentation:
    """Which augmentations are applied besides crop and flip.

    `photometric` varies brightness, contrast and saturation. `mosaic` and `expand` are probabilities (see
    `mosaic.compose` and `zoom.factor`), and so are `blur`, `vflip` and `rotate` (see `blur.blur`, `orientation.vflip`
    and `orientation.rotate`). `scale_jitter` is the relative range of scales (see `zoom.factor`), `hue` that of hues
    (see `photometric.hue`). `tiles` are those of which an image is shown one at a time (see `tiles.draw`).
    """

    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0
    hue: float = 0.0
    blur: float = 0.0
    vflip: float = 0.0
    rotate: float = 0.0
    tiles: Tiles | None = None

    @property
    def zooms(self) -> bool:
        """Whether images are shown at other scales."""
        return self.scale_jitter > 0.0 or self.expand > 0.0


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """`count` independent seeds, made from `seed` of two integers."""
    seeds: list[tf.Tensor] = tf.unstack(tf.random.experimental.stateless_split(seed, count))
    return seeds


def more(seed: tf.Tensor, number: int) -> tf.Tensor:
    """Another seed, made from `seed` and `number`, and independent of those that `split` makes of `seed`."""
    return tf.random.experimental.stateless_fold_in(seed, number)

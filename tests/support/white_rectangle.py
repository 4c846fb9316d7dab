"""An image with one white rectangle, to check that boxes follow their pixels."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

HEIGHT, WIDTH = 120, 200
# Rows 30 to 70, columns 20 to 120.
BOX = (30 / HEIGHT, 20 / WIDTH, 70 / HEIGHT, 120 / WIDTH)


def seed(number: int) -> tf.Tensor:
    return tf.constant([7, number], tf.int32)


def image() -> np.ndarray:
    """uint8 [120, 200, 3]: dark noise with the rectangle `BOX` in white."""
    noise = np.random.default_rng(0).integers(0, 100, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    noise[30:70, 20:120] = 255
    return noise

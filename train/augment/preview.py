"""Augmented training images with their boxes, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from train.geometry.size import InputSize
from train.network.network import Network

# Boxes that are decoded from several anchors differ in the last bits only.
_DIGITS = 4


def samples(
    batches: tf.data.Dataset, count: int, network: Network, size: InputSize
) -> Iterator[tuple[np.ndarray, list[tuple[int, np.ndarray]]]]:
    """The first `count` images of `batches`, which are those of `inputs.training`, and what is trained on them.

    Each is an image, uint8 [height, width, 3] RGB, and its boxes: class from 1, and (ymin, xmin, ymax, xmax) float32 [4]
    in pixels. Boxes are those that the targets train.
    """
    trained = network.trained_boxes(size)
    for image, targets in batches.unbatch().take(count).as_numpy_iterator():
        classes, boxes = (tensor.numpy() for tensor in trained(targets))
        rows = {
            (int(number), tuple(np.round(box, _DIGITS).tolist())): box * np.array([*size, *size], np.float32)
            for number, box in zip(classes, boxes)
        }
        pixels = np.clip(np.rint((image + 1.0) * 127.5), 0, 255).astype(np.uint8)
        yield pixels, [(number, box) for (number, _), box in rows.items()]

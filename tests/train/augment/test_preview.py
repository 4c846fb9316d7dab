"""Augmented images to look at: their boxes are those that training learns from."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.support import detector_320
from tests.support.anchors import anchors
from train.augment import preview
from train.geometry.size import InputSize
from train.targets import matching
from train.targets.matching import Rule


def test_images_come_back_with_their_boxes_once_each():
    boxes = [(0.1, 0.2, 0.5, 0.6), (0.3, 0.3, 0.9, 0.95)]
    levels = [[0.0, 127.0, 255.0], [30.0, 60.0, 90.0]]
    images = np.stack([np.broadcast_to(np.array(level, np.float32), (320, 320, 3)) for level in levels]) / 127.5 - 1
    made = [
        matching.match(tf.constant(given), tf.constant(classes), tf.constant(anchors(320)), Rule())
        for given, classes in ((boxes, [2, 1]), (boxes[:1], [3]))
    ]
    codes, classes = (tf.stack(parts) for parts in zip(*made))
    batches = tf.data.Dataset.from_tensors((images, {"codes": codes, "classes": classes})).repeat()

    (first, found), (second, other), _ = preview.samples(batches, 3, detector_320.NETWORK, detector_320.SIZE)
    assert first.dtype == np.uint8 and first[7, 9].tolist() == levels[0] and second[0, 0].tolist() == levels[1]
    assert sorted(number for number, _ in found) == [1, 2] and [number for number, _ in other] == [3]
    by_class = dict(found)
    np.testing.assert_allclose(by_class[2], np.array(boxes[0]) * 320, atol=0.01)
    np.testing.assert_allclose(by_class[1], np.array(boxes[1]) * 320, atol=0.01)


def test_boxes_lie_where_they_are_in_an_image_that_is_not_square():
    size, box = InputSize(96, 160), (0.25, 0.5, 0.75, 0.8)
    table = tf.constant(anchors("96x160"))
    codes, classes = matching.match(tf.constant([box]), tf.constant([2]), table, Rule())
    targets = {"codes": codes[None], "classes": classes[None]}
    batches = tf.data.Dataset.from_tensors((tf.zeros([1, *size, 3]), targets))
    ((image, found),) = preview.samples(batches, 1, detector_320.NETWORK, size)
    assert image.shape == (*size, 3)
    ((number, pixels),) = found
    assert number == 2
    np.testing.assert_allclose(pixels, (24, 80, 72, 128), atol=0.01)

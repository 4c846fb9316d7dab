"""Images for TensorBoard."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from train.loggers import tensorboard


def test_images_are_in_a_folder_of_their_own_by_step(tmp_path):
    logger = tensorboard.connect()
    logger.started({}, tmp_path)
    images = [np.full((4, 6, 3), 200, np.uint8), np.full((8, 5, 3), 10, np.uint8)]
    for step in (3, 7):
        logger.images(step, "validation/detections", images)
    logger.finished(None)
    (file,) = (tmp_path / "images").iterdir()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        for value in event.summary.value:
            *_, encoded = tf.make_ndarray(value.tensor)
            found[value.tag, event.step] = tf.io.decode_png(encoded).numpy()
    assert set(found) == {(f"validation/detections/{number}", step) for number in (0, 1) for step in (3, 7)}
    for number, image in enumerate(images):
        np.testing.assert_array_equal(found[f"validation/detections/{number}", 7], image)

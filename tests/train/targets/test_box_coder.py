"""Box coder: codes computed by hand, and the round trip."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.support import detector_320
from tests.support.anchors import anchors
from train.targets import box_coder


def test_codes_computed_by_hand():
    # Anchor: centre (0.5, 0.4), 0.2 high, 0.1 wide. Box: centre (0.6, 0.35), 0.4 high, 0.05 wide.
    codes = box_coder.encode(tf.constant([0.4, 0.325, 0.8, 0.375]), tf.constant([0.5, 0.4, 0.2, 0.1]))
    np.testing.assert_allclose(codes, [5.0, -5.0, 5 * np.log(2), -5 * np.log(2)], rtol=1e-5)


def test_a_box_that_is_its_anchor_has_the_code_zero():
    np.testing.assert_allclose(box_coder.encode([0.4, 0.35, 0.6, 0.45], [0.5, 0.4, 0.2, 0.1]), np.zeros(4), atol=1e-5)


def test_encode_and_decode_round_trip():
    rng = np.random.default_rng(0)
    table = anchors(320)[::37]
    low = rng.uniform(-0.1, 0.8, (2, len(table), 2))
    boxes = np.concatenate([low, low + rng.uniform(0.01, 0.5, low.shape)], axis=-1).astype(np.float32)
    np.testing.assert_allclose(box_coder.decode(box_coder.encode(boxes, table), table), boxes, atol=1e-5)


def test_a_box_without_area_has_finite_codes():
    assert np.isfinite(box_coder.encode([0.4, 0.4, 0.4, 0.4], [0.5, 0.4, 0.2, 0.1])).all()

"""Losses against their formulas written out in numpy."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.support import detector_320
from train.targets import losses

RNG = np.random.default_rng(0)


def focal(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return np.where(targets == 1, -0.25 * (1 - p) ** 2 * np.log(p), -0.75 * p**2 * np.log(1 - p))


def huber(errors: np.ndarray) -> np.ndarray:
    size = np.abs(errors)
    return np.where(size <= 1, size**2 / 2, size - 0.5)


def test_focal_and_huber_are_their_formulas():
    logits = RNG.normal(0, 3, (5, 7)).astype(np.float32)
    targets = RNG.integers(0, 2, (5, 7)).astype(np.float32)
    np.testing.assert_allclose(losses.focal_loss(logits, targets), focal(logits, targets), rtol=1e-4)
    errors = np.array([-3, -1, -0.5, 0, 0.25, 1, 2], np.float32)
    np.testing.assert_allclose(losses.huber_loss(errors), [2.5, 0.5, 0.125, 0, 0.03125, 0.5, 1.5])


def test_both_are_divided_by_the_positives_of_the_batch():
    codes, target_codes = RNG.normal(0, 2, (2, 2, 6, 4)).astype(np.float32)
    logits = RNG.normal(0, 2, (2, 6, 4)).astype(np.float32)
    classes = np.array([[0, 2, 0, 0, 3, 0], [1, 0, 0, 0, 0, 0]], np.int32)
    one_hot = np.zeros((2, 6, 4))
    for image, anchor in zip(*np.nonzero(classes)):
        one_hot[image, anchor, classes[image, anchor]] = 1
    class_loss, box_loss = losses.detection_losses(codes, logits, target_codes, classes)
    np.testing.assert_allclose(class_loss, focal(logits, one_hot).sum() / 3, rtol=1e-5)
    expected = huber(codes - target_codes)[classes > 0].sum() / (3 * 4)
    np.testing.assert_allclose(box_loss, expected, rtol=1e-5)


def test_a_part_of_a_batch_is_divided_by_the_positives_of_the_whole():
    codes, logits = RNG.normal(0, 2, (2, 3, 4)).astype(np.float32), RNG.normal(0, 2, (2, 3, 3)).astype(np.float32)
    classes = np.array([[0, 2, 1], [1, 0, 0]], np.int32)
    assert float(losses.positive_anchors(classes)) == 3.0
    whole = losses.detection_losses(codes, logits, 0 * codes, classes)
    parts = [
        losses.detection_losses(codes[[i]], logits[[i]], 0 * codes[[i]], classes[[i]], losses.positive_anchors(classes))
        for i in range(2)
    ]
    np.testing.assert_allclose(np.sum(parts, axis=0), whole, rtol=1e-5)
    # A part without positives, and a batch without.
    few = losses.detection_losses(codes, logits, codes, 0 * classes, tf.constant(0.0))
    np.testing.assert_allclose(few[0], focal(logits, 0 * logits).sum(), rtol=1e-5)


def test_without_positives_there_is_a_class_loss_and_no_box_loss():
    logits = np.full((1, 3, 2), -4.6, np.float32)
    codes = np.ones((1, 3, 4), np.float32)
    class_loss, box_loss = losses.detection_losses(codes, logits, 0 * codes, np.zeros((1, 3), np.int32))
    np.testing.assert_allclose(class_loss, focal(logits, 0 * logits).sum(), rtol=1e-5)
    assert box_loss == 0


def test_gradients_are_finite_for_extreme_logits():
    logits = tf.constant([[-1e4, -100.0, -30.0, 0.0, 30.0, 100.0, 1e4]] * 2)
    targets = tf.constant([[0.0] * 7, [1.0] * 7])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.focal_loss(logits, targets)
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(loss).all() and np.isfinite(gradient).all()
    # Wrong and sure: the loss grows by its weight for each unit of the logit.
    np.testing.assert_allclose(gradient[0, -1], 0.75)
    np.testing.assert_allclose(gradient[1, 0], -0.25)


def test_class_weights_count_for_the_anchors_of_their_class_only():
    logits = RNG.normal(0, 2, (2, 4, 4)).astype(np.float32)
    codes = np.zeros((2, 4, 4), np.float32)
    classes = np.array([[0, 2, 3, 0], [1, 0, 0, 2]], np.int32)
    one_hot = np.eye(4)[classes] * (classes > 0)[..., None]
    by_anchor = focal(logits, one_hot).sum(axis=-1)
    weights = (2.0, 0.5, 3.0)
    expected = (by_anchor * np.array([1.0, *weights])[classes]).sum() / 4
    class_loss, box_loss = losses.detection_losses(codes, logits, codes + 1, classes, class_weights=weights)
    np.testing.assert_allclose(class_loss, expected, rtol=1e-5)
    assert box_loss == losses.detection_losses(codes, logits, codes + 1, classes)[1]


def test_smoothing_is_in_the_cross_entropy_only():
    """Its formula in numpy, as in EfficientDet's code."""
    logits = RNG.normal(0, 3, (5, 7)).astype(np.float32)
    targets = RNG.integers(0, 2, (5, 7)).astype(np.float32)
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    right = np.where(targets == 1, p, 1 - p)
    smooth = targets * (1 - 0.2) + 0.5 * 0.2
    cross_entropy = -smooth * np.log(p) - (1 - smooth) * np.log(1 - p)
    expected = np.where(targets == 1, 0.25, 0.75) * (1 - right) ** 2 * cross_entropy
    np.testing.assert_allclose(losses.focal_loss(logits, targets, 0.2), expected, rtol=1e-4)
    codes, classes = np.zeros((1, 5, 4), np.float32), np.array([[0, 1, 2, 0, 6]], np.int32)
    plain, smoothed = (losses.detection_losses(codes, logits[None], codes, classes, smoothing=s)[0] for s in (0.0, 0.2))
    one_hot = np.eye(7, dtype=np.float32)[classes] * (classes > 0)[..., None]
    np.testing.assert_allclose(smoothed, tf.reduce_sum(losses.focal_loss(logits[None], one_hot, 0.2)) / 3, rtol=1e-5)
    assert smoothed != plain

"""Quality focal loss, GIoU loss and distribution focal loss, against numbers worked out by hand or by NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from train.targets import distribution, generalized_focal
from train.targets.dynamic_soft_labels import Assignment


def test_quality_focal_loss_is_least_at_its_target() -> None:
    logits = tf.constant(np.linspace(-4, 4, 81), tf.float32)
    target = 0.7
    score = 1 / (1 + np.exp(-logits.numpy()))
    expected = -(target * np.log(score) + (1 - target) * np.log(1 - score)) * (target - score) ** 2
    found = generalized_focal.quality_focal_loss(logits, tf.fill([81], target)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert abs(score[found.argmin()] - target) < 0.02


@pytest.mark.parametrize(
    ("box", "other", "expected"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0),
        ([0, 0, 10, 10], [0, 5, 10, 15], 50 / 150),
        # Side by side with a gap of 10: no overlap, a third of the hull is empty.
        ([0, 0, 10, 10], [0, 20, 10, 30], -100 / 300),
    ],
)
def test_generalized_iou(box: list[float], other: list[float], expected: float) -> None:
    found = generalized_focal.generalized_iou(tf.constant(box, tf.float32), tf.constant(other, tf.float32))
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_distribution_focal_loss_asks_for_the_bins_on_both_sides() -> None:
    logits = np.random.default_rng(0).normal(size=8).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum()
    found = generalized_focal.distribution_focal_loss(tf.constant(logits), tf.constant(2.25))
    assert float(found) == pytest.approx(-0.75 * math.log(shares[2]) - 0.25 * math.log(shares[3]), rel=1e-5)


def drawn(positives: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Assignment]:
    draw = np.random.default_rng(0)
    points = np.array([[8 * y, 8 * x, 8, 8] for y in range(4) for x in range(4)], np.float32)
    logits = draw.normal(-2, 1, (2, 16, 3)).astype(np.float32)
    codes = draw.normal(size=(2, 16, 32)).astype(np.float32)
    classes = np.zeros((2, 16), np.int32)
    classes[1, :positives] = [1, 3, 3, 2][:positives]
    positive = classes > 0
    boxes = np.where(positive[..., None], [[[-90.0, -3.0, 28.0, 17.0]]], 0).astype(np.float32)
    quality = np.where(positive, 0.6, 0).astype(np.float32)
    return tf.constant(logits), tf.constant(codes), tf.constant(points), Assignment(*map(tf.constant, (boxes, classes, quality)))


def test_the_losses_of_a_batch() -> None:
    logits, codes, points, assigned = drawn(4)
    found = generalized_focal.losses(logits, codes, points, assigned)
    scores = 1 / (1 + np.exp(-logits.numpy()))
    targets = np.zeros(logits.shape)
    for place, number in enumerate([1, 3, 3, 2]):
        targets[1, place, number - 1] = 0.6
    entropy = -(targets * np.log(scores) + (1 - targets) * np.log(1 - scores))
    assert float(found.quality) == pytest.approx((entropy * (targets - scores) ** 2).sum() / 4, rel=1e-5)

    weights = scores[1, :4].max(axis=1)
    least = max(1.0, weights.sum())
    boxes = distribution.boxes(codes, points, 8)[1, :4]
    gious = generalized_focal.generalized_iou(boxes, assigned.boxes[1, :4]).numpy()
    assert float(found.giou) == pytest.approx(2 * (weights * (1 - gious)).sum() / least, rel=1e-5)
    total = 0.0
    for place in range(4):
        y, x = points[place, :2].numpy()
        # 90 pixels above the first row: more than the last bin of 7 strides, so it is cut to 6.9.
        sides = np.clip([(x + 3) / 8, (y + 90) / 8, (17 - x) / 8, (28 - y) / 8], 0, 6.9)
        by_side = codes[1, place].numpy().reshape(4, 8)
        total += weights[place] * sum(
            float(generalized_focal.distribution_focal_loss(tf.constant(row), tf.constant(side, tf.float32)))
            for row, side in zip(by_side, sides)
        )
    assert float(found.distribution) == pytest.approx(0.25 * total / (4 * least), rel=1e-5)


def test_without_boxes_only_the_background_counts_and_nothing_is_undefined() -> None:
    logits, codes, points, assigned = drawn(0)
    with tf.GradientTape() as tape:
        tape.watch((logits, codes))
        found = generalized_focal.losses(logits, codes, points, assigned)
        total = tf.add_n(found)
    assert float(found.quality) > 0
    assert float(found.giou) == float(found.distribution) == 0
    gradients = tape.gradient(total, (logits, codes))
    assert all(np.isfinite(gradient.numpy()).all() for gradient in gradients if gradient is not None)


def test_class_weights_count_for_positive_points_of_the_class() -> None:
    logits, codes, points, assigned = drawn(2)
    plain = generalized_focal.losses(logits, codes, points, assigned)
    weighted = generalized_focal.losses(logits, codes, points, assigned, class_weights=(1.0, 9.0, 1.0))
    doubled = generalized_focal.losses(logits, codes, points, assigned, class_weights=(3.0, 1.0, 1.0))
    assert float(weighted.quality) == pytest.approx(float(plain.quality), rel=1e-6)
    assert float(doubled.quality) > float(plain.quality)


def test_the_losses_of_two_replicas_add_up_to_those_of_the_batch() -> None:
    logits, codes, points, assigned = drawn(4)
    whole = generalized_focal.losses(logits, codes, points, assigned)
    # Each replica has one image; the sums are those of the batch: four positives and their scores.
    sums = iter([4.0, float(tf.reduce_sum(tf.reduce_max(tf.sigmoid(logits[1, :4]), axis=-1)))] * 2)
    parts = [
        generalized_focal.losses(
            logits[i : i + 1],
            codes[i : i + 1],
            points,
            Assignment(*(tensor[i : i + 1] for tensor in assigned)),
            total=lambda _: next(sums),
        )
        for i in range(2)
    ]
    for one, other, both in zip(*parts, whole):
        assert float(one + other) == pytest.approx(float(both), rel=1e-5)

"""Dynamic soft label assignment, against a second implementation that goes box by box."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from train.targets import dynamic_soft_labels
from train.targets.dynamic_soft_labels import MOST_BOXES, Assignment


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def iou(box: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    if (sides <= 0).any():
        return 0.0
    shared = sides.prod()
    return float(shared / ((box[2:] - box[:2]).prod() + (other[2:] - other[:2]).prod() - shared))


def reference(
    logits: np.ndarray, predicted: np.ndarray, points: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The box of each point, -1 for none, and the quality, for one image without rows that fill up."""
    owner, quality = np.full(len(points), -1), np.zeros(len(points))
    inside = [any((p[:2] > b[:2]).all() and (p[:2] < b[2:]).all() for b in boxes) for p in points]
    candidates = np.flatnonzero(inside)
    if not len(candidates):
        return owner, quality
    ious = np.array([[iou(boxes[g], predicted[a]) for g in range(len(boxes))] for a in candidates])
    costs = np.empty_like(ious)
    for i, a in enumerate(candidates):
        for g, number in enumerate(classes):
            soft = np.zeros(logits.shape[1])
            soft[number - 1] = ious[i, g]
            score = sigmoid(logits[a])
            entropy = -(soft * np.log(score) + (1 - soft) * np.log(1 - score))
            costs[i, g] = (entropy * np.abs(soft - score) ** 2).sum() - 3 * np.log(ious[i, g] + 1e-7)
    taken = np.zeros(ious.shape, bool)
    for g in range(len(boxes)):
        count = max(1, int(np.sort(ious[:, g])[::-1][:13].sum()))
        taken[np.argsort(costs[:, g], kind="stable")[:count], g] = True
    for i, a in enumerate(candidates):
        if taken[i].any():
            owner[a] = costs[i].argmin() if taken[i].sum() > 1 else taken[i].argmax()
            quality[a] = ious[i, owner[a]]
    return owner, quality


def drawn(seed: int, boxes: int, points: int = 144, classes: int = 3) -> tuple[np.ndarray, ...]:
    """Predictions, points on a grid of 96 pixels, boxes and their classes; predictions are near the boxes."""
    draw = np.random.default_rng(seed)
    side = int(points**0.5)
    ys, xs = np.divmod(np.arange(points), side)
    table = np.stack([ys * 8, xs * 8, np.full(points, 8), np.full(points, 8)], 1).astype(np.float32)
    corners = draw.uniform(0, 60, (boxes, 2))
    labelled = np.concatenate([corners, corners + draw.uniform(9, 36, (boxes, 2))], 1).astype(np.float32)
    which = draw.integers(0, max(boxes, 1), points)
    predicted = draw.normal(0, 4, (points, 4)) + (labelled[which] if boxes else 0)
    predicted[:, 2:] = np.maximum(predicted[:, 2:], predicted[:, :2] + 1)
    logits = draw.normal(-1, 2, (points, classes)).astype(np.float32)
    return logits, predicted.astype(np.float32), table, labelled, draw.integers(1, classes + 1, boxes).astype(np.int32)


def assigned(images: list[tuple[np.ndarray, ...]], filled: int) -> Assignment:
    boxes = np.zeros((len(images), filled, 4), np.float32)
    classes = np.zeros((len(images), filled), np.int32)
    for row, (_, _, _, labelled, numbers) in enumerate(images):
        boxes[row, : len(numbers)], classes[row, : len(numbers)] = labelled, numbers
    logits, predicted = (np.stack([image[i] for image in images]) for i in (0, 1))
    found = tf.function(dynamic_soft_labels.assign)(logits, predicted, images[0][2], boxes, classes)
    return Assignment(*(tensor.numpy() for tensor in found))


def test_a_batch_is_assigned_as_box_by_box() -> None:
    images = [drawn(seed, boxes) for seed, boxes in ((0, 1), (1, 6), (2, 0), (3, 12))]
    found = assigned(images, 14)
    positives = 0
    for row, (logits, predicted, points, boxes, classes) in enumerate(images):
        owner, quality = reference(logits, predicted, points, boxes, classes)
        positive = owner >= 0
        positives += positive.sum()
        np.testing.assert_array_equal(found.classes[row] > 0, positive)
        np.testing.assert_array_equal(found.classes[row][positive], classes[owner[positive]])
        np.testing.assert_array_equal(found.boxes[row][positive], boxes[owner[positive]])
        np.testing.assert_array_equal(found.boxes[row][~positive], 0)
        np.testing.assert_allclose(found.quality[row], quality, atol=1e-5)
    # More than one point a box, and points that several boxes want: else the test shows little.
    assert positives > 2 * sum(len(image[4]) for image in images)


def test_a_box_between_all_points_takes_none() -> None:
    logits, predicted, points, boxes, classes = drawn(0, 1)
    boxes[:] = [1, 1, 7, 7]
    assert not assigned([(logits, predicted, points, boxes, classes)], 2).classes.any()


def test_gradients_do_not_pass() -> None:
    logits, predicted, points, boxes, classes = drawn(1, 4)
    given = tf.constant(logits[None]), tf.constant(predicted[None])
    with tf.GradientTape() as tape:
        tape.watch(given)
        quality = dynamic_soft_labels.assign(*given, points, boxes[None], classes[None]).quality
    assert tape.gradient(quality, given) == (None, None)


def test_targets_of_an_image_are_filled_up_and_cut_back() -> None:
    boxes, classes = tf.random.uniform([5, 4]), tf.constant([1, 2, 3, 1, 2])
    targets = dynamic_soft_labels.padded(boxes, classes)
    assert targets["boxes"].shape == (MOST_BOXES, 4)
    numbers, real = dynamic_soft_labels.unpadded(targets)
    np.testing.assert_array_equal(real, boxes)
    np.testing.assert_array_equal(numbers, classes)
    other = dynamic_soft_labels.padded(boxes[:2], classes[:2])
    batch = {name: tf.stack([targets[name], other[name]]) for name in targets}
    cut, cut_classes = dynamic_soft_labels.fullest(batch)
    assert cut.shape == (2, 5, 4)
    np.testing.assert_array_equal(cut_classes, [[1, 2, 3, 1, 2], [1, 2, 0, 0, 0]])
    many = dynamic_soft_labels.padded(tf.zeros([MOST_BOXES + 9, 4]), tf.ones([MOST_BOXES + 9], tf.int32))
    assert int(tf.reduce_sum(many["classes"])) == MOST_BOXES

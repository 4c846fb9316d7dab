"""Post-processing of hand-made network outputs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from runtime.common.values import Box, Labels
from tests.support import detector_320
from train.targets import box_coder, postprocessing

# Two anchors that nearly coincide, one elsewhere, one half outside the image.
BOXES = np.array([(0.1, 0.1, 0.5, 0.5), (0.1, 0.12, 0.5, 0.5), (0.6, 0.6, 0.8, 0.8), (0.7, -0.2, 1.3, 0.2)], np.float32)
ANCHORS = np.array([(0.5, 0.5, 0.2, 0.2)] * 4, np.float32)
NEVER = -60.0


def head(table: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(anchors=table, scales=box_coder.SCALES, bins=0)


def found(logits) -> postprocessing.BatchDetections:
    codes = box_coder.encode(tf.constant(BOXES), tf.constant(ANCHORS))[None]
    result = postprocessing.detections(codes, tf.constant([logits], tf.float32), head(ANCHORS))
    count = int(result.count[0])
    return postprocessing.BatchDetections(*(part.numpy()[0, :count] for part in result[:3]), count)


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))


def test_of_two_overlapping_boxes_the_higher_score_stays():
    result = found([(1, NEVER), (2, NEVER), (0, NEVER), (NEVER, NEVER)])
    assert result.count == 2
    np.testing.assert_allclose(result.scores, [sigmoid(2), sigmoid(0)], rtol=1e-5)
    np.testing.assert_allclose(result.boxes, BOXES[[1, 2]], atol=1e-5)


def test_classes_do_not_suppress_each_other():
    result = found([(1, NEVER), (NEVER, 2), (NEVER, NEVER), (NEVER, NEVER)])
    assert result.classes.tolist() == [1, 0]


def test_boxes_end_at_the_image():
    result = found([(NEVER, NEVER)] * 3 + [(1, NEVER)])
    np.testing.assert_allclose(result.boxes, [(0.7, 0.0, 1.0, 0.2)], atol=1e-5)


@pytest.mark.parametrize(("logit", "count"), [(-18, 1), (-19, 0)])
def test_the_published_score_threshold(logit, count):
    # sigmoid(-18) is 1.5e-8, sigmoid(-19) is 0.6e-8.
    assert found([(logit, NEVER)] + [(NEVER, NEVER)] * 3).count == count


def test_at_most_a_hundred():
    table = np.stack(np.meshgrid(np.arange(15), np.arange(15)), axis=-1).reshape(-1, 2) / 15 + 0.03
    table = np.concatenate([table, np.full_like(table, 0.05)], axis=1).astype(np.float32)
    logits = np.linspace(0, 3, len(table))[:, None]
    result = postprocessing.detections(
        tf.zeros([1, len(table), 4]), tf.constant(logits[None], tf.float32), head(table)
    )
    assert result.count.numpy().tolist() == [100]
    np.testing.assert_allclose(result.scores[0, 0], sigmoid(3), rtol=1e-5)


# Large boxes suppress each other, so that all anchors have to be looked at.
@pytest.mark.parametrize(("side", "looked_at"), [(0.05, [1000]), (3.0, [1000, 4000])])
def test_the_best_anchors_give_the_detections_of_all(side, looked_at, monkeypatch):
    rng = np.random.default_rng(0)
    sides = np.full((4000, 2), side)
    anchors = head(np.concatenate([rng.random((4000, 2)), sides], axis=1).astype(np.float32))
    codes, logits = tf.zeros([2, 4000, 4]), tf.constant(rng.normal(-4, 1.5, (2, 4000, 3)), tf.float32)
    numbers, nms = [], postprocessing._nms
    monkeypatch.setattr(postprocessing, "_nms", lambda *given: numbers.append(given[0].shape[1]) or nms(*given))

    some = postprocessing.detections(codes, logits, anchors)
    assert numbers == looked_at
    monkeypatch.setattr(postprocessing, "_ANCHORS", ())
    for ours, all_anchors in zip(some, postprocessing.detections(codes, logits, anchors)):
        np.testing.assert_array_equal(ours, all_anchors)


def test_arrays_are_converted_to_pixels():
    boxes = np.array([(0.25, 0.1, 0.5, 0.9)], np.float32)
    (detection,) = postprocessing.to_detections(boxes, np.array([0.75]), np.array([1]), 200, 100, Labels(("cat", "dog")))
    assert (detection.label, detection.class_id, detection.score) == ("dog", 1, 0.75)
    np.testing.assert_allclose(detection.box.as_tuple(), Box(20, 25, 180, 50).as_tuple(), rtol=1e-6)

"""Raw outputs decoded by the rules of `runtime.model.raw_head`, versions 2 and 3, against the rules one by one."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.inference.decoders._first_raw_head import FirstVersionDecoder
from runtime.inference.decoders.raw_head import RawDecoder, decoder
from runtime.model.raw_head import RawHead
from tests.support.raw_outputs import RawOutputs, by_the_rules, drawn


def head_of(raw: RawOutputs, first: int = 0, **changed) -> RawHead:
    given = {"detections": 12, "score": 0.3, "iou": 0.5, "candidates": 200, **changed}
    return RawHead(raw.anchors, raw.classes, first, scales=raw.scales, bins=raw.bins, **given)


def assert_same(raw: RawOutputs, head: RawHead, least: float = 0.0, first: int = 0) -> int:
    logits = raw.logits
    if first:
        highest = np.iinfo(np.int8).max if logits.dtype == np.int8 else 9
        background = np.full((*logits.shape[:2], first), highest, logits.dtype)
        logits = np.concatenate([background, logits], axis=2)
    boxes, classes, scores = RawDecoder(head, raw.ports)([raw.codes, logits], least)
    expected = by_the_rules(
        raw, candidates=head.candidates, detections=head.detections, score=max(least, head.score), iou=head.iou
    )
    assert classes.tolist() == [label for _, label, _ in expected]
    np.testing.assert_allclose(scores, [score for score, _, _ in expected], rtol=1e-5)
    np.testing.assert_allclose(boxes, np.array([box for *_, box in expected]).reshape(-1, 4), rtol=1e-4, atol=1e-5)
    return len(expected)


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize(("classes", "first"), [(1, 0), (1, 1), (4, 0), (90, 0), (90, 1)])
@pytest.mark.parametrize("least", [0.0, 0.5, 0.8])
def test_it_finds_what_the_rules_say(kind, classes, first, least):
    raw = drawn(kind, classes, seed=classes)
    # Of each class there is less where there are many; the highest scores are made for all of them.
    raw.logits[0, 5::70, classes // 2] = 120 if kind == "int8" else 6
    assert assert_same(raw, head_of(raw, first), least, first) > 2


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize(("classes", "first"), [(1, 0), (80, 1)])
@pytest.mark.parametrize("bins", [2, 8, 17])
def test_it_decodes_distributions_as_the_rules_say(kind, classes, first, bins):
    raw = drawn(kind, classes, seed=classes, bins=bins)
    raw.logits[0, 5::70, classes // 2] = 120 if kind == "int8" else 6
    assert assert_same(raw, head_of(raw, first), 0.0, first) > 2


def test_sides_of_distributions_are_left_top_right_bottom():
    raw = drawn("float32", 1, anchors=1, bins=4)
    raw.logits[...] = 3.0
    raw.anchors[:] = [[0.5, 0.5, 0.1, 0.05]]
    # Nearly all of the weight in one bin: 3 to the left, 2 up, 1 to the right, none down. The greatest logits that exp()
    # of a float32 has no number for change nothing.
    raw.codes[...] = -50.0
    raw.codes[0, 0, [0 + 3, 4 + 2, 8 + 1, 12 + 0]] = 200.0
    boxes, _, _ = RawDecoder(head_of(raw), raw.ports)([raw.codes, raw.logits])
    np.testing.assert_allclose(boxes, [[0.3, 0.35, 0.5, 0.55]], atol=1e-6)


def test_distributions_that_are_no_numbers_give_boxes_that_are_none():
    raw = drawn("float32", 1, anchors=2, bins=4)
    raw.logits[...] = 3.0
    raw.codes[0, 0] = np.inf
    raw.codes[0, 1, 3] = np.nan
    boxes, _, _ = RawDecoder(head_of(raw), raw.ports)([raw.codes, raw.logits])
    assert np.isnan(boxes).any(axis=1).all()


@pytest.mark.parametrize("candidates", [1, 5, 30, 10_000])
def test_no_more_candidates_than_the_head_says(candidates):
    raw = drawn("int8", 4, seed=3)
    assert_same(raw, head_of(raw, candidates=candidates, score=0.001, detections=50))


def test_an_anchor_is_found_once_for_each_class():
    raw = drawn("float32", 3, anchors=1)
    raw.logits[...] = [2.0, -9.0, 1.0]
    _, classes, _ = RawDecoder(head_of(raw), raw.ports)([raw.codes, raw.logits])
    assert classes.tolist() == [0, 2]


def test_equal_logits_keep_the_order_of_anchors_and_classes():
    raw = drawn("int8", 3, anchors=4)
    raw.logits[...] = -128
    raw.logits[0, 2, 1] = raw.logits[0, 2, 0] = raw.logits[0, 1, 2] = 100
    raw.codes[...] = raw.ports[0].zero_point
    raw.anchors[:] = [[0.1, 0.1, 0.1, 0.1], [0.3, 0.3, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1], [0.7, 0.7, 0.1, 0.1]]
    boxes, classes, _ = RawDecoder(head_of(raw), raw.ports)([raw.codes, raw.logits])
    assert classes.tolist() == [2, 0, 1]
    np.testing.assert_allclose(boxes[:, 0], [0.25, 0.45, 0.45], atol=1e-6)


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("least", [0.999999, 1.0])
def test_nothing_reaches_the_threshold(kind, least):
    raw = drawn(kind, 2)
    boxes, classes, scores = RawDecoder(head_of(raw), raw.ports)([raw.codes, raw.logits], least)
    assert boxes.shape == (0, 4) and not len(classes) and not len(scores)


def test_the_version_of_the_head_says_by_which_rules():
    raw = drawn("int8", 2)
    assert isinstance(decoder(head_of(raw), raw.ports), RawDecoder)
    assert isinstance(decoder(head_of(raw, candidates=0), raw.ports), FirstVersionDecoder)

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime.inference.decoders._first_raw_head import FirstVersionDecoder
from runtime.model.ports import Port
from runtime.model.raw_head import RawHead

SCALES = (10.0, 10.0, 5.0, 5.0)


def port(name: str, dtype, scale: float = 0.0, zero: int = 0) -> Port:
    return Port(name, 0, (), (), np.dtype(dtype), scale, zero)


def case(kind: str, classes: int, first: int, seed: int, anchors: int = 300, score=0.3):
    """A decoder and stored outputs with some dozens of anchors over 0.3, many of them with one score."""
    random = np.random.default_rng(seed)
    # Few places, so that boxes overlap.
    centres = random.integers(1, 5, (anchors, 2)) / 5
    table = np.concatenate([centres, random.uniform(0.2, 0.5, (anchors, 2))], axis=1).astype(np.float32)
    head = RawHead(table, classes, first, 12, score, 0.5, SCALES)
    codes = random.normal(0, 2, (anchors, 4))
    logits = random.normal(-3 - math.log(classes), 2, (anchors, first + classes))
    if kind == "float32":
        ports = port("codes", "float32"), port("logits", "float32")
        raw = codes[None].astype(np.float32), logits[None].astype(np.float32)
    else:
        limits = np.iinfo(kind)
        ports = port("codes", kind, 0.06, limits.min + 120), port("logits", kind, 0.07, limits.min + 160)
        raw = [
            np.clip(np.rint(values / p.scale) + p.zero_point, limits.min, limits.max).astype(kind)[None]
            for values, p in zip((codes, logits), ports)
        ]
    return FirstVersionDecoder(head, ports), head, ports, raw


def slowly(head: RawHead, ports, raw, least: float):
    """The rules of `runtime.model.raw_head` one by one: (score, class, box) of each detection."""
    limit = max(least, head.score)
    found = []
    for anchor, (codes, logits) in enumerate(zip(raw[0][0], raw[1][0])):
        scores = []
        for stored in logits[head.first :]:
            if ports[1].scale:
                logit = (int(stored) - ports[1].zero_point) * ports[1].scale
                scores.append(min(round(256 / (1 + math.exp(-logit))), 255) / 256)
            else:
                scores.append(1 / (1 + math.exp(-stored)))
        best = max(scores)
        if best < limit:
            continue
        if ports[0].scale:
            codes = [(int(stored) - ports[0].zero_point) * ports[0].scale for stored in codes]
        ty, tx, th, tw = (float(code) / scale for code, scale in zip(codes, head.scales))
        yc, xc, h, w = map(float, head.anchors[anchor])
        yc, xc, h, w = ty * h + yc, tx * w + xc, math.exp(th) * h, math.exp(tw) * w
        found.append((best, scores.index(best), (yc - h / 2, xc - w / 2, yc + h / 2, xc + w / 2)))
    found.sort(key=lambda item: -item[0])
    kept = []
    for item in found:
        if len(kept) < head.detections and all(iou(item[2], other[2]) <= head.iou for other in kept):
            kept.append(item)
    return kept


def iou(a, b) -> float:
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@pytest.mark.parametrize("kind", ["int8", "uint8", "float32"])
@pytest.mark.parametrize(("classes", "first"), [(1, 0), (1, 1), (90, 0), (90, 1)])
@pytest.mark.parametrize("least", [0.0, 0.5, 0.8])
def test_it_finds_what_the_rules_say(kind, classes, first, least):
    decoder, head, ports, raw = case(kind, classes, first, seed=classes)
    boxes, ids, scores = decoder(raw, least)
    expected = slowly(head, ports, raw, least)
    assert len(expected) >= 3 or least == 0.8
    assert ids.tolist() == [class_id for _, class_id, _ in expected]
    assert scores.tolist() == pytest.approx([score for score, _, _ in expected], abs=1e-6)
    assert boxes == pytest.approx(np.array([box for *_, box in expected]).reshape(-1, 4), abs=1e-5)
    assert boxes.dtype == scores.dtype == np.float32


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_where_most_anchors_reach_the_threshold(kind):
    decoder, head, ports, raw = case(kind, 7, 1, seed=5, score=0.0)
    boxes, ids, scores = decoder(raw)
    expected = slowly(head, ports, raw, 0.0)
    assert len(boxes) == head.detections == len(expected)
    assert ids.tolist() == [class_id for _, class_id, _ in expected]
    assert scores.tolist() == pytest.approx([score for score, _, _ in expected], abs=1e-6)


def test_more_anchors_than_are_decoded_at_a_time():
    _, head, ports, raw = case("int8", 2, 0, seed=6, anchors=500, score=0.0)
    everywhere = RawHead(head.anchors, 2, 0, 300, 0.0, 0.95, SCALES)
    boxes, _, scores = FirstVersionDecoder(everywhere, ports)(raw)
    expected = slowly(everywhere, ports, raw, 0.0)
    assert len(boxes) == len(expected) > 256
    assert scores.tolist() == [score for score, _, _ in expected]


def test_equal_scores_keep_the_order_of_anchors_and_classes():
    _, head, ports, raw = case("int8", 3, 0, seed=1)
    raw[1][:] = -128
    # Beyond what a score can say, logits differ and scores do not.
    raw[1][0, 40] = (0, 126, 127)
    raw[1][0, 7] = (0, 127, 125)
    raw[0][0, [7, 40]] = ports[0].zero_point
    head.anchors[[7, 40]] = [[0.2, 0.2, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1]]
    port_ = Port("logits", 0, (), (), np.dtype("int8"), 0.2, 0)
    boxes, ids, scores = FirstVersionDecoder(head, (ports[0], port_))(raw)
    assert scores.tolist() == [255 / 256, 255 / 256]
    assert ids.tolist() == [1, 1]
    assert boxes[:, 0] == pytest.approx([0.15, 0.75])


@pytest.mark.parametrize("kind", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("least", [0.999, 1.0])
def test_nothing_reaches_the_threshold(kind, least):
    decoder, _, _, raw = case(kind, 3, 0, seed=2)
    boxes, ids, scores = decoder(raw, least)
    assert boxes.shape == (0, 4) and ids.shape == scores.shape == (0,)


def test_the_threshold_of_the_file_holds_whatever_is_asked_for():
    decoder, _, _, raw = case("int8", 3, 0, seed=3, score=0.4)
    assert decoder(raw, 0.0)[2].min() >= 0.4

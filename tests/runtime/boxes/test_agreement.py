from __future__ import annotations

import numpy as np

from runtime import Box, Detection
from runtime.boxes.agreement import Agreement, agreement, best_match
from runtime.boxes.iou import iou


def drawn(draw, count):
    corners = draw.uniform(0, 60, (count, 2))
    sizes = draw.uniform(-2, 40, (count, 2))
    labels = draw.choice(["cat", "dog"], count)
    return [Detection(label, 0, 0.5, Box(*box)) for label, box in zip(labels, np.hstack([corners, corners + sizes]).tolist())]


def test_the_best_match_is_that_of_the_greatest_overlap_of_its_class():
    draw = np.random.default_rng(0)
    found = []
    for _ in range(300):
        item, *others = drawn(draw, 6)
        boxes, areas = np.array([other.box.as_tuple() for other in others]).T, np.array([other.box.area for other in others])
        ious = iou(np.array(item.box.as_tuple())[:, None], boxes, np.array(item.box.area), areas)
        ious[[other.label != item.label for other in others]] = 0
        found.append(best_match(item, others, 0.3))
        assert found[-1] == (int(ious.argmax()) if ious.max() >= 0.3 else -1)
    assert {-1, 0, 4} <= set(found)


def test_two_models_agree_on_a_class_of_objects():
    first = [Detection("cat", 0, score, Box(10 * place, 0, 10 * place + 10, 10)) for place, score in enumerate((0.9, 0.8, 0.7))]
    assert agreement(first, first[1:]) == Agreement(2, 1, 0) and agreement([], first) == Agreement(0, 0, 3)
    assert best_match(first[0], []) == -1
    # A box without an area is nobody's match.
    flat = Detection("cat", 0, 0.9, Box(5, 5, 5, 5))
    assert agreement([flat], [flat]) == Agreement(0, 1, 1)

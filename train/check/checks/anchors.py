"""Check of the anchors: whether the detector can learn boxes of these sizes and shapes at this input size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from runtime.boxes.tiles import Tiles
from train.check.checks import OK, WARNING, Finding, counted
from train.check.statistics.anchor_fit import best_anchors
from train.check.statistics.dataset_statistics import DatasetStatistics
from train.geometry.head import POSITIVE_IOU
from train.geometry.size import InputSize

# Those of which the advice says what they would do.
_TILES = Tiles(2, 2)
_MANY = 0.05
_MANY_OF_A_CLASS = 0.2
# With fewer boxes a share is meaningless.
_FEW = 10


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds boxes that no anchor matches, and boxes that share their only anchor."""
    boxes = statistics.boxes
    if not len(boxes.label) or statistics.head.points:
        return
    unmatched = boxes.best_iou < POSITIVE_IOU
    if not unmatched.any():
        yield Finding(OK, f"every box reaches IoU {POSITIVE_IOU:g} with an anchor at {_view(statistics)}")
        return
    by_class = [
        (label, int(unmatched[chosen].sum()), int(chosen.sum()))
        for index, label in enumerate(statistics.labels)
        if (chosen := boxes.label == index).any()
    ]
    by_class.sort(key=lambda row: -row[1] / row[2])
    bad = unmatched.mean() > _MANY or any(
        count >= _FEW and misses > _MANY_OF_A_CLASS * count for _, misses, count in by_class
    )
    yield Finding(
        WARNING if bad else OK,
        f"{int(unmatched.sum()):,} of {counted(len(unmatched), 'box', 'boxes')} ({unmatched.mean():.1%}) reach IoU"
        f" {POSITIVE_IOU:g} with no anchor at {_view(statistics)};"
        " each of them is learned through a single anchor",
        int(unmatched.sum()),
        tuple(f"{label}: {misses} of {count} ({misses / count:.0%})" for label, misses, count in by_class if misses),
        _advice(statistics, unmatched) if bad else "",
        _shown(statistics, unmatched),
    )
    yield from _lost(statistics, unmatched)


def _advice(statistics: DatasetStatistics, unmatched: np.ndarray) -> str:
    shapes = statistics.head.anchors[:, 2:]
    side = float(np.sqrt(POSITIVE_IOU * statistics.size.pixels * shapes.prod(axis=1).min()))
    small = statistics.boxes.sides(statistics.size).prod(axis=1) < side**2
    words = []
    if (small & unmatched).sum() > unmatched.sum() / 2:
        words.append(f"most are too small: below about {side:.0f} x {side:.0f} pixels of the network's input")
    else:
        words.append("most are too long and thin")
    larger = InputSize(2 * statistics.size.height, 2 * statistics.size.width)
    if not statistics.network.sizes.fault(larger):
        overlap, _ = best_anchors(statistics.boxes.seen, statistics.network.head(larger))
        words.append(f"with --size {larger} it would be {(overlap < POSITIVE_IOU).mean():.1%}")
    if statistics.tiles is None:
        cut = replace(statistics, tiles=_TILES).boxes
        words.append(f"with --tiles {_TILES}, in use as in training, {(cut.best_iou < POSITIVE_IOU).mean():.1%}")
    return "; ".join(words)


def _view(statistics: DatasetStatistics) -> str:
    return statistics.size.about + (f" in tiles {statistics.tiles}" if statistics.tiles else "")


def _lost(statistics: DatasetStatistics, unmatched: np.ndarray) -> Iterator[Finding]:
    """Finds boxes below the IoU of a match whose best anchor is also another box's: one of the two is not learned."""
    key = np.stack([statistics.boxes.image, statistics.boxes.window, statistics.boxes.anchor], axis=1)
    _, inverse, counts = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    shared = unmatched & (counts[inverse.reshape(-1)] > 1)
    if shared.any():
        images = np.unique(statistics.boxes.image[shared])
        yield Finding(
            WARNING,
            f"{counted(int(shared.sum()), 'box', 'boxes')} so small or thin, and so close to another, that both have one"
            " anchor between them; one of the two is not learned",
            int(shared.sum()),
            tuple(map(statistics.location, images)),
            "use a larger --size, or --tiles in training and in use",
            tuple(map(int, images)),
        )


def _shown(statistics: DatasetStatistics, unmatched: np.ndarray) -> tuple[int, ...]:
    """Returns the images with the most unmatched boxes."""
    counts = np.bincount(statistics.boxes.image[unmatched], minlength=len(statistics.images))
    order = np.argsort(-counts, kind="stable")
    return tuple(int(index) for index in order[:20] if counts[index])

"""What the outputs of a network mean: where its anchors lie, and how a box is written relative to one."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from train.geometry.size import InputSize

Pair = tuple[float, float]

# An anchor with at least this IoU with a labelled box is trained to detect the box.
POSITIVE_IOU = 0.5


@dataclass(frozen=True)
class Level:
    """The anchors of one feature map of `rows` x `columns` cells.

    `stride` is the distance between the centres of neighbouring cells and `offset` the centre of the first cell, both as
    (y, x). `shapes` are the (height, width) of each of a cell's anchors. All are in pixels of the network's input.
    """

    rows: int
    columns: int
    stride: Pair
    offset: Pair
    shapes: tuple[Pair, ...]

    @property
    def count(self) -> int:
        """How many anchors there are."""
        return self.rows * self.columns * len(self.shapes)

    def table(self, size: InputSize) -> np.ndarray:
        """The anchors, float32 [count, 4] as (yc, xc, h, w) in fractions of `size`: by row, column, and shape."""
        anchors = np.empty((self.rows, self.columns, len(self.shapes), 4), np.float64)
        ys, xs = (
            np.arange(cells, dtype=np.float64) * stride + offset
            for cells, stride, offset in zip((self.rows, self.columns), self.stride, self.offset)
        )
        anchors[..., 0] = ys[:, None, None]
        anchors[..., 1] = xs[None, :, None]
        anchors[..., 2:] = np.asarray(self.shapes)
        return (anchors.reshape(-1, 4) / np.array([*size, *size], np.float64)).astype(np.float32)

    def described(self) -> dict[str, Any]:
        """The level for JSON; what is the same in both directions is one number."""
        return {
            "side": _one_or_both((self.rows, self.columns)),
            "stride": _one_or_both(self.stride),
            "offset": _one_or_both(self.offset),
            "shapes": [list(shape) for shape in self.shapes],
        }


@dataclass(frozen=True)
class Head:
    """The outputs of a network for an input of `size`: box codes [N, A, C] and class logits [N, A, classes].

    `levels` give the A anchors. With `bins` 0, a box code is (ty, tx, th, tw), each multiplied by its number in
    `scales` (see `train.targets.box_coder`). With `bins` B it is a distribution: B logits for each of the distances from
    the anchor's centre to the left, top, right and bottom of the box (see `train.targets.distribution`), and anchors are
    points, whose height and width are the unit of these distances.
    """

    size: InputSize
    levels: tuple[Level, ...]
    scales: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    bins: int = 0

    @property
    def columns(self) -> int:
        """How many numbers a box code has."""
        return 4 * self.bins if self.bins else 4

    @property
    def points(self) -> bool:
        """Whether an anchor is only a place, and boxes of any size are found from it."""
        return self.bins > 0

    @functools.cached_property
    def anchors(self) -> np.ndarray:
        """All anchors, level by level: float32 [A, 4] as (yc, xc, h, w) in 0..1; they are not clipped to the image."""
        return np.concatenate([level.table(self.size) for level in self.levels])

    def described(self) -> dict[str, Any]:
        """A description of all anchors for JSON, from which every anchor can be computed.

        Anchors are ordered by level, row, column, and entry of `shapes`. A centre is (index * stride + offset) / size.
        A shape is (height, width) in pixels, to be divided by size. Where size, side, stride or offset differ in the two
        directions, they are a pair, y first. The results are rounded to float32. `sha256` is the hash of the anchors as
        little-endian float32 [count, 4].
        """
        return {
            "count": len(self.anchors),
            "order": ["yc", "xc", "h", "w"],
            "size": _one_or_both(self.size),
            "levels": [level.described() for level in self.levels],
            "sha256": hashlib.sha256(self.anchors.astype("<f4").tobytes()).hexdigest(),
        }


def _one_or_both(pair: Sequence[float]) -> float | list[float]:
    first, second = pair
    return first if first == second else [first, second]

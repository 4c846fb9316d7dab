"""Anchors compared with those of a published file and with hand-computed ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.support.anchors import anchors, head
from train.geometry.size import InputSize


@pytest.mark.parametrize(("size", "count"), [(320, 12804), (640, 51150)])
def test_every_sixteenth_anchor_is_the_published_one(size, count, shared):
    golden = np.load(shared / "checkpoints" / "fpnlite320_standin" / "golden.npz")[f"anchors_{size}_every16"]
    found = anchors(size)
    assert found.shape == (count, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found[::16], golden, rtol=0, atol=1e-6)


def test_aspect_ratio_is_the_outer_loop_and_scale_the_inner():
    base, root = 4 * 8 / 320, math.sqrt(2)
    shapes = [(1, 1), (root, root), (1 / root, root), (1, 2), (root, 1 / root), (2, 1)]
    expected = [(4 / 320, 4 / 320, h * base, w * base) for h, w in shapes]
    np.testing.assert_allclose(anchors(320)[:6], expected, atol=1e-7)


def test_cells_are_row_major_and_levels_follow_each_other():
    found = anchors(320)
    np.testing.assert_allclose(found[6, :2] * 320, (4, 12))
    np.testing.assert_allclose(found[6 * 40, :2] * 320, (12, 4))
    starts = np.cumsum([0] + [6 * side * side for side in [level.rows for level in head(320).levels]])
    sides = found[starts[:-1], 2] * 320
    np.testing.assert_allclose(sides, [32, 64, 128, 256, 512])


def test_a_level_that_does_not_tile_the_input_starts_at_its_corner():
    centres = np.unique(head(320).levels[-1].table(InputSize(320, 320))[:, 0] * 320)
    np.testing.assert_allclose(centres, [0, 128, 256])
    centres = np.unique(head(640).levels[-1].table(InputSize(640, 640))[:, 0] * 640)
    np.testing.assert_allclose(centres, [64, 192, 320, 448, 576])


def test_sides_round_up():
    assert [(level.rows, level.columns) for level in head("192x320").levels] == [(24, 40), (12, 20), (6, 10), (3, 5), (2, 3)]


@pytest.mark.parametrize("size", ["256", "352", "384", "416", "448", "512", "192x320", "320x192", "288x512", "320x576"])
def test_every_eighth_anchor_of_other_sizes_is_the_published_one(size, shared):
    height, width = InputSize.of(size)
    golden = np.load(shared / "networks" / "golden_fpnlite_anchor_sizes.npz")[f"anchors_{height}x{width}_every8"]
    found = anchors(size)
    centres, half = found[:, :2], found[:, 2:] / 2
    np.testing.assert_allclose(np.concatenate((centres - half, centres + half), axis=1)[::8], golden, rtol=0, atol=3e-7)

from __future__ import annotations

import numpy as np
import pytest

from train.dataset.examples.outlines import box_around


@pytest.mark.parametrize(
    ("outline", "box"),
    [
        ([[4, 18, 26, 18, 26, 36, 4, 36]], (4, 18, 26, 36)),
        ([[4, 18, 26, 18, 26, 36], [1.5, 2, 3, 4, 5, 60]], (1.5, 2, 26, 60)),
        ([4, 18, 26, 18, 26, 36], (4, 18, 26, 36)),
        ([[[4, 18], [26, 18], [26, 36]]], (4, 18, 26, 36)),
        ({"size": [4, 5], "counts": [5, 2, 2, 2, 9]}, (1, 1, 3, 3)),
        # A run over the end of a column reaches from the top to the bottom.
        ({"size": [4, 5], "counts": [3, 3, 14]}, (0, 0, 2, 4)),
    ],
)
def test_box_around_an_outline(outline, box):
    assert box_around(outline) == box


@pytest.mark.parametrize("seed", range(20))
def test_masks_as_pycocotools_writes_them(seed):
    masks = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(3, 60, 2))
    mask = np.zeros((height, width), np.uint8, order="F")
    for _ in range(3):
        y, x = rng.integers(0, height), rng.integers(0, width)
        mask[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = 1
    code = masks.encode(mask)
    ys, xs = np.nonzero(mask)
    expected = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert box_around({"size": [height, width], "counts": code["counts"].decode()}) == expected
    column = mask.reshape(-1, order="F")
    ends = np.flatnonzero(np.diff(np.concatenate([[0], column, [1 - column[-1]]])))
    runs = np.diff(np.concatenate([[0], ends])).tolist()
    assert box_around({"size": [height, width], "counts": runs}) == expected


@pytest.mark.parametrize(
    "outline",
    [
        None, "x", 7, [], [[]], [[1, 2, 3]], [[1, 2], "x"], [[1, 2, float("nan"), 4]], [[1, 2, 1e300, 4]], [[True, 2, 3, 4]], [None],
        {}, {"size": [4, 5]}, {"size": "x", "counts": []}, {"size": [4, 5], "counts": [20]}, {"size": [4, 5], "counts": [1, 99]},
        {"size": [4, 5], "counts": [1, -1]}, {"size": [4, 5], "counts": ["1"]}, {"size": [1 << 40, 5], "counts": [1, 2]},
        {"size": [4, 5], "counts": "\x00\xff"}, {"size": [4, 5], "counts": "o" * 1000}, {"size": [4, 5], "counts": {"a": 1}},
        {"size": [4, 5, 6], "counts": [1, 2]}, {"size": [4, 5], "counts": [0, 10 ** 400]},
    ],
)  # fmt: skip
def test_what_is_no_outline(outline):
    assert box_around(outline) is None

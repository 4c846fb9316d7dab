"""Search for near-duplicates: images that were saved again, scaled, brightened or slightly cropped.

Uses the difference hash (N. Krawetz, "Kind of Like That", 2013) on a 16 x 16 grid, 256 bits: each bit says if a
cell is brighter than its left neighbor. Measured on three data sets of photographs and micrographs, for nine of
ten images: copies at half the size, at JPEG quality 50, 20 % brighter, or cropped by 2 % differ in up to 20, 18,
20 and 41 bits; images of other things differ in 55 or more.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

# The most bits in which near-duplicates differ.
MAX_DISTANCE = 32
# With more images, comparing all pairs takes hours.
MAX_IMAGES = 100_000
# Number of pairs that are listed, of those across the splits and of those within one.
MAX_LISTED = 1000

_GRID = 16
_BLOCK = 4096
# The least standard deviation; the hash of an image of a single color is noise.
_LEAST_CONTRAST = 2.0


def difference_hash(gray: np.ndarray) -> bytes | None:
    """Returns the hash, 32 bytes, of an image, uint8 [height, width]; None for an image without contrast."""
    if gray.std() < _LEAST_CONTRAST:
        return None
    small = cv2.resize(gray, (_GRID + 1, _GRID), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes()


@dataclass(frozen=True)
class Pairs:
    """Pairs (i, j), i < j, of images that are alike.

    `count` is their number, `listed` the first of them, and `images` the indices of all images that are in one.
    """

    count: int
    listed: tuple[tuple[int, int], ...]
    images: frozenset[int]


def pairs(hashes: Sequence[bytes | None], files: Sequence[Hashable], splits: Sequence[Hashable]) -> tuple[Pairs, Pairs]:
    """Finds the images whose hashes differ in at most 32 bits: pairs across the splits, and pairs within one.

    `files` identifies the content of each image's file; images of equal files are not paired. Pairs are listed up to
    a thousand of each kind, closest first in each block, and all are counted: the frames of a fixed camera are all
    alike, and their pairs would not fit into memory.
    """
    known = np.array([index for index, value in enumerate(hashes) if value is not None], np.int64)
    content, side = (_numbered([values[index] for index in known]) for values in (files, splits))
    packed = np.frombuffer(b"".join(value for value in hashes if value is not None), np.uint8)
    bits = np.unpackbits(packed.reshape(len(known), -1), axis=1) if len(known) else np.zeros((0, _GRID**2), np.uint8)
    across, within = _Collector(known), _Collector(known)
    # The inner product of vectors of -1 and 1 counts the equal bits; this is the fastest way in NumPy.
    for start in range(0, len(known), _BLOCK):
        rows = slice(start, start + _BLOCK)
        signs = _signs(bits[rows])
        for other in range(start, len(known), _BLOCK):
            columns = slice(other, other + _BLOCK)
            product = signs @ _signs(bits[columns]).T
            alike = product >= bits.shape[1] - 2 * MAX_DISTANCE
            if other == start:
                alike = np.triu(alike, 1)
            if not alike.any():
                continue
            alike &= content[rows, None] != content[None, columns]
            apart = side[rows, None] != side[None, columns]
            across.add(alike & apart, product, start, other)
            within.add(alike & ~apart, product, start, other)
    return across.pairs(), within.pairs()


class _Collector:
    """Collects pairs of one kind. `known` are the indices of the images that have a hash."""

    def __init__(self, known: np.ndarray) -> None:
        self._known = known
        self._count = 0
        self._listed: list[tuple[int, int]] = []
        self._paired = np.zeros(len(known), bool)

    def add(self, alike: np.ndarray, product: np.ndarray, start: int, other: int) -> None:
        """Adds the pairs at which `alike` is True; `start` and `other` are the first row and column of the block."""
        count = int(np.count_nonzero(alike))
        if not count:
            return
        self._count += count
        self._paired[start : start + alike.shape[0]] |= alike.any(axis=1)
        self._paired[other : other + alike.shape[1]] |= alike.any(axis=0)
        if len(self._listed) < MAX_LISTED:
            found = np.flatnonzero(alike)
            nearest = found[np.argsort(-product.ravel()[found], kind="stable")[: MAX_LISTED - len(self._listed)]]
            rows, columns = np.unravel_index(nearest, alike.shape)
            listed = zip(self._known[start + rows].tolist(), self._known[other + columns].tolist())
            self._listed += listed

    def pairs(self) -> Pairs:
        return Pairs(self._count, tuple(self._listed), frozenset(self._known[self._paired].tolist()))


def _numbered(values: Sequence[Hashable]) -> np.ndarray:
    """A number for each of `values`, int32, the same for equal ones."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)


def _signs(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.float32) * 2 - 1

"""Search for near-duplicates: images that were saved again, scaled, brightened or slightly cropped.

Uses the difference hash (N. Krawetz, "Kind of Like That", 2013) on a 16 x 16 grid, 256 bits: each bit says if a
cell is brighter than its left neighbor. Measured on three data sets of photographs and micrographs, for nine of
ten images: copies at half the size, at JPEG quality 50, 20 % brighter, or cropped by 2 % differ in up to 20, 18,
20 and 41 bits; images of other things differ in 55 or more.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Optional

import cv2
import numpy as np
from PIL import Image

from runtime.common.errors import InputError
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.dataset.examples.image_info import read_bytes
from train.files.processes import cores

# The most bits in which near-duplicates differ.
MAX_DISTANCE = 32
# With more images, comparing all pairs takes hours.
MAX_IMAGES = 100_000
# Number of pairs that are listed, of those across the splits and of those within one.
MAX_LISTED = 1000

_GRID = 16
_BLOCK = 4096
# Of a search for groups: all pairs of a block may be alike, and each takes 16 bytes.
_GROUP_BLOCK = 1024
# Large enough for the hash; JPEG decodes to this size several times as fast as to the full size.
_HASHED_SIDE = 128
# The least standard deviation; the hash of an image of a single color is noise.
_LEAST_CONTRAST = 2.0


def difference_hash(image: np.ndarray) -> bytes | None:
    """Returns the hash, 32 bytes, of an image, uint8 [height, width]; None for an image without contrast."""
    if image.std() < _LEAST_CONTRAST:
        return None
    small = cv2.resize(image, (_GRID + 1, _GRID), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes()


def gray(data: bytes) -> np.ndarray:
    """Returns the image in the file `data` in grayscale, not turned, possibly reduced in size; raises on any damage."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            image.draft("L", (_HASHED_SIDE, _HASHED_SIDE))
            return np.asarray(image.convert("L"))


def alike(examples: Sequence[Example]) -> list[Optional[int]]:
    """The number of the group of near-duplicates that each example's image is in; None for one that is like no other.

    Groups that share an image are one. Reads all images. An image that cannot be decoded is like no other. Raises
    InputError for more than MAX_IMAGES.
    """
    if len(examples) > MAX_IMAGES:
        raise InputError(
            f"--group-by similar: near-duplicates are searched for in up to {MAX_IMAGES:,} images, and these are"
            f" {len(examples):,}; give folder, or a regular expression of the scenes"
        )
    with ThreadPoolExecutor(cores()) as threads:
        found = groups(list(threads.map(_hash, examples)))
    counts = np.bincount(found) if found else np.zeros(0, int)
    return [number if counts[number] > 1 else None for number in found]


def groups(hashes: Sequence[bytes | None]) -> list[int]:
    """The number of the group of each hash, the index of its first: hashes that differ in at most 32 bits are in one."""
    known = np.array([index for index, value in enumerate(hashes) if value is not None], np.int64)
    bits = _bits(hashes)
    group = np.arange(len(known))
    for start in range(0, len(known), _GROUP_BLOCK):
        rows = slice(start, start + _GROUP_BLOCK)
        signs = _signs(bits[rows])
        for other in range(start, len(known), _GROUP_BLOCK):
            columns = slice(other, other + _GROUP_BLOCK)
            near = signs @ _signs(bits[columns]).T >= bits.shape[1] - 2 * MAX_DISTANCE
            near &= group[rows, None] != group[None, columns]
            if near.any():
                i, j = np.nonzero(near)
                _join(group, np.unique(np.stack([group[rows][i], group[columns][j]], axis=1), axis=0))
    numbers = list(range(len(hashes)))
    for index, first in zip(known.tolist(), known[group].tolist() if len(known) else ()):
        numbers[index] = first
    return numbers


def _hash(example: Example) -> bytes | None:
    try:
        image = gray(read_bytes(example.image))
    except Exception:
        # Pillow raises exceptions of many kinds for broken images, which the reader of the data set has named.
        return None
    return difference_hash(images.apply_orientation(image, example.orientation))


def _join(group: np.ndarray, same: np.ndarray) -> None:
    """Gives groups that are `same`, int [N, 2], the lowest of their numbers in `group`."""
    parents: dict[int, int] = {}

    def root(number: int) -> int:
        while (above := parents.get(number, number)) != number:
            number = above
        return number

    for one, other in same.tolist():
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    changed = np.arange(int(group.max()) + 1)
    for number in parents:
        changed[number] = root(number)
    group[:] = changed[group]


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
    bits = _bits(hashes)
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


def _bits(hashes: Sequence[bytes | None]) -> np.ndarray:
    """The bits of those hashes that are known, uint8 [N, 256]."""
    packed = np.frombuffer(b"".join(value for value in hashes if value is not None), np.uint8)
    return np.unpackbits(packed.reshape(-1, _GRID**2 // 8), axis=1)


def _numbered(values: Sequence[Hashable]) -> np.ndarray:
    """A number for each of `values`, int32, the same for equal ones."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)


def _signs(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.float32) * 2 - 1

"""Check for duplicate images, in particular between training and validation (leakage)."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, counted
from train.check.statistics.dataset_statistics import DatasetStatistics
from train.dataset import grouping, near_duplicates
from train.dataset.near_duplicates import Pairs

# The share of leaked validation images from which the figures are meaningless.
_MANY = 0.1


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds identical and nearly identical images, within a split and between the splits."""
    splits = [entry.split for entry in statistics.images]
    compared = len(statistics.images) <= near_duplicates.MAX_IMAGES
    found = [(*_same(statistics), "the same file")]
    if compared:
        hashes = [entry.file.difference_hash for entry in statistics.images]
        files = [entry.file.sha256 for entry in statistics.images]
        found.append((*near_duplicates.pairs(hashes, files, splits), "nearly the same image"))
    validation = splits.count("validation")
    for across, _, what in found:
        if across.count:
            leaked = sum(splits[index] == "validation" for index in across.images)
            yield _finding(
                statistics,
                across,
                FAILURE if leaked > _MANY * validation else WARNING,
                f"{leaked:,} of {counted(validation, 'validation image')} "
                + ("is" if leaked == 1 else "are")
                + f" in training too: {what} in both splits, so that AP will look better than it is",
                f"keep each in one split: --group-by {grouping.SIMILAR} does, here and in training, for images that are nearly"
                " the same; videos and bursts are better split by scene, with your own lists or folders",
            )
    for _, within, what in found:
        if within.count:
            yield _finding(
                statistics,
                within,
                WARNING,
                f"{counted(within.count, 'pair')} of images within one split: {what}",
                "remove one of each: they cost time and count twice",
            )
    if statistics.images and not any(across.count or within.count for across, within, _ in found):
        yield Finding(OK, "no image occurs twice" + ("" if compared else f" ({_TOO_MANY})"))
    elif not compared:
        yield Finding(OK, _TOO_MANY)


_TOO_MANY = f"near-duplicates were not searched for: there are more than {near_duplicates.MAX_IMAGES:,} images"


def _same(statistics: DatasetStatistics) -> tuple[Pairs, Pairs]:
    """Each file together with the first identical file in each split: pairs across the splits, and within one."""
    first: dict[tuple[bytes, str], int] = {}
    across: list[tuple[int, int]] = []
    within: list[tuple[int, int]] = []
    for index, entry in enumerate(statistics.images):
        if entry.file.sha256:
            for split in ("train", "validation"):
                if (entry.file.sha256, split) in first:
                    (within if entry.split == split else across).append((first[entry.file.sha256, split], index))
            first.setdefault((entry.file.sha256, entry.split), index)
    return _listed(across), _listed(within)


def _listed(pairs: list[tuple[int, int]]) -> Pairs:
    return Pairs(len(pairs), tuple(pairs), frozenset(index for pair in pairs for index in pair))


def _finding(statistics: DatasetStatistics, pairs: Pairs, severity: str, what: str, do: str) -> Finding:
    return Finding(
        severity,
        what,
        pairs.count,
        tuple(f"{statistics.location(i)} and {statistics.location(j)}" for i, j in pairs.listed),
        do,
        tuple(dict.fromkeys(index for pair in pairs.listed for index in pair)),
        places=pairs.count,
    )

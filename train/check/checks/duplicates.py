"""Check for duplicate images, in particular between training and validation (leakage)."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, counted
from train.check.statistics import near_duplicates
from train.check.statistics.dataset_statistics import DatasetStatistics

# The share of leaked validation images from which the figures are meaningless.
_MANY = 0.1

Pair = tuple[int, int]


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds identical and nearly identical images, within a split and between the splits."""
    same = list(_same(statistics))
    compared = len(statistics.images) <= near_duplicates.MAX_IMAGES
    alike = list(_alike(statistics)) if compared else []

    def across(pairs: list[Pair]) -> list[Pair]:
        return [(i, j) for i, j in pairs if statistics.images[i].split != statistics.images[j].split]

    validation = len(statistics.in_split("validation"))
    for pairs, what in ((across(same), "the same file"), (across(alike), "nearly the same image")):
        if pairs:
            leaked = {i if statistics.images[i].split == "validation" else j for i, j in pairs}
            yield Finding(
                FAILURE if len(leaked) > _MANY * validation else WARNING,
                f"{len(leaked):,} of {counted(validation, 'validation image')} "
                + ("is" if len(leaked) == 1 else "are")
                + f" in training too: {what} in both splits, so that AP will look better than it is",
                len(pairs),
                _locations(statistics, pairs),
                "keep each in one split; split videos and bursts by scene, with your own lists or folders",
                _shown(pairs),
            )
    for pairs, what in ((same, "the same file"), (alike, "nearly the same image")):
        inside = [pair for pair in pairs if pair not in set(across(pairs))]
        if inside:
            yield Finding(
                WARNING,
                f"{counted(len(inside), 'pair')} of images within one split: {what}",
                len(inside),
                _locations(statistics, inside),
                "remove one of each: they cost time and count twice",
                _shown(inside),
            )
    if not same and not alike and statistics.images:
        yield Finding(OK, "no image occurs twice" + ("" if compared else f" ({_TOO_MANY})"))
    elif not compared:
        yield Finding(OK, _TOO_MANY)


_TOO_MANY = f"near-duplicates were not searched for: there are more than {near_duplicates.MAX_IMAGES:,} images"


def _same(statistics: DatasetStatistics) -> Iterator[Pair]:
    """Yields each file together with the first identical file in each split."""
    first: dict[tuple[bytes, str], int] = {}
    for index, entry in enumerate(statistics.images):
        if entry.file.sha256:
            for split in ("train", "validation"):
                if (entry.file.sha256, split) in first:
                    yield first[entry.file.sha256, split], index
            first.setdefault((entry.file.sha256, entry.split), index)


def _alike(statistics: DatasetStatistics) -> Iterator[Pair]:
    """Yields pairs of different files that show nearly the same image."""
    for i, j in near_duplicates.pairs([entry.file.difference_hash for entry in statistics.images]):
        if statistics.images[i].file.sha256 != statistics.images[j].file.sha256:
            yield i, j


def _locations(statistics: DatasetStatistics, pairs: list[Pair]) -> tuple[str, ...]:
    return tuple(f"{statistics.location(i)} and {statistics.location(j)}" for i, j in pairs)


def _shown(pairs: list[Pair]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(index for pair in pairs for index in pair))

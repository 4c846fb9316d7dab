"""Duplicates: images that come twice, and above all on both sides of the split (leakage)."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, counted
from train.check.statistics import near_duplicates
from train.check.statistics.dataset_statistics import DatasetStatistics

# Beyond this share of leaked validation images the figures are no measure any more.
_MANY = 0.1

Pair = tuple[int, int]


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
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
                + f" in training too: {what} on both sides, so that AP will look better than it is",
                len(pairs),
                _places(statistics, pairs),
                "keep each on one side; split videos and bursts by scene, with lists or folders of your own",
                _shown(pairs),
            )
    for pairs, what in ((same, "the same file"), (alike, "nearly the same image")):
        inside = [pair for pair in pairs if pair not in set(across(pairs))]
        if inside:
            yield Finding(
                WARNING,
                f"{counted(len(inside), 'pair')} of images within one side: {what}",
                len(inside),
                _places(statistics, inside),
                "remove one of each: they cost time and count double",
                _shown(inside),
            )
    if not same and not alike and statistics.images:
        yield Finding(OK, "no image comes twice" + ("" if compared else f" ({_TOO_MANY})"))
    elif not compared:
        yield Finding(OK, _TOO_MANY)


_TOO_MANY = f"near-duplicates were not compared for: there are more than {near_duplicates.MAX_IMAGES:,} images"


def _same(statistics: DatasetStatistics) -> Iterator[Pair]:
    """Each further file of some contents with the first one, and with the first of each split."""
    first: dict[tuple[bytes, str], int] = {}
    for index, entry in enumerate(statistics.images):
        if entry.file.sha256:
            for split in ("train", "validation"):
                if (entry.file.sha256, split) in first:
                    yield first[entry.file.sha256, split], index
            first.setdefault((entry.file.sha256, entry.split), index)


def _alike(statistics: DatasetStatistics) -> Iterator[Pair]:
    """Pairs of different files that show nearly the same."""
    for i, j in near_duplicates.pairs([entry.file.difference_hash for entry in statistics.images]):
        if statistics.images[i].file.sha256 != statistics.images[j].file.sha256:
            yield i, j


def _places(statistics: DatasetStatistics, pairs: list[Pair]) -> tuple[str, ...]:
    return tuple(f"{statistics.location(i)} and {statistics.location(j)}" for i, j in pairs)


def _shown(pairs: list[Pair]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(index for pair in pairs for index in pair))

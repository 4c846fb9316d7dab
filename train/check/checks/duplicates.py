"""Duplicates: images that come twice, and above all on both sides of the split (leakage)."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, number
from train.check.statistics import near_duplicates
from train.check.statistics.dataset_statistics import Survey

# Beyond this share of leaked validation images the figures are no measure any more.
_MANY = 0.1

Pair = tuple[int, int]


def check(survey: Survey) -> Iterator[Finding]:
    same = list(_same(survey))
    looked = len(survey.images) <= near_duplicates.MAX_IMAGES
    alike = list(_alike(survey)) if looked else []

    def across(pairs: list[Pair]) -> list[Pair]:
        return [(i, j) for i, j in pairs if survey.images[i].split != survey.images[j].split]

    validation = len(survey.of("validation"))
    for pairs, what in ((across(same), "the same file"), (across(alike), "nearly the same image")):
        if pairs:
            leaked = {i if survey.images[i].split == "validation" else j for i, j in pairs}
            yield Finding(
                FAILURE if len(leaked) > _MANY * validation else WARNING,
                f"{len(leaked):,} of {number(validation, 'validation image')} "
                + ("is" if len(leaked) == 1 else "are")
                + f" in training too: {what} on both sides, so that AP will look better than it is",
                len(pairs),
                _places(survey, pairs),
                "keep each on one side; split videos and bursts by scene, with lists or folders of your own",
                _shown(pairs),
            )
    for pairs, what in ((same, "the same file"), (alike, "nearly the same image")):
        inside = [pair for pair in pairs if pair not in set(across(pairs))]
        if inside:
            yield Finding(
                WARNING,
                f"{number(len(inside), 'pair')} of images within one side: {what}",
                len(inside),
                _places(survey, inside),
                "remove one of each: they cost time and count double",
                _shown(inside),
            )
    if not same and not alike and survey.images:
        yield Finding(OK, "no image comes twice" + ("" if looked else f" ({_TOO_MANY})"))
    elif not looked:
        yield Finding(OK, _TOO_MANY)


_TOO_MANY = f"near-duplicates were not looked for: there are more than {near_duplicates.MAX_IMAGES:,} images"


def _same(survey: Survey) -> Iterator[Pair]:
    """Each further file of some contents with the first one, and with the first of each split."""
    first: dict[tuple[bytes, str], int] = {}
    for index, seen in enumerate(survey.images):
        if seen.facts.digest:
            for split in ("train", "validation"):
                if (seen.facts.digest, split) in first:
                    yield first[seen.facts.digest, split], index
            first.setdefault((seen.facts.digest, seen.split), index)


def _alike(survey: Survey) -> Iterator[Pair]:
    """Pairs of different files that show nearly the same."""
    for i, j in near_duplicates.pairs([seen.facts.look for seen in survey.images]):
        if survey.images[i].facts.digest != survey.images[j].facts.digest:
            yield i, j


def _places(survey: Survey, pairs: list[Pair]) -> tuple[str, ...]:
    return tuple(f"{survey.where(i)} and {survey.where(j)}" for i, j in pairs)


def _shown(pairs: list[Pair]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(index for pair in pairs for index in pair))

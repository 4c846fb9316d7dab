"""EXIF: were the boxes drawn on the image as a viewer shows it, or as its pixels are stored."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import WARNING, Finding, number
from train.check.statistics.dataset_statistics import Survey


def check(survey: Survey) -> Iterator[Finding]:
    images = list(enumerate(survey.images))
    unturned = [index for index, seen in images if seen.facts.orientation != seen.example.orientation]
    if unturned:
        yield Finding(
            WARNING,
            f"{number(len(unturned), 'image')} with an EXIF turn that the boxes were drawn without",
            len(unturned),
            tuple(f"{survey.where(i)}: EXIF orientation {survey.images[i].facts.orientation}" for i in unturned),
            "the kit takes the stored pixels, as the boxes do; other programs will not, so save them without EXIF",
            tuple(unturned),
        )
    # The turned image has the size of the stored one, so that nothing says which one was labelled.
    unknown = [
        index
        for index, seen in images
        if seen.example.boxes
        and seen.example.orientation == seen.facts.orientation != 1
        and (seen.example.orientation < 5 or seen.example.width == seen.example.height)
    ]
    if unknown:
        yield Finding(
            WARNING,
            f"{number(len(unknown), 'image')} where the size cannot tell whether the boxes were drawn before or after"
            " the turn that EXIF asks for",
            len(unknown),
            tuple(f"{survey.where(i)}: EXIF orientation {survey.images[i].facts.orientation}" for i in unknown),
            "look at them in the report (--out report.html); the kit turns them as EXIF says",
            tuple(unknown),
        )

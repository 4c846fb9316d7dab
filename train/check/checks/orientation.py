"""EXIF: were the boxes drawn on the image as a viewer shows it, or as its pixels are stored."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import WARNING, Finding, counted
from train.check.statistics.dataset_statistics import DatasetStatistics


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    images = list(enumerate(statistics.images))
    unturned = [index for index, entry in images if entry.file.orientation != entry.example.orientation]
    if unturned:
        yield Finding(
            WARNING,
            f"{counted(len(unturned), 'image')} with an EXIF turn that the boxes were drawn without",
            len(unturned),
            tuple(f"{statistics.location(i)}: EXIF orientation {statistics.images[i].file.orientation}" for i in unturned),
            "the kit takes the stored pixels, as the boxes do; other programs will not, so save them without EXIF",
            tuple(unturned),
        )
    # The turned image has the size of the stored one, so that nothing says which one was labelled.
    unknown = [
        index
        for index, entry in images
        if entry.example.boxes
        and entry.example.orientation == entry.file.orientation != 1
        and (entry.example.orientation < 5 or entry.example.width == entry.example.height)
    ]
    if unknown:
        yield Finding(
            WARNING,
            f"{counted(len(unknown), 'image')} where the size cannot tell whether the boxes were drawn before or after"
            " the turn that EXIF asks for",
            len(unknown),
            tuple(f"{statistics.location(i)}: EXIF orientation {statistics.images[i].file.orientation}" for i in unknown),
            "look at them in the report (--out report.html); the kit queues them as EXIF says",
            tuple(unknown),
        )

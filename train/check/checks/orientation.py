"""Check of the EXIF orientation: whether boxes were drawn on the rotated image or on the pixels as stored."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import WARNING, Finding, counted
from train.check.statistics.dataset_statistics import DatasetStatistics


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds images labelled without their EXIF rotation, and images where this cannot be known."""
    images = list(enumerate(statistics.images))
    unturned = [index for index, entry in images if entry.file.orientation != entry.example.orientation]
    if unturned:
        yield Finding(
            WARNING,
            f"{counted(len(unturned), 'image')} with an EXIF rotation that was not applied when the boxes were drawn",
            len(unturned),
            tuple(f"{statistics.location(i)}: EXIF orientation {statistics.images[i].file.orientation}" for i in unturned),
            "the kit uses the pixels as stored, like the boxes; other programs will not, so save the images without EXIF",
            tuple(unturned),
        )
    # The rotated image has the size of the stored one, so the annotation's size does not say which was labelled.
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
            f"{counted(len(unknown), 'image')} whose size does not show if the boxes were drawn before or after the EXIF"
            " rotation",
            len(unknown),
            tuple(f"{statistics.location(i)}: EXIF orientation {statistics.images[i].file.orientation}" for i in unknown),
            "look at them in the report (--out report.html); the kit applies the EXIF rotation",
            tuple(unknown),
        )

"""Check of the images: whether they can be decoded, their sizes, and whether they have annotations."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from train.check.checks import FAILURE, OK, WARNING, Finding, counted, go_on
from train.check.statistics.dataset_statistics import DatasetStatistics
from train.dataset.examples.image_files import is_image, walk
from train.geometry.size import InputSize

# Every image is scaled to the network's input. Where that changes its aspect ratio by more, objects are clearly distorted.
_STRETCHED = 2.0
_MANY_STRETCHED = 0.1
_MANY_EMPTY = 0.5
# People add up to a tenth of images without objects on purpose.
_MANY_UNLABELLED = 0.1


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds images that are left out, damaged, unlabelled, elongated, or without boxes."""
    yield from _left_out(statistics)
    yield from _damaged(statistics)
    yield from _unlabelled(statistics)
    yield from _without_label_file(statistics)
    yield from _stretched(statistics)
    yield from _empty(statistics)
    if statistics.images:
        yield Finding(OK, _sizes(statistics), len(statistics.images))


def _left_out(statistics: DatasetStatistics) -> Iterator[Finding]:
    lines = statistics.left_out.files
    if lines:
        refused = "files" in statistics.left_out.refused
        total = statistics.left_out.examples_seen
        yield Finding(
            FAILURE if refused else WARNING,
            f"{len(lines):,} of {counted(total, 'annotation')} cannot be used"
            + (", more than training leaves out" if refused else ""),
            len(lines),
            tuple(lines),
            "correct or remove them; training refuses the data as it is" if refused else "training leaves them out",
            command=go_on(statistics, len(lines), total) if refused else "",
        )


def _damaged(statistics: DatasetStatistics) -> Iterator[Finding]:
    bad = {index: entry.file.error for index, entry in enumerate(statistics.images) if entry.file.error}
    if bad:
        yield Finding(
            FAILURE,
            f"{counted(len(bad), 'image')} cannot be decoded, though the file looks complete",
            len(bad),
            tuple(bad.values()),
            "copy or download them again, or remove them with their annotations; training would stop at them",
        )


def _unlabelled(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds image files without an annotation, except those whose annotation was left out."""
    if statistics.folder is None:
        return
    used = {os.path.realpath(entry.example.image) for entry in statistics.images}
    if (division := statistics.division) is not None:
        used |= {os.path.realpath(shared.out.image) for shared in (*division.out_of_train, *division.out_of_validation)}
    bad = {Path(line.partition(":")[0]).stem for line in (*statistics.left_out.files, *statistics.left_out.notes)}
    spare = [
        str(file.name)
        for file in walk(statistics.folder)
        if is_image(file) and file.name.stem not in bad and os.path.realpath(file.path) not in used
    ]
    if spare:
        yield Finding(
            WARNING,
            f"{counted(len(spare), 'image')} in the folder " + ("belongs" if len(spare) == 1 else "belong") + " to no annotation",
            len(spare),
            tuple(spare),
            "label them, or give those without objects an annotation without boxes; until then they are not used",
        )


def _without_label_file(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds images that are background only because they have no label file, where a format allows that."""
    left_out = statistics.left_out
    images, total = left_out.unlabelled, left_out.labelled_or_not
    if not images:
        return
    refused = "unlabelled" in left_out.refused
    suspicious = refused or len(images) > _MANY_UNLABELLED * total
    yield Finding(
        FAILURE if refused else WARNING if suspicious else OK,
        f"{len(images):,} of {counted(total, 'image')} have no label file; "
        + ("training refuses so many" if refused else "they are used as background"),
        len(images),
        tuple(images),
        "label them or remove them; write an empty label file for those without objects, or put these into a folder named background",
        command=go_on(statistics, len(images), total) if refused else "",
    )


def _stretched(statistics: DatasetStatistics) -> Iterator[Finding]:
    wide = _stretched_at(statistics, statistics.size)
    if len(wide) > _MANY_STRETCHED * len(statistics.images):
        if statistics.size.square:
            what = f"more than {_STRETCHED:g} times as long as wide; the network's input is square"
        else:
            what = f"stretched more than {_STRETCHED:g} times, to the network's input of {statistics.size.about} (height x width)"
        yield Finding(
            WARNING,
            f"{counted(len(wide), 'image')} {what}",
            len(wide),
            tuple(
                f"{statistics.location(i)}: {statistics.images[i].example.width} x {statistics.images[i].example.height}"
                for i in wide
            ),
            f"{_of_their_shape(statistics, wide)}if objects become too thin to recognize, cut the images into squarer tiles,"
            " in use as in training",
            tuple(wide),
        )


def _stretched_at(statistics: DatasetStatistics, size: InputSize) -> list[int]:
    """The images whose aspect ratio an input of `size` changes by more than `_STRETCHED`."""
    aspect = size.width / size.height
    ratios = [entry.example.width / entry.example.height / aspect for entry in statistics.images]
    return [index for index, ratio in enumerate(ratios) if max(ratio, 1 / ratio) > _STRETCHED]


def _of_their_shape(statistics: DatasetStatistics, wide: Sequence[int]) -> str:
    """The advice to take an input of about as many pixels that has the images' shape; empty where few gain by it."""
    aspect = median(entry.example.width / entry.example.height for entry in statistics.images)
    height = math.sqrt(statistics.size.pixels / aspect)
    size = statistics.network.sizes.nearest(InputSize(round(height), round(height * aspect)))
    left = len(_stretched_at(statistics, size))
    return f"with --size {size} it would be {left:,}; " if left < len(wide) / 2 else ""


def _empty(statistics: DatasetStatistics) -> Iterator[Finding]:
    empty = [index for index, entry in enumerate(statistics.images) if not entry.example.boxes]
    if empty:
        many = len(empty) > _MANY_EMPTY * len(statistics.images)
        yield Finding(
            WARNING if many else OK,
            f"{counted(len(empty), 'image')} without any box; they are used as background",
            len(empty),
            tuple(map(statistics.location, empty)),
            "check that they are really empty, and not just unlabelled",
            tuple(empty),
        )


def _sizes(statistics: DatasetStatistics) -> str:
    sizes = Counter((entry.example.width, entry.example.height) for entry in statistics.images)
    (width, height), most = sizes.most_common(1)[0]
    if len(sizes) == 1:
        return f"{counted(len(statistics.images), 'image')}, all {width} x {height}"
    small = min(sizes, key=lambda size: size[0] * size[1])
    large = max(sizes, key=lambda size: size[0] * size[1])
    return (
        f"{counted(len(statistics.images), 'image')} from {small[0]} x {small[1]} to {large[0]} x {large[1]},"
        f" {most:,} of them {width} x {height}"
    )

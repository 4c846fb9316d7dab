"""Images: can they be read, how large are they, and does each belong to an annotation."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from train.check.checks import FAILURE, OK, WARNING, Finding, counted
from train.check.statistics.dataset_statistics import DatasetStatistics
from train.dataset.examples.image_info import SUFFIXES

# The network sees every image as a square. From here on a circle becomes a clear oval.
_STRETCHED = 2.0
_MANY_STRETCHED = 0.1
_MANY_EMPTY = 0.5


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    yield from _left_out(statistics)
    yield from _faults(statistics)
    yield from _unlabelled(statistics)
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
            + (", more than is left out unasked" if refused else ""),
            len(lines),
            tuple(lines),
            "mend or remove them; training refuses the data as it is" if refused else "training leaves them out",
        )


def _faults(statistics: DatasetStatistics) -> Iterator[Finding]:
    bad = [index for index, entry in enumerate(statistics.images) if entry.file.error]
    if bad:
        yield Finding(
            FAILURE,
            f"{counted(len(bad), 'image')} cannot be decoded, though the file looks whole",
            len(bad),
            tuple(statistics.images[index].file.error for index in bad),
            "copy or download them again, or remove them with their annotations; training would stop at them",
        )


def _unlabelled(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Image files that no annotation belongs to; those of annotations that were left out do not count."""
    if statistics.folder is None:
        return
    used = {os.path.realpath(entry.example.image) for entry in statistics.images}
    bad = {Path(line.partition(":")[0]).stem for line in (*statistics.left_out.files, *statistics.left_out.notes)}
    spare = []
    for root, folders, names in os.walk(statistics.folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.stem not in bad:
                if os.path.realpath(path) not in used:
                    spare.append(str(path.relative_to(statistics.folder)))
    if spare:
        yield Finding(
            WARNING,
            f"{counted(len(spare), 'image')} in the folder " + ("belongs" if len(spare) == 1 else "belong") + " to no annotation",
            len(spare),
            tuple(spare),
            "label them, or give those without objects an annotation without boxes; as they are nothing uses them",
        )


def _stretched(statistics: DatasetStatistics) -> Iterator[Finding]:
    wide = [
        index
        for index, entry in enumerate(statistics.images)
        if max(entry.example.width, entry.example.height) > _STRETCHED * min(entry.example.width, entry.example.height)
    ]
    if len(wide) > _MANY_STRETCHED * len(statistics.images):
        yield Finding(
            WARNING,
            f"{counted(len(wide), 'image')} more than {_STRETCHED:g} times as long as wide; the network sees squares",
            len(wide),
            tuple(
                f"{statistics.location(i)}: {statistics.images[i].example.width} x {statistics.images[i].example.height}"
                for i in wide
            ),
            "cut them into squarer parts, in use as in training, where objects become too thin to tell",
            tuple(wide),
        )


def _empty(statistics: DatasetStatistics) -> Iterator[Finding]:
    empty = [index for index, entry in enumerate(statistics.images) if not entry.example.boxes]
    if empty:
        many = len(empty) > _MANY_EMPTY * len(statistics.images)
        yield Finding(
            WARNING if many else OK,
            f"{counted(len(empty), 'image')} without any box; they teach what is background",
            len(empty),
            tuple(map(statistics.location, empty)),
            "check that they are empty indeed, and not just unlabelled",
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

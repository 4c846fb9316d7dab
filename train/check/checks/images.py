"""Images: can they be read, how large are they, and does each belong to an annotation."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from train.check.checks import FAILURE, OK, WARNING, Finding, number
from train.check.statistics.dataset_statistics import Survey
from train.dataset.examples.image_info import SUFFIXES

# The network sees every image as a square. From here on a circle becomes a clear oval.
_STRETCHED = 2.0
_MANY_STRETCHED = 0.1
_MANY_EMPTY = 0.5


def check(survey: Survey) -> Iterator[Finding]:
    yield from _left_out(survey)
    yield from _faults(survey)
    yield from _unlabelled(survey)
    yield from _stretched(survey)
    yield from _empty(survey)
    if survey.images:
        yield Finding(OK, _sizes(survey), len(survey.images))


def _left_out(survey: Survey) -> Iterator[Finding]:
    lines = survey.left_out.files
    if lines:
        refused = "files" in survey.left_out.refused
        total = survey.left_out.examples_seen
        yield Finding(
            FAILURE if refused else WARNING,
            f"{len(lines):,} of {number(total, 'annotation')} cannot be used"
            + (", more than is left out unasked" if refused else ""),
            len(lines),
            tuple(lines),
            "mend or remove them; training refuses the data as it is" if refused else "training leaves them out",
        )


def _faults(survey: Survey) -> Iterator[Finding]:
    bad = [index for index, seen in enumerate(survey.images) if seen.facts.fault]
    if bad:
        yield Finding(
            FAILURE,
            f"{number(len(bad), 'image')} cannot be decoded, though the file looks whole",
            len(bad),
            tuple(survey.images[index].facts.fault for index in bad),
            "copy or download them again, or remove them with their annotations; training would stop at them",
        )


def _unlabelled(survey: Survey) -> Iterator[Finding]:
    """Image files that no annotation belongs to; those of annotations that were left out do not count."""
    if survey.folder is None:
        return
    used = {os.path.realpath(seen.example.image) for seen in survey.images}
    bad = {Path(line.partition(":")[0]).stem for line in (*survey.left_out.files, *survey.left_out.notes)}
    spare = []
    for root, folders, names in os.walk(survey.folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.stem not in bad:
                if os.path.realpath(path) not in used:
                    spare.append(str(path.relative_to(survey.folder)))
    if spare:
        yield Finding(
            WARNING,
            f"{number(len(spare), 'image')} in the folder " + ("belongs" if len(spare) == 1 else "belong") + " to no annotation",
            len(spare),
            tuple(spare),
            "label them, or give those without objects an annotation without boxes; as they are nothing uses them",
        )


def _stretched(survey: Survey) -> Iterator[Finding]:
    wide = [
        index
        for index, seen in enumerate(survey.images)
        if max(seen.example.width, seen.example.height) > _STRETCHED * min(seen.example.width, seen.example.height)
    ]
    if len(wide) > _MANY_STRETCHED * len(survey.images):
        yield Finding(
            WARNING,
            f"{number(len(wide), 'image')} more than {_STRETCHED:g} times as long as wide; the network sees squares",
            len(wide),
            tuple(
                f"{survey.where(i)}: {survey.images[i].example.width} x {survey.images[i].example.height}"
                for i in wide
            ),
            "cut them into squarer parts, in use as in training, where objects become too thin to tell",
            tuple(wide),
        )


def _empty(survey: Survey) -> Iterator[Finding]:
    empty = [index for index, seen in enumerate(survey.images) if not seen.example.boxes]
    if empty:
        many = len(empty) > _MANY_EMPTY * len(survey.images)
        yield Finding(
            WARNING if many else OK,
            f"{number(len(empty), 'image')} without any box; they teach what is background",
            len(empty),
            tuple(map(survey.where, empty)),
            "check that they are empty indeed, and not just unlabelled",
            tuple(empty),
        )


def _sizes(survey: Survey) -> str:
    sizes = Counter((seen.example.width, seen.example.height) for seen in survey.images)
    (width, height), most = sizes.most_common(1)[0]
    if len(sizes) == 1:
        return f"{number(len(survey.images), 'image')}, all {width} x {height}"
    small = min(sizes, key=lambda size: size[0] * size[1])
    large = max(sizes, key=lambda size: size[0] * size[1])
    return (
        f"{number(len(survey.images), 'image')} from {small[0]} x {small[1]} to {large[0]} x {large[1]},"
        f" {most:,} of them {width} x {height}"
    )

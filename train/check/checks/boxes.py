"""Boxes: which cannot be used, which come twice, and which are too many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from train.check.checks import FAILURE, OK, WARNING, Finding, number
from train.check.statistics.dataset_statistics import Survey
from train.evaluation.iou import iou

# A person who draws a box twice hits it this well; two objects hardly do.
_SAME = 0.9
# The detector's evaluation counts this many objects of an image.
_CROWDED = 100
_WHOLE = 0.95

# What a reader's message says, and how it is counted here.
_KINDS = (("no area", "without area"), ("starts at", "outside the image"), ("ends at", "outside the image"))


def check(survey: Survey) -> Iterator[Finding]:
    yield from _left_out(survey)
    yield from _twice(survey)
    yield from _crowded(survey)
    yield from _whole(survey)
    count = len(survey.boxes.label)
    if count:
        most = int(np.bincount(survey.boxes.image).max())
        yield Finding(
            OK, f"{number(count, 'box', 'boxes')} of {number(len(survey.labels), 'class', 'classes')}, up to {most} an image", count
        )


def _left_out(survey: Survey) -> Iterator[Finding]:
    by_kind: dict[str, list[str]] = {}
    for line in survey.left_out.boxes:
        kind = next((kind for text, kind in _KINDS if text in line), "that cannot be read")
        by_kind.setdefault(kind, []).append(line)
    refused = "boxes" in survey.left_out.refused
    for kind, lines in by_kind.items():
        yield Finding(
            FAILURE if refused else WARNING,
            f"{number(len(lines), 'box', 'boxes')} of {survey.left_out.boxes_seen:,} {kind}",
            len(lines),
            tuple(lines),
            "mend or remove them; there are so many bad boxes that training refuses the data"
            if refused
            else "training leaves them out",
        )
    if survey.left_out.notes:
        lines = survey.left_out.notes
        yield Finding(WARNING, "the reader left something out or changed it", len(lines), tuple(lines))


def _twice(survey: Survey) -> Iterator[Finding]:
    same, other = {}, {}
    for index, seen in enumerate(survey.images):
        boxes = seen.example.boxes
        if len(boxes) < 2:
            continue
        places = [item.box for item in boxes]
        overlap = iou(places, places)
        for i, j in np.argwhere(np.triu(overlap >= _SAME, 1)):
            one, two = boxes[i].label, boxes[j].label
            if one == two:
                same.setdefault(index, []).append(f"{survey.where(index)}: boxes {i + 1} and {j + 1}, both {one}")
            else:
                other.setdefault(index, []).append(
                    f"{survey.where(index)}: boxes {i + 1} and {j + 1}, one {one}, one {two}"
                )
    for found, what, do in (
        (same, f"the same object drawn twice (IoU {_SAME:g} and more)", "remove one of each"),
        (other, f"the same place with two labels (IoU {_SAME:g} and more)", "keep the right label"),
    ):
        if found:
            lines = [line for lines in found.values() for line in lines]
            yield Finding(
                WARNING, f"{number(len(lines), 'pair')} of boxes: {what}", len(lines), tuple(lines), do, tuple(found)
            )


def _crowded(survey: Survey) -> Iterator[Finding]:
    crowded = [index for index, seen in enumerate(survey.images) if len(seen.example.boxes) > _CROWDED]
    if crowded:
        yield Finding(
            WARNING,
            f"{number(len(crowded), 'image')} with more than {_CROWDED} boxes, which is all a detector gives",
            len(crowded),
            tuple(f"{survey.where(i)}: {len(survey.images[i].example.boxes)} boxes" for i in crowded),
            "cut them into parts, in use as in training",
            tuple(crowded),
        )


def _whole(survey: Survey) -> Iterator[Finding]:
    whole = survey.boxes.sides(1).prod(axis=1) > _WHOLE
    if whole.sum() > len(whole) / 2:
        yield Finding(
            WARNING,
            f"{number(int(whole.sum()), 'box', 'boxes')} that cover the whole image: they say what it shows, but not where",
            int(whole.sum()),
            do="draw boxes around the objects",
            images=tuple(np.unique(survey.boxes.image[whole])),
        )

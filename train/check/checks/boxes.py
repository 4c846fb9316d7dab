"""Check of the boxes: unusable ones, duplicates, crowded images, boxes with nothing in them or the whole image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from train.check.checks import FAILURE, OK, WARNING, Finding, counted, go_on
from train.check.statistics.dataset_statistics import DatasetStatistics
from train.evaluation.iou import iou

# The IoU of two boxes drawn around the same object; those of two objects hardly reach it.
_SAME = 0.9
# The evaluation counts at most this many detections per image.
_CROWDED = 100
_WHOLE = 0.95

# A part of a reader's message, and the kind of fault that it stands for.
_KINDS = (("no area", "without area"), ("starts at", "outside the image"), ("ends at", "outside the image"))


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds boxes that are left out, duplicate, too many in an image, around nothing, or as large as the image."""
    yield from _left_out(statistics)
    yield from _duplicates(statistics)
    yield from _crowded(statistics)
    yield from _whole(statistics)
    yield from _plain(statistics)
    count = len(statistics.boxes.label)
    if count:
        most = int(np.bincount(statistics.boxes.image).max())
        yield Finding(
            OK, f"{counted(count, 'box', 'boxes')} of {counted(len(statistics.labels), 'class', 'classes')}, up to {most} an image", count
        )


def _left_out(statistics: DatasetStatistics) -> Iterator[Finding]:
    by_kind: dict[str, list[str]] = {}
    for line in statistics.left_out.boxes:
        kind = next((kind for text, kind in _KINDS if text in line), "that cannot be read")
        by_kind.setdefault(kind, []).append(line)
    refused = "boxes" in statistics.left_out.refused
    for kind, lines in by_kind.items():
        yield Finding(
            FAILURE if refused else WARNING,
            f"{counted(len(lines), 'box', 'boxes')} of {statistics.left_out.boxes_seen:,} {kind}",
            len(lines),
            tuple(lines),
            "correct or remove them; there are so many bad boxes that training refuses the data"
            if refused
            else "training leaves them out",
            command=go_on(statistics, len(statistics.left_out.boxes), statistics.left_out.boxes_seen) if refused else "",
        )
    if statistics.left_out.notes:
        lines = statistics.left_out.notes
        yield Finding(WARNING, "the reader left something out or decided something", len(lines), tuple(lines))


def _duplicates(statistics: DatasetStatistics) -> Iterator[Finding]:
    same: dict[int, list[str]] = {}
    other: dict[int, list[str]] = {}
    for index, entry in enumerate(statistics.images):
        boxes = entry.example.boxes
        if len(boxes) < 2:
            continue
        corners = [item.box for item in boxes]
        overlap = iou(corners, corners)
        for i, j in np.argwhere(np.triu(overlap >= _SAME, 1)):
            one, two = boxes[i].label, boxes[j].label
            if one == two:
                same.setdefault(index, []).append(f"{statistics.location(index)}: boxes {i + 1} and {j + 1}, both {one}")
            else:
                other.setdefault(index, []).append(
                    f"{statistics.location(index)}: boxes {i + 1} and {j + 1}, one {one}, one {two}"
                )
    for found, what, do in (
        (same, f"the same object drawn twice (IoU {_SAME:g} and more)", "remove one of each"),
        (other, f"the same place with two labels (IoU {_SAME:g} and more)", "keep the right label"),
    ):
        if found:
            lines = [line for lines in found.values() for line in lines]
            yield Finding(
                WARNING, f"{counted(len(lines), 'pair')} of boxes: {what}", len(lines), tuple(lines), do, tuple(found)
            )


def _crowded(statistics: DatasetStatistics) -> Iterator[Finding]:
    crowded = [index for index, entry in enumerate(statistics.images) if len(entry.example.boxes) > _CROWDED]
    if crowded:
        yield Finding(
            WARNING,
            f"{counted(len(crowded), 'image')} with more than {_CROWDED} boxes, the most that a detector returns",
            len(crowded),
            tuple(f"{statistics.location(i)}: {len(statistics.images[i].example.boxes)} boxes" for i in crowded),
            "cut them into tiles, in use as in training",
            tuple(crowded),
        )


def _whole(statistics: DatasetStatistics) -> Iterator[Finding]:
    corners = statistics.boxes.corners
    whole = (corners[:, 2:] - corners[:, :2]).prod(axis=1) > _WHOLE
    if whole.sum() > len(whole) / 2:
        yield Finding(
            WARNING,
            f"{counted(int(whole.sum()), 'box', 'boxes')} that cover the whole image: they say what it shows, but not where",
            int(whole.sum()),
            do="draw boxes around the objects",
            images=tuple(map(int, np.unique(statistics.boxes.image[whole]))),
        )


def _plain(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Boxes around nothing. Where there are some, most of the others are beside their objects, too."""
    plain = {index: entry.file.plain for index, entry in enumerate(statistics.images) if entry.file.plain}
    if plain:
        count = sum(map(len, plain.values()))
        yield Finding(
            WARNING,
            f"{counted(count, 'box', 'boxes')} in {counted(len(plain), 'image')} with nothing but one colour in them",
            count,
            tuple(f"{statistics.location(index)}: box {box + 1}" for index, boxes in plain.items() for box in boxes),
            "look at the images (--out report.html): were they turned, cropped or padded after the boxes were drawn? Then other"
            " boxes are wrong, too, which nothing else shows; export the data set again, without augmentation",
            tuple(plain),
        )

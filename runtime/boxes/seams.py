"""Merges what was detected in the tiles of an image: each object is given once, and whole where it can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from runtime.boxes.nms import suppress
from runtime.boxes.tiles import Window
from runtime.common.values import Box, Detection

# From this IoU on, within what a tile shows, a box there is what the tile shows of an object.
SAME = 0.5
# That of the suppression within each class in the kit's own files.
_SUPPRESSED = 0.6
# A box within this share of a tile's side from a border inside the image is cut off there.
_TOUCH = 0.02

_Sides = Tuple[float, float, float, float]
_Found = Tuple[Detection, ...]


class _Part(NamedTuple):
    """A detection in pixels of the image, the number of its tile, and which of its sides that tile cuts off."""

    item: Detection
    sides: _Sides
    tile: int
    cut: Tuple[bool, bool, bool, bool]


def merge(found: Sequence[Sequence[Detection]], windows: Sequence[Window], width: int, height: int) -> _Found:
    """The objects in an image of `width` x `height` pixels, the highest score first, boxes in its pixels.

    `found` has the detections in each of `windows`, in pixels of that window. Detections of one class in two windows are
    one object where one box explains both: cut off at the borders of either window, it has an IoU of at least 0.5 with
    what was detected there. Of the parts of an object:

    - a box that no border inside the image cuts off counts; of several, that with the highest score;
    - where all are cut off, they continue each other, and each side comes from a part that shows it;
    - the score is the highest.

    Two objects side by side at a border are not one: no box explains both.
    """
    by_class: Dict[int, List[_Part]] = {}
    for tile, (items, window) in enumerate(zip(found, windows)):
        for item in items:
            by_class.setdefault(item.class_id, []).append(_part(item, tile, window, width, height))
    objects = [item for parts in by_class.values() for item in _objects(parts, windows)]
    return tuple(sorted(objects, key=lambda item: -item.score))


def merge_all(
    found: Sequence[Tuple[Sequence[Detection], Sequence[Detection]]],
    windows: Sequence[Window],
    width: int,
    height: int,
    agnostic: Optional[float] = None,
) -> Tuple[_Found, _Found]:
    """As `merge`, for pairs of detections and of candidates below their threshold; `agnostic` as for `Detector`.

    Candidates change none of the detections, and are left out where they are of the same object.
    """
    detections = merge([above for above, _ in found], windows, width, height)
    below = merge([candidates for _, candidates in found], windows, width, height)
    candidates = tuple(item for item in below if not any(_is_same(item, other) for other in detections))
    if agnostic is None:
        return detections, candidates
    # What counts comes first, so that what doesn't suppresses none of it.
    boxes = np.array([item.box.as_tuple() for item in (*detections, *candidates)], np.float32).reshape(-1, 4)
    kept = set(suppress(boxes, agnostic).tolist())
    first = len(detections)
    return (
        tuple(item for place, item in enumerate(detections) if place in kept),
        tuple(item for place, item in enumerate(candidates, first) if place in kept),
    )


def _objects(parts: List[_Part], windows: Sequence[Window]) -> List[Detection]:
    """The objects of one class."""
    waiting = sorted(parts, key=lambda part: -part.item.score)
    objects = []
    while waiting:
        members = _grown(waiting[0], waiting[1:], windows)
        sides = _composed(members)
        objects.append(replace(waiting[0].item, box=Box(*sides)))
        # As suppression within a tile would have left them out, had the tile shown the object as it is now known.
        waiting = [
            part
            for part in waiting[1:]
            if part not in members and _iou(part.sides, _within(sides, windows[part.tile])) <= _SUPPRESSED
        ]
    return objects


def _grown(first: _Part, others: Sequence[_Part], windows: Sequence[Window]) -> List[_Part]:
    """`first` with the parts of the same object in other tiles, at most one of each."""
    members = [first]
    grows = len(others) > 0
    while grows:
        best, best_fit = None, SAME
        tiles = {member.tile for member in members}
        for part in others:
            if part.tile in tiles or not any(_touch(part, member, windows) for member in members):
                continue
            fit = _fit([*members, part], windows)
            if best is None and fit >= best_fit or fit > best_fit:
                best, best_fit = part, fit
        grows = best is not None
        if best is not None:
            members.append(best)
    return members


def _fit(members: Sequence[_Part], windows: Sequence[Window]) -> float:
    """How well one box explains all members: the least IoU of what it is in the window of a member with that member."""
    sides = _composed(members)
    return min(_iou(member.sides, _within(sides, windows[member.tile])) for member in members)


def _composed(members: Sequence[_Part]) -> _Sides:
    """The box of an object; `members` begin with that of the highest score."""
    ranked = sorted(members, key=lambda member: -member.item.score)
    for member in ranked:
        if not any(member.cut):
            return member.sides
    left, top, right, bottom = (_side(ranked, place) for place in range(4))
    return left, top, right, bottom


def _side(ranked: Sequence[_Part], place: int) -> float:
    for member in ranked:
        if not member.cut[place]:
            return member.sides[place]
    outermost = min if place < 2 else max
    return outermost(member.sides[place] for member in ranked)


def _part(item: Detection, tile: int, window: Window, width: int, height: int) -> _Part:
    box = item.box
    sides = box.xmin + window.left, box.ymin + window.top, box.xmax + window.left, box.ymax + window.top
    across, down = _TOUCH * window.width, _TOUCH * window.height
    cut = (
        window.left > 0 and box.xmin <= across,
        window.top > 0 and box.ymin <= down,
        window.right < width and box.xmax >= window.width - across,
        window.bottom < height and box.ymax >= window.height - down,
    )
    return _Part(item, sides, tile, cut)


def _within(sides: Union[_Sides, Window], window: Window) -> _Sides:
    return (
        max(sides[0], window.left), max(sides[1], window.top),
        min(sides[2], window.right), min(sides[3], window.bottom),
    )  # fmt: skip


def _touch(one: _Part, other: _Part, windows: Sequence[Window]) -> bool:
    """Whether two parts overlap, in tiles that show the same of more than a corner of the image.

    In a corner that two tiles share, parts of any two objects look alike.
    """
    if not (
        one.sides[0] < other.sides[2]
        and other.sides[0] < one.sides[2]
        and one.sides[1] < other.sides[3]
        and other.sides[1] < one.sides[3]
    ):
        return False
    first, second = windows[one.tile], windows[other.tile]
    left, top, right, bottom = _within(first, second)
    return right - left == min(first.width, second.width) or bottom - top == min(first.height, second.height)


def _iou(one: _Sides, other: _Sides) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (_area(one) + _area(other) - shared)


def _area(sides: _Sides) -> float:
    return (sides[2] - sides[0]) * (sides[3] - sides[1])


def _is_same(item: Detection, other: Detection) -> bool:
    return item.class_id == other.class_id and _iou(item.box.as_tuple(), other.box.as_tuple()) > SAME

"""Merges what was detected in the tiles of an image: each object is given once, and whole where it can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Sequence, Tuple

import numpy as np

from runtime.boxes.iou import iou
from runtime.boxes.tiles import Window
from runtime.common.values import Box, Detection

# What is found in tiles is merged from this score on, whatever the threshold.
MERGED_SCORE = 0.1
# From this IoU on, within what a tile shows, a box there is what the tile shows of an object.
SAME = 0.5
# That of the suppression within each class in the kit's own files.
_SUPPRESSED = 0.6
# A side of the image's from which on an object is large, and what the score of one counts that the whole image does not show.
_LARGE = 0.2
_UNCONFIRMED = 0.7
# A box within this share of a tile's side from a border inside the image is cut off there.
_TOUCH = 0.02
# From this IoU on, two boxes are one place.
_ONE_PLACE = 0.85

_Found = Tuple[Detection, ...]


def merge(
    found: Sequence[Sequence[Detection]], windows: Sequence[Window], width: int, height: int, least: float = 0.0
) -> _Found:
    """The objects in an image of `width` x `height` pixels, the highest score first, boxes in its pixels.

    `found` has the detections in each of `windows`, in pixels of that window. Detections of one class in two windows are
    one object where one box explains both: cut off at the borders of either window, it has an IoU of at least 0.5 with
    what was detected there. Two objects side by side at a border are not one: no box explains both.

    Box and score of an object come from its parts that no border inside the image cuts off: those with the highest score.
    Where all are cut off, they continue each other: each side of the box comes from a part that shows it. A part that is
    cut off often has a high score, whatever it is a part of.

    Of what is large, a fifth of the image or more, the image as a whole tells better than its tiles: where it is among the windows,
    its score counts, and that of a tile seven tenths.

    Objects of which no part has a score of at least `least` are left out, which takes less time than to leave them out afterwards.
    """
    by_class: Dict[int, List[Tuple[int, Detection]]] = {}
    for tile, items in enumerate(found):
        for item in items:
            by_class.setdefault(item.class_id, []).append((tile, item))
    grid = _Grid(windows, width, height)
    wanted = [parts for parts in by_class.values() if any(item.score >= least for _, item in parts)]
    objects = [item for parts in wanted for item in _Parts(parts, grid).objects(least)]
    return tuple(sorted(objects, key=lambda item: -item.score))


def merge_all(
    found: Sequence[Sequence[Detection]], windows: Sequence[Window], width: int, height: int, wanted: float = 0.0
) -> _Found:
    """As `merge`, down to any score.

    What is below MERGED_SCORE changes nothing above it, so that objects are the same at any threshold.
    """
    above = [[item for item in items if item.score >= MERGED_SCORE] for items in found]
    below = [[item for item in items if item.score < MERGED_SCORE] for items in found]
    objects = merge(above, windows, width, height, wanted)
    others = without_same(merge(below, windows, width, height, wanted), objects)
    return tuple(sorted((*objects, *others), key=lambda item: -item.score))


def without_same(items: Sequence[Detection], others: Sequence[Detection]) -> _Found:
    """Those of `items` that are of no object in `others`: of the same class, with an IoU over 0.5."""
    return tuple(item for item in items if not any(_is_same(item, other) for other in others))


def best_classes(objects: Sequence[Detection]) -> _Found:
    """`objects`, those that count most first, without those that have another class in the place of one before them.

    One place is an IoU over 0.85. Where a model takes one place for two classes, its boxes are the very same; but in two windows
    they are about the same.
    """
    if len(objects) < 2:
        return tuple(objects)
    boxes = np.array([item.box.as_tuple() for item in objects], np.float64)
    classes = np.array([item.class_id for item in objects])
    rivals = (_ious(boxes[:, np.newaxis], boxes) > _ONE_PLACE) & (classes[:, np.newaxis] != classes)
    stay = np.ones(len(objects), bool)
    for place in np.flatnonzero(rivals.any(1)).tolist():
        stay[place] = not (rivals[place, :place] & stay[:place]).any()
    return tuple(item for item, stays in zip(objects, stay.tolist()) if stays)


class _Grid:
    """The windows of an image, as arrays.

    `edges` is float64 [T, 4], left, top, right and bottom in pixels. `inner` is bool [T, 4]: which of them lie inside the image.
    `beside` is bool [T, T]: whether two windows show the same of more than a corner of the image; in a corner that two
    tiles share, parts of any two objects look alike.
    """

    def __init__(self, windows: Sequence[Window], width: int, height: int) -> None:
        self.edges = np.array(windows, np.float64).reshape(-1, 4)
        self.inner = self.edges != (0, 0, width, height)
        self.sides = self.edges[:, 2:] - self.edges[:, :2]
        self.size = np.array([width, height], np.float64)
        # The number of the window that is the whole image; -1 where none is.
        self.whole = int(np.append(np.flatnonzero(~self.inner.any(1)), -1)[0])
        common = _clipped(self.edges[:, np.newaxis], self.edges)
        smaller = np.minimum(self.sides[:, np.newaxis], self.sides)
        self.beside = (common[..., 2:] - common[..., :2] == smaller).any(2)


class _Parts:
    """The detections of one class, the highest score first.

    `boxes` is float64 [N, 4] in pixels of the image, `tiles` has the number of the window of each, `edges` float64 [N, 4] that
    window, and `cut` bool [N, 4] says which sides of a box its window cuts off. `partners` are for each the others that may be of
    the same object, with how well one box explains both.
    """

    def __init__(self, found: Sequence[Tuple[int, Detection]], grid: _Grid) -> None:
        ranked = sorted(found, key=lambda part: -part[1].score)
        self._items = [item for _, item in ranked]
        self._grid = grid
        self.tiles = [tile for tile, _ in ranked]
        self.edges = grid.edges[self.tiles]
        self.boxes = np.array([item.box.as_tuple() for item in self._items], np.float64) + np.tile(self.edges[:, :2], 2)
        near = np.abs(self.boxes - self.edges) <= _TOUCH * np.tile(grid.sides[self.tiles], 2)
        self.cut = near & grid.inner[self.tiles]
        self.partners: Dict[int, Dict[int, float]] = {}
        first, second = self._touching(grid)
        fits = self._fits(np.stack([first, second], 1))
        for one, other, fit in zip(first.tolist(), second.tolist(), fits.tolist()):
            if fit >= SAME:
                self.partners.setdefault(one, {})[other] = fit
                self.partners.setdefault(other, {})[one] = fit
        self._waiting = np.ones(len(ranked), bool)

    def objects(self, least: float) -> List[Detection]:
        """The objects of which a part has a score of at least `least`."""
        found = []
        for first, item in enumerate(self._items):
            if item.score < least:
                break
            if self._waiting[first]:
                members = self._grown(first)
                self._waiting[members] = False
                box = self.boxes[first]
                if len(members) > 1:
                    box = self._composed(np.array([members]))[0]
                    self._leave_out(box)
                found.append(replace(item, score=self._score(members, box), box=Box(*box.tolist())))
        return found

    def _score(self, members: List[int], box: np.ndarray) -> float:
        """The score of an object with this box."""
        uncut = [member for member in members if not self.cut[member].any()]
        score = max(self._items[member].score for member in uncut or members)
        if self._grid.whole < 0 or ((box[2:] - box[:2]) < _LARGE * self._grid.size).all():
            return score
        in_tiles = [member for member in uncut or members if self.tiles[member] != self._grid.whole]
        in_whole = [member for member in members if self.tiles[member] == self._grid.whole]
        return max(
            max((self._items[member].score for member in in_whole), default=0.0),
            _UNCONFIRMED * max((self._items[member].score for member in in_tiles), default=0.0),
        )

    def _touching(self, grid: _Grid) -> Tuple[np.ndarray, np.ndarray]:
        """The pairs of detections that overlap, in windows beside each other; of each the one with the higher score first."""
        tiles = np.array(self.tiles)
        pairs = np.triu(grid.beside[tiles[:, np.newaxis], tiles] & (tiles[:, np.newaxis] != tiles), 1)
        # One axis after the other: of a grid of many tiles, these are the largest arrays.
        for start, end in (self.boxes[:, ::2].T, self.boxes[:, 1::2].T):
            pairs &= start[:, np.newaxis] < end
            pairs &= start < end[:, np.newaxis]
        first, second = np.nonzero(pairs)
        return first, second

    def _grown(self, first: int) -> List[int]:
        """`first` with the parts of the same object in other tiles, at most one of each."""
        members = [first]
        # Of two detections, how well one box explains both is known; with more, it is seen whether one explains all.
        fits = {other: fit for other, fit in self.partners.get(first, {}).items() if self._waiting[other]}
        while fits:
            best = max(fits, key=lambda part: (fits[part], -part))
            if fits[best] < SAME:
                break
            members.append(best)
            taken = {self.tiles[member] for member in members}
            nearby = {other for member in members for other in self.partners[member]}
            others = [other for other in nearby if self._waiting[other] and self.tiles[other] not in taken]
            groups = np.array([sorted([*members, other]) for other in others], int).reshape(-1, len(members) + 1)
            fits = dict(zip(others, self._fits(groups).tolist()))
        return sorted(members)

    def _leave_out(self, box: np.ndarray) -> None:
        """As suppression within each tile would do, had the tile shown the object as it is now known."""
        rest = np.flatnonzero(self._waiting)
        shown = _clipped(box, self.edges[rest])
        self._waiting[rest[_ious(self.boxes[rest], shown) > _SUPPRESSED]] = False

    def _fits(self, members: np.ndarray) -> np.ndarray:
        """How well one box explains the detections in each row of `members`, int [P, M], each row rising.

        That is the least IoU of one of them with what its window shows of that box.
        """
        shown = _clipped(self._composed(members)[:, np.newaxis], self.edges[members])
        ious: np.ndarray = _ious(self.boxes[members], shown).min(1)
        return ious

    def _composed(self, members: np.ndarray) -> np.ndarray:
        """The box [P, 4] of an object, of its parts `members`, int [P, M], each row rising."""
        boxes, cut = self.boxes[members], self.cut[members]
        rows = np.arange(len(members))
        outermost = np.concatenate([boxes[..., :2].min(1), boxes[..., 2:].max(1)], 1)
        shown = np.take_along_axis(boxes, (~cut).argmax(1)[:, np.newaxis], 1)[:, 0]
        continued = np.where(cut.all(1), outermost, shown)
        whole = ~cut.any(2)
        composed: np.ndarray = np.where(whole.any(1)[:, np.newaxis], boxes[rows, whole.argmax(1)], continued)
        return composed


def _clipped(boxes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """What lies of `boxes` [..., 4] within `edges`; where that is nothing, an end is not beyond its start."""
    return np.concatenate(
        [np.maximum(boxes[..., :2], edges[..., :2]), np.minimum(boxes[..., 2:], edges[..., 2:])], axis=-1
    )


def _ious(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The IoU of each of `boxes` float64 [..., 4] with that of `others` in the same place."""
    return iou(np.moveaxis(boxes, -1, 0), np.moveaxis(others, -1, 0), _areas(boxes), _areas(others))


def _areas(boxes: np.ndarray) -> np.ndarray:
    area: np.ndarray = np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(-1)
    return area


def _is_same(item: Detection, other: Detection) -> bool:
    if item.class_id != other.class_id:
        return False
    boxes = np.array([item.box.as_tuple(), other.box.as_tuple()], np.float64)
    return bool(_ious(boxes[0], boxes[1]) > SAME)

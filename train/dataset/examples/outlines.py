"""Boxes around outlines: polygons, and masks as run-length codes (RLE) in COCO's two ways.

The code of compressed masks is that of `rleFrString` in cocoapi's `common/maskApi.c`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Optional

Sides = tuple[float, float, float, float]

# A mask of an image with 2^28 pixels has at most so many runs, of which no annotation has more than some thousand.
_MAX_RUNS = 1 << 22
_MAX_SIDE = 1 << 20


def box_around(segmentation: Any) -> Optional[Sides]:
    """Returns (xmin, ymin, xmax, ymax) around an outline of COCO's `segmentation`; None if it has no area to surround.

    That is a list of polygons [x, y, x, y, ...], one polygon, or a mask {"size": [height, width], "counts": ...},
    whose pixels are counted column by column, and which ends with the pixel's far side.
    """
    if isinstance(segmentation, dict):
        return _around_mask(segmentation)
    if not isinstance(segmentation, list) or not segmentation:
        return None
    polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
    xs: list[float] = []
    ys: list[float] = []
    for polygon in polygons:
        if not isinstance(polygon, list):
            return None
        if polygon and all(isinstance(point, list) and len(point) == 2 for point in polygon):
            polygon = [value for point in polygon for value in point]
        if len(polygon) % 2 or not all(map(_is_length, polygon)):
            return None
        xs += polygon[::2]
        ys += polygon[1::2]
    return (min(xs), min(ys), max(xs), max(ys)) if len(xs) > 1 else None


def _around_mask(mask: dict[str, Any]) -> Optional[Sides]:
    size, counts = mask.get("size"), mask.get("counts")
    if not isinstance(size, list) or len(size) != 2:
        return None
    height, width = size
    if not all(isinstance(side, int) and 0 < side <= _MAX_SIDE for side in size):
        return None
    if isinstance(counts, str):
        counts = _decompressed(counts)
    if not isinstance(counts, list) or len(counts) > _MAX_RUNS:
        return None
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
        return None
    return None if sum(counts) > height * width else _around_runs(counts, height)


def _around_runs(counts: Sequence[int], height: int) -> Optional[Sides]:
    at = 0
    xmin, ymin, xmax, ymax = 1 << 62, 1 << 62, -1, -1
    for number, count in enumerate(counts):
        # Runs of background and of the object take turns.
        if number % 2 and count:
            first, last = divmod(at, height), divmod(at + count - 1, height)
            xmin, xmax = min(xmin, first[0]), max(xmax, last[0])
            whole = first[0] != last[0]
            ymin = min(ymin, 0 if whole else first[1])
            ymax = max(ymax, height - 1 if whole else last[1])
        at += count
    return None if xmax < 0 else (float(xmin), float(ymin), xmax + 1.0, ymax + 1.0)


def _decompressed(text: str) -> Optional[list[int]]:
    if len(text) > 4 * _MAX_RUNS:
        return None
    counts: list[int] = []
    for value in _varints(text):
        if value is None:
            return None
        # From the fourth run on the difference to the last but one is written.
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts


def _varints(text: str) -> Iterator[Optional[int]]:
    """Yields numbers of six bits a character: five of the number, low ones first, and one that says if more follow."""
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            yield None
            return
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            yield value - (1 << shift) if bits & 0x10 else value
            value, shift = 0, 0
    if shift:
        yield None


def _is_length(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9

"""Recognition of the columns of a table without a header, by what its cells look like.

Roboflow and keras-retinanet write `path, x1, y1, x2, y2, class`, others the class's number before the box; Model Maker, AutoML and Vertex AI
`set, path, class, xmin, ymin, , , xmax, ymax, ,` or all four corners; makesense.ai
`class, x, y, width, height, path, image width, image height`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Optional

from train.dataset.examples.image_info import SUFFIXES
from train.dataset.tables.layout import Layout, from_corners, from_polygon, from_size, split_value

PATH, NUMBER, TEXT, SPLIT, EMPTY = "path", "number", "text", "split", "empty"


def by_shape(lines: Sequence[Sequence[str]], is_image: Callable[[str], bool]) -> Optional[Layout]:
    """Returns the layout of a table without header that begins with `lines`; None if it is no table of boxes.

    `is_image` says if a cell is the name of an image of the data set.
    """
    width = max(map(len, lines), default=0)
    # Lines of background have fewer cells, or empty ones, and are no guide.
    columns = [[line[column] for line in lines if column < len(line)] for column in range(width)]
    kinds = [_kind(cells, is_image) for cells in columns]
    paths = [column for column, kind in enumerate(kinds) if kind == PATH]
    if not paths:
        return None
    path = paths[0]
    numbers = [column for column, kind in enumerate(kinds) if kind == NUMBER]
    texts = [column for column, kind in enumerate(kinds) if kind == TEXT]
    split = next((column for column, kind in enumerate(kinds) if kind == SPLIT), None)
    if split is not None and not texts:
        # A class called train.
        texts, split = [split], None
    if len(numbers) in (5, 7) and not texts:
        # The class is a number: the last column, unless an image's size follows the path, or the first looks more like one.
        texts = [numbers.pop(0 if len(numbers) == 5 and _is_class_first([columns[column] for column in numbers]) else -1)]
    if len(texts) != 1 or len(numbers) not in (4, 6, 8):
        return None
    label, size, sides = texts[0], None, from_corners
    if len(numbers) == 6:
        after = [column for column in numbers if column > path]
        if len(after) == 2:
            size, numbers, sides = (after[0], after[1]), numbers[:4], from_size
        else:
            size, numbers = (numbers[0], numbers[1]), numbers[2:]
    if len(numbers) == 8:
        sides = from_polygon
    names = tuple(f"column {column + 1}" for column in numbers)
    if sides is from_corners:
        names = ("xmin", "ymin", "xmax", "ymax")
    needed = max((*numbers, path, label)) + 1
    return Layout(path, tuple(numbers), names, sides, label, size, split, header=False, columns=needed)


def _is_class_first(columns: Sequence[Sequence[str]]) -> bool:
    """Returns True if of five columns of numbers the first has fewer values than the last, whole ones, before good boxes."""
    first, last = set(columns[0]), set(columns[-1])
    boxes = zip(*(map(float, filter(None, column)) for column in columns[1:]))
    good = all(xmin < xmax and ymin < ymax for xmin, ymin, xmax, ymax in boxes)
    return good and all(map(str.isdecimal, first)) and len(first) < len(last)


def images_column(lines: Sequence[Sequence[str]]) -> Optional[int]:
    """Returns the only column whose cells are all file names of images, whatever it is called; None if there is none."""
    width = min(map(len, lines), default=0)
    found = [column for column in range(width) if all(_is_file_name(line[column]) for line in lines)]
    return found[0] if len(found) == 1 else None


def _is_file_name(cell: str) -> bool:
    return os.path.splitext(cell)[1].lower() in SUFFIXES


def _kind(cells: Sequence[str], is_image: Callable[[str], bool]) -> str:
    filled = [cell for cell in cells if cell]
    if not filled:
        return EMPTY
    if all(map(_is_number, filled)):
        return NUMBER
    if all(split_value(cell) is not None for cell in filled):
        return SPLIT
    if all(_is_file_name(cell) or is_image(cell) for cell in filled):
        return PATH
    return TEXT


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True

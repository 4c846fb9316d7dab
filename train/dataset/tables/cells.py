"""Boxes and class names that a table has as JSON, or as a list, in one cell."""

from __future__ import annotations

import json
import math
from typing import Any, Optional

from train.dataset.examples.image_files import quoted
from train.dataset.tables.layout import Sides, from_polygon, from_size

_MAX_CELL = 1 << 15
_LABEL_KEYS = ("class", "label", "name", "type", "category", "object", "object_name", "class_name")


def box(cell: str) -> Optional[Sides]:
    """Returns the sides of a box in a cell; None for an empty one.

    The cell has `[xmin, ymin, width, height]`, as COCO and Kaggle write it, or an object with named sides. Raises
    ValueError with the fault for anything else.
    """
    text = cell.strip()
    if text.lower() in ("", "nan", "[]", "none", "null"):
        return None
    value = _json(text)
    if value is None:
        value = _numbers(text.strip("[](){} ").replace(",", " ").split())
    if isinstance(value, dict):
        return _named(value, cell)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        raise ValueError(f"has the box {quoted(cell)}, which is not four numbers")
    return from_size(value)


def via_shape(cell: str) -> Optional[Sides]:
    """Returns the sides of the box around a shape of the VGG Image Annotator; None if the cell has none.

    Raises ValueError with the fault if it is no shape with an area.
    """
    if cell.strip() in ("", "{}"):
        return None
    value = _json(cell)
    if not isinstance(value, dict):
        raise ValueError(f"has the shape {quoted(cell)}, which is not JSON")
    kind = value.get("name")
    if kind == "rect":
        return from_size(_values(value, ("x", "y", "width", "height")))
    if kind in ("polygon", "polyline"):
        xs, ys = value.get("all_points_x"), value.get("all_points_y")
        if isinstance(xs, list) and isinstance(ys, list) and xs and len(xs) == len(ys) and all(map(is_number, xs + ys)):
            return min(xs), min(ys), max(xs), max(ys)
    if kind in ("circle", "ellipse"):
        across, down = ("r", "r") if kind == "circle" else ("rx", "ry")
        x, y, rx, ry = _values(value, ("cx", "cy", across, down))
        return from_polygon((x - rx, y - ry, x + rx, y + ry))
    raise ValueError(f"has the shape {quoted(kind)}, around which there is no box")


def via_label(cell: str) -> str:
    """Returns the class name in the attributes of a region; empty if there is none."""
    value = _json(cell)
    if not isinstance(value, dict) or not value:
        return ""
    lower = {key.lower(): text for key, text in value.items()}
    chosen = next((lower[key] for key in _LABEL_KEYS if key in lower), next(iter(value.values())))
    if isinstance(chosen, dict):
        # A group of check boxes: {"cat": true}.
        chosen = next((key for key, ticked in chosen.items() if ticked), "")
    return chosen if isinstance(chosen, str) else ""


def is_number(value: object) -> bool:
    """Returns True for a finite number that may count pixels."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _json(text: str) -> Any:
    """Returns the value of JSON, or of Python's way to write it; None if the cell holds something else."""
    if len(text) > _MAX_CELL or not text.startswith(("{", "[")):
        return None
    for candidate in (text, text.replace("'", '"')):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    return None


def _numbers(words: list[str]) -> Optional[list[float]]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None


def _named(value: dict[str, Any], cell: str) -> Sides:
    names = {key.lower().replace("_", ""): number for key, number in value.items()}
    for family in (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("left", "top", "right", "bottom")):
        if all(is_number(names.get(name)) for name in family):
            xmin, ymin, xmax, ymax = (float(names[name]) for name in family)
            return xmin, ymin, xmax, ymax
    for family in (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height")):
        if all(is_number(names.get(name)) for name in family):
            return from_size([float(names[name]) for name in family])
    raise ValueError(f"has the box {quoted(cell)}, whose sides have no known names")


def _values(value: dict[str, Any], names: tuple[str, ...]) -> list[float]:
    numbers = [value.get(name) for name in names]
    found = [float(number) for number in numbers if isinstance(number, (int, float)) and is_number(number)]
    if len(found) < len(names):
        raise ValueError(f"has a shape whose {', '.join(names)} are not all numbers")
    return found

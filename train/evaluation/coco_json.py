"""Reads and checks object annotations in COCO's JSON format (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from train.dataset.coco import rules


def _id(value: object) -> rules.Key:
    """The id in the form in which ids are compared. Raises ValueError for what is no id."""
    key = rules.key(value)
    if key is None:
        raise ValueError(f"{value!r} is no id")
    return key


# The fields that are read, and the function that converts each value.
_Fields = Mapping[str, Callable[[Any], Any]]
_IMAGE: _Fields = {"id": _id, "file_name": str, "width": int, "height": int}
_CATEGORY: _Fields = {"id": _id, "name": str}
_ANNOTATION: _Fields = {"image_id": _id, "category_id": _id, "bbox": lambda value: [float(side) for side in value]}


def read(path: str | os.PathLike[str]) -> dict[str, list[dict[str, Any]]]:
    """The lists `images`, `categories` and `annotations` of the file, with the fields that evaluation needs.

    Ids are numbers: those of the file, compared as `rules.key` says, or new ones where some are text. Annotations get new
    ones from 1 on. `iscrowd` is that of `rules.crowds`. A missing `area` is computed from the box.
    Raises InputError if the file is missing, not JSON, not in COCO's format, or without boxes.
    """
    try:
        return _checked(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file: {error}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    except (_Malformed, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not COCO annotations: {error}") from error


class _Malformed(Exception):
    """The message says what is wrong in the file, and where."""


def _checked(data: Any) -> dict[str, list[dict[str, Any]]]:
    images = _rows(data, "images", _IMAGE)
    categories = _rows(data, "categories", _CATEGORY)
    annotations = _rows(data, "annotations", _ANNOTATION)
    for name, rows, field in (
        ("images", images, "id"),
        ("images", images, "file_name"),
        ("categories", categories, "id"),
        ("categories", categories, "name"),
    ):
        if len({row[field] for row in rows}) < len(rows):
            raise _Malformed(f"two {name} have the same {field}")
    crowds = rules.crowds(data["annotations"])
    known = {"image_id": {row["id"] for row in images}, "category_id": {row["id"] for row in categories}}
    for number, (row, given) in enumerate(zip(annotations, data["annotations"])):
        for field, ids in known.items():
            if row[field] not in ids:
                raise _Malformed(f"annotations[{number}] has the {field} {row[field]}, which does not exist")
        if len(row["bbox"]) != 4:
            raise _Malformed(f"annotations[{number}] has a bbox of {len(row['bbox'])} numbers, not 4")
        row["iscrowd"] = int(number in crowds.numbers)
        row["area"] = float(given.get("area") or row["bbox"][2] * row["bbox"][3])
        # pycocotools uses the id 0 for a box that is not matched.
        row["id"] = number + 1
    if not images or not annotations:
        raise _Malformed("no images or no boxes in it; there is nothing to measure against")
    _number(images, annotations, "image_id")
    _number(categories, annotations, "category_id")
    return {"images": images, "categories": categories, "annotations": annotations}


def _number(rows: list[dict[str, Any]], annotations: list[dict[str, Any]], field: str) -> None:
    """Replaces the ids of `rows` by numbers from 1 on if some are text, which pycocotools does not take."""
    if all(isinstance(row["id"], int) for row in rows):
        return
    numbers = {row["id"]: number for number, row in enumerate(rows, start=1)}
    for row in rows:
        row["id"] = numbers[row["id"]]
    for annotation in annotations:
        annotation[field] = numbers[annotation[field]]


def _rows(data: Any, name: str, fields: _Fields) -> list[dict[str, Any]]:
    if not isinstance(data, dict) or not isinstance(data.get(name), list):
        raise _Malformed(f"it has no list {name!r}")
    rows = []
    for number, given in enumerate(data[name]):
        try:
            rows.append({field: make(given[field]) for field, make in fields.items()})
        except KeyError as error:
            raise _Malformed(f"{name}[{number}] has no {error}") from error
        except (TypeError, ValueError) as error:
            raise _Malformed(f"{name}[{number}]: {error}") from error
    return rows

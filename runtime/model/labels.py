"""Finds the class names of a model: given, inside the file, or beside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from runtime.common.errors import InputError
from runtime.common.values import Labels
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model

# What label files of TF1 detectors call the row of the background class, which a detector's
# class ids leave out.
BACKGROUND = ("???", "background", "__background__")

# Label files beside a model, `{stem}` being the model's name without .tflite; the closest fit first.
BESIDE = ("{stem}_labels.txt", "{stem}.txt", "labels.txt", "labelmap.txt")

_NUMBERED = re.compile(r"(\d+)[\s:]+(\S.*)")


@dataclass(frozen=True)
class Found:
    """`labels`, and `where` they were found; `where` is empty when there were none to be found."""

    labels: Labels
    where: str


def find(
    model: Model, metadata: Optional[Metadata], given: Union[Labels, str, os.PathLike, None] = None
) -> Found:
    """The labels of `model`, read from `model.where` and around it unless `given`.

    Without any, the labels are empty and name each class `class N`. Raises InputError where `given`
    cannot be read, or the model names a label file that it does not hold.
    """
    if isinstance(given, Labels):
        return Found(given, "the caller")
    if given is not None:
        return Found(read(given), str(given))
    inside = _inside(model, metadata)
    if inside is not None:
        return inside
    place = Path(model.where)
    for pattern in BESIDE:
        path = place.with_name(pattern.format(stem=place.stem))
        if path.is_file():
            return Found(read(path), str(path))
    return Found(Labels(()), "")


def read(path: Union[str, os.PathLike]) -> Labels:
    """Reads a label file of any of the usual kinds; see `parse`. Raises InputError."""
    return _tidy(Labels.read(path))


def parse(text: str, where: str) -> Labels:
    """Labels from text with one name a line, counted from 0.

    A first line for the background is left out. Where the lines are numbered from 0 (`0  person`),
    as older Coral files are, the numbers count and not the lines. Raises InputError where empty.
    """
    return _tidy(Labels.parse(text, where))


def _tidy(labels: Labels) -> Labels:
    matches = [_NUMBERED.fullmatch(name) for name in labels if name]
    if matches and all(matches):
        numbers = [int(match.group(1)) for match in matches]
        # Only lists that count up from 0: `1 euro`, `2 euro` are names. The last number is bounded
        # since it makes that many labels.
        if numbers[0] == 0 and sorted(set(numbers)) == numbers and numbers[-1] < 100_000:
            names = {number: match.group(2) for number, match in zip(numbers, matches)}
            return Labels(tuple(names.get(i, f"class {i}") for i in range(numbers[-1] + 1)))
    if len(labels) > 1 and labels[0].lower() in BACKGROUND:
        return Labels(labels.names[1:])
    return labels


def _inside(model: Model, metadata: Optional[Metadata]) -> Optional[Found]:
    if metadata is None:
        return None
    named = [file for file in metadata.all_files() if file.holds_labels and file.name]
    if not named:
        return None
    # A list without a locale is the plain one; the others are translations of it.
    best = min(named, key=lambda file: bool(file.locale))
    files = model.associated_files()
    if best.name not in files:
        raise InputError(
            f"{model.where}: its metadata names the label file {best.name}, which is not in it; "
            "get the whole file again, or give --labels"
        )
    where = f"{best.name} in {model.where}"
    return Found(parse(files[best.name].decode("utf-8-sig", errors="replace"), where), where)

"""Finds the class names of a model: given by the caller, inside the file, or in a file beside it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from runtime.common.errors import InputError
from runtime.common.values import Labels
from runtime.model import label_formats, yolo_export
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model

# Names of the background class in the label files of TF1 detectors. Class ids do not count it.
BACKGROUND = ("???", "background", "__background__")

# Names of label files beside a model, in the order of the search. `{stem}` is the name of the model without .tflite.
BESIDE = ("{stem}_labels.txt", "{stem}.txt", "labels.txt", "labelmap.txt")

_COCO = " (COCO's list of 90 has gaps, the first at 12)"

_NUMBERED = re.compile(r"(\d+)[\s:]+(\S.*)")


@dataclass(frozen=True)
class FoundLabels:
    """The labels of a model, and `where` they were found; `where` is empty where there are none."""

    labels: Labels
    where: str


def find(
    model: Model, metadata: Optional[Metadata], given: Union[Labels, str, os.PathLike[str], None] = None
) -> FoundLabels:
    """The labels of `model`: those `given`, else those packed into the file, else those of a file beside it.

    Where there are none, the labels are empty, and classes are called `class N`. Raises InputError where `given`
    cannot be read, or where the metadata names a label file that is not in the model.
    """
    if isinstance(given, Labels):
        return FoundLabels(given, "the caller")
    if given is not None:
        return FoundLabels(read(given), str(given))
    packed = inside(model, metadata)
    if packed is not None:
        return packed
    model_path = Path(model.where)
    for pattern in BESIDE:
        path = model_path.with_name(pattern.format(stem=model_path.stem))
        if path.is_file():
            return FoundLabels(read(path), str(path))
    return FoundLabels(Labels(()), "")


def inside(model: Model, metadata: Optional[Metadata]) -> Optional[FoundLabels]:
    """The labels that are packed into the file of `model`; None where there are none.

    The metadata says which file has them. Without metadata they are in the file that YOLO exporters append. Raises
    InputError where the metadata names a label file that is not in the model.
    """
    named = [file for file in metadata.all_files() if file.holds_labels and file.name] if metadata else []
    if not named:
        names = yolo_export.names(model)
        return None if names is None else FoundLabels(Labels(names), f"the export's description in {model.where}")
    # A list without a locale is the original; the others are translations of it.
    best = min(named, key=lambda file: bool(file.locale))
    files = model.associated_files()
    if best.name not in files:
        raise InputError(
            f"{model.where}: its metadata names the label file {best.name}, which is not in it; "
            "get the whole file again, or give --labels"
        )
    where = f"{best.name} in {model.where}"
    return FoundLabels(parse(files[best.name].decode("utf-8-sig", errors="replace"), where), where)


def read(path: Union[str, os.PathLike[str]]) -> Labels:
    """Reads a label file in any of the formats of `parse`. Raises InputError where it is missing or empty."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read labels: {error}") from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Labels:
    """Labels from text with one name in each line, or in a format of `label_formats`; class ids count from 0.

    A background class in the first line is left out. Where every line begins with a number and the first is 0
    (`0  person`, as in older files of Coral), the numbers are the class ids. Raises InputError where `text` is empty.
    """
    names = label_formats.parse(text, where)
    if names is not None:
        return _without_background(Labels(names))
    return _normalize(Labels.parse(text, where))


def mismatch(found: FoundLabels, classes: Optional[int]) -> str:
    """What is wrong with the length of the list for a model of so many classes; empty where nothing is.

    `classes` is None where the model does not say.
    """
    count = len(found.labels)
    if not count or classes is None or count == classes:
        return ""
    names = "1 name" if count == 1 else f"{count} names"
    return (
        f"{found.where}: {names}, but the model has {classes} classes, so names may stand for the wrong classes; "
        "give the list that it was trained with, with a line for each class number" + (_COCO if count == 80 else "")
    )


def _normalize(labels: Labels) -> Labels:
    lines = [name for name in labels if name]
    matches = [match for match in map(_NUMBERED.fullmatch, lines) if match is not None]
    if matches and len(matches) == len(lines):
        numbers = [int(match.group(1)) for match in matches]
        # Only lists that count up from 0: `1 euro`, `2 euro` are names. The last number is limited, since it makes
        # that many labels.
        if numbers[0] == 0 and sorted(set(numbers)) == numbers and numbers[-1] < 100_000:
            names = {number: match.group(2) for number, match in zip(numbers, matches)}
            return Labels(tuple(names.get(i, f"class {i}") for i in range(numbers[-1] + 1)))
    return _without_background(labels)


def _without_background(labels: Labels) -> Labels:
    if len(labels) > 1 and labels[0].lower() in BACKGROUND:
        return Labels(labels.names[1:])
    return labels

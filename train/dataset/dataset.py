"""Opening of data sets of labelled images and splitting into training and validation."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from train.dataset import formats, grouping, splitting
from train.dataset.examples import label_map
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import cached_walks, quoted
from train.dataset.formats import Splits
from train.files import archives

__all__ = ["Dataset", "Example", "LabelledBox", "open_dataset", "write_labels"]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Dataset:
    """A data set of labelled images, split into training and validation.

    `labels` are the classes that have a box in training, in the data set's own order or, if it has none,
    sorted by name. Class ids count from 0 (in TFRecords and label maps from 1, where 0 is background).
    `problems` has one line for each image or box that was left out. `test` is the data set's own test split, which
    training does not use; empty if it has none. Where the data set has no other validation split, it is that as well.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    labels: Labels
    problems: tuple[str, ...]
    name: str
    test: tuple[Example, ...] = ()


def open_dataset(
    path: PathLike,
    *,
    format: Optional[str] = None,
    validation: Optional[PathLike] = None,
    validation_share: float = 0.2,
    seed: int = 0,
    group_by: str = grouping.AUTO,
) -> Dataset:
    """Reads and checks the data set at `path`, a folder or a zip file.

    `format` is the name of a module in `train.dataset.formats`; by default the format is detected.
    The validation images are, in this order of preference: the data set at `validation` (its own
    validation split if it has one, else all of it); the data set's own validation split;
    `validation_share` of the images, drawn with `seed` and the examples' ids, so that the order of the
    files does not matter. Images that belong together by `group_by` (see `grouping.Rule`), files with the same bytes
    in any case, come on one side (see `splitting.divide`).

    Raises InputError if the data cannot be read, too much of it is bad, it has no box, it cannot be
    split, or a class occurs only in validation.
    """
    path = Path(path)
    splits = read(path, format)
    problems = splits.problems
    other = other_path = None
    if validation is not None:
        other_path = Path(validation)
        other = read(other_path, format)
        held_out = other.train if other.validation is None else other.validation
        problems += other.problems
        if held_out and not any(example.boxes for example in held_out):
            raise InputError(f"{validation}: not one box in {len(held_out)} images: nothing to measure against")
    found = splitting.divide(
        splits, path, share=validation_share, seed=seed, group_by=group_by, other=other, other_path=other_path
    )
    train, held_out = found.train, found.validation
    labels, more = _labels(train, held_out, splits.labels, path)
    problems = found.shared_notes + problems + found.notes + more
    name = path.stem if path.is_file() else path.resolve().name
    return Dataset(train, held_out, labels, problems, name, splits.test)


def write_labels(labels: Labels, folder: PathLike) -> None:
    """Writes `labels.txt` (one name per line) and `label_map.pbtxt` (Object Detection API) to `folder`."""
    folder = Path(folder)
    write_text(folder / "labels.txt", labels.text())
    write_text(folder / "label_map.pbtxt", label_map.text(labels))


def read(path: PathLike, format: Optional[str] = None) -> Splits:
    """Reads the data set at `path` with the splits that it has itself.

    Raises InputError if the data cannot be read or too much of it is bad.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such data set")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise InputError(f"{path}: neither a folder nor a whole zip file; give one with labelled images")
    folder = archives.extract(path) if path.is_file() else path
    try:
        with cached_walks():
            reader = formats.find(format) if format else formats.detect(folder)
            return reader.read(folder)
    except OSError as error:
        raise InputError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error


def _labels(
    train: tuple[Example, ...], validation: tuple[Example, ...], order: Optional[tuple[str, ...]], path: Path
) -> tuple[Labels, tuple[str, ...]]:
    """Returns the classes that occur in training, in `order`, and a note on the other names in `order`."""
    if not validation:
        raise InputError(f"{path}: not one image to validate on")
    seen = {label for example in train for label in _classes(example)}
    unseen = {label for example in validation for label in _classes(example)} - seen
    if unseen:
        names = ", ".join(repr(name) for name in sorted(unseen))
        raise InputError(
            f"{path}: {names} appears only in validation, so training would never see it;"
            " add images of it to training, or take it out of validation"
        )
    if not seen:
        raise InputError(f"{path}: not one box in {len(train)} images; there is nothing to learn")
    if order is None:
        return Labels(tuple(sorted(seen))), ()
    absent = [name for name in order if name not in seen]
    names = ", ".join(map(quoted, absent[:3])) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
    lines = (f"{path}: no box to train on of {names}, which it names: not among the classes",) if absent else ()
    known = tuple(name for name in order if name in seen)
    return Labels(known + tuple(sorted(seen.difference(known)))), lines


def _classes(example: Example) -> set[str]:
    return {box.label for box in example.boxes}

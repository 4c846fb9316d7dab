"""Data sets of labelled images: opened, checked, and split into training and validation."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional, Union

from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from train.dataset import formats
from train.dataset.examples import label_map
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import quoted, cached_walks
from train.dataset.formats import Splits
from train.files import archives

__all__ = ["Dataset", "Example", "LabelledBox", "open_dataset", "write_labels"]

PathLike = Union[str, os.PathLike]


@dataclass(frozen=True)
class Dataset:
    """Labelled images to train and to validate on.

    `labels` are the classes that have a box in training, in the order that the data set numbers them,
    else sorted by name; class ids count from 0 (in TFRecords and label maps from 1, where 0 is
    background). `problems` has one line for each thing in the data that was left out.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    labels: Labels
    problems: tuple[str, ...]
    name: str


def open_dataset(
    path: PathLike,
    *,
    format: Optional[str] = None,
    validation: Optional[PathLike] = None,
    validation_share: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """Reads and checks the data set at `path`, a folder or a zip file.

    `format` is the name of a module in `train.dataset.formats`; without it, the one that accepts the data.
    Validation is, in this order: the data set at `validation` (its own validation list where it has
    one, else all of it); the data's own list; `validation_share` of the images, drawn by `seed`
    and the examples' ids, whatever the order of the files.

    Raises InputError where the data cannot be read, is mostly bad, has no box, cannot be split, or
    has a class in validation that training would never see.
    """
    path = Path(path)
    splits = read(path, format)
    problems = splits.problems
    if validation is not None:
        other = read(validation, format)
        train = splits.train
        held_out = other.train if other.validation is None else other.validation
        problems += other.problems
        if held_out and not any(example.boxes for example in held_out):
            raise InputError(f"{validation}: not one box in {len(held_out)} images: nothing to measure against")
    else:
        train, held_out, lines = resolve_validation(splits, validation_share, seed, str(path))
        problems += lines
    labels, more = _labels(train, held_out, splits.labels, path)
    problems += more
    name = path.stem if path.is_file() else path.resolve().name
    return Dataset(train, held_out, labels, problems, name)


def resolve_validation(
    splits: Splits, share: float, seed: int, where: str
) -> tuple[tuple[Example, ...], tuple[Example, ...], tuple[str, ...]]:
    """Training, validation, and a line where that is neither the data's own list nor drawn from all.

    Raises InputError as `split` does.
    """
    own = splits.validation
    if own is None:
        return *split(splits.train, share, seed, where), ()
    if any(example.boxes for example in own):
        return splits.train, own, ()
    # Images of background alone still show what is found where nothing is.
    train, drawn = split(splits.train, share, seed, where)
    line = f"{where}: not one box in its own {len(own)} validation images; {len(drawn)} more drawn from the others"
    return train, tuple(sorted((*own, *drawn), key=_by_id)), (line,)


def split(
    examples: Iterable[Example], share: float, seed: int, where: str
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Splits into (training, validation), `share` of the examples in validation and at least one.

    Each example's place in the draw comes from a hash of `seed` and its id, so that neither the order
    of the files nor another image changes it. The last image of a class stays in training.
    Raises InputError where no split leaves an image on both sides.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of images to validate on must lie between 0 and 1, not {share}")
    drawn = sorted(examples, key=lambda example: hashlib.sha256(f"{seed}/{example.id}".encode()).digest())
    wanted = max(1, round(share * len(drawn)))
    left = Counter(label for example in drawn for label in _classes(example))
    train, validation = [], []
    for example in drawn:
        classes = _classes(example)
        if len(validation) < min(wanted, len(drawn) - 1) and all(left[label] > 1 for label in classes):
            left.subtract(classes)
            validation.append(example)
        else:
            train.append(example)
    if not train or not any(example.boxes for example in validation):
        raise InputError(
            f"{where}: {len(drawn)} images cannot be split into training and validation;"
            " add images, or give a data set to validate on"
        )
    return tuple(sorted(train, key=_by_id)), tuple(sorted(validation, key=_by_id))


def write_labels(labels: Labels, folder: PathLike) -> None:
    """Writes `labels.txt` (one name a line) and `label_map.pbtxt` (Object Detection API) to `folder`."""
    folder = Path(folder)
    write_text(folder / "labels.txt", labels.text())
    write_text(folder / "label_map.pbtxt", label_map.text(labels))


def read(path: PathLike, format: Optional[str] = None) -> Splits:
    """Everything in the data set at `path`, as its own lists split it. Raises InputError as `open_dataset` does."""
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
    """The classes that training sees, in `order`, and a line on those that it does not."""
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


def _by_id(example: Example) -> str:
    return example.id

"""Opening of data sets of labelled images and splitting into training and validation."""

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
    `problems` has one line for each image or box that was left out.
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

    `format` is the name of a module in `train.dataset.formats`; by default the format is detected.
    The validation images are, in this order of preference: the data set at `validation` (its own
    validation split if it has one, else all of it); the data set's own validation split;
    `validation_share` of the images, drawn with `seed` and the examples' ids, so that the order of the
    files does not matter.

    Raises InputError if the data cannot be read, too much of it is bad, it has no box, it cannot be
    split, or a class occurs only in validation.
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
    """Returns the training and validation examples, and notes on how validation was chosen.

    Uses the data set's own validation split if it has one with boxes; otherwise draws `share` of the
    training examples. If the own split has no boxes, the drawn examples are added to it, and a note says so.
    `where` names the data set in messages. Raises InputError as `split` does.
    """
    own = splits.validation
    if own is None:
        return *split(splits.train, share, seed, where), ()
    if any(example.boxes for example in own):
        return splits.train, own, ()
    # Background images remain useful: they show false positives.
    train, drawn = split(splits.train, share, seed, where)
    line = f"{where}: not one box in its own {len(own)} validation images; {len(drawn)} more drawn from the others"
    return train, tuple(sorted((*own, *drawn), key=_by_id)), (line,)


def split(
    examples: Iterable[Example], share: float, seed: int, where: str
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Splits examples into (training, validation), with `share` of them, and at least one, in validation.

    The draw sorts the examples by a hash of `seed` and their id, so that it depends neither on the order
    of the files nor on other images. The last image of a class stays in training. `where` names the data
    set in messages. Raises InputError if no such split has images, and boxes, on both sides.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of images to validate on must lie between 0 and 1, not {share}")
    drawn = sorted(examples, key=lambda example: hashlib.sha256(f"{seed}/{example.id}".encode()).digest())
    wanted = max(1, round(share * len(drawn)))
    left = Counter(label for example in drawn for label in _classes(example))
    train: list[Example] = []
    validation: list[Example] = []
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


def _by_id(example: Example) -> str:
    return example.id

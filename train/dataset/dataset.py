"""Opening of data sets of labelled images and splitting into training and validation."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Sequence, Union

from runtime.common.errors import InputError
from runtime.common.files import write_text
from runtime.common.values import Labels
from train.dataset import earlier as earlier_sides
from train.dataset import format_choice, grouping, several, splitting
from train.dataset.earlier import Earlier
from train.dataset.examples import label_map, packed
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import cached_walks, quoted
from train.dataset.examples.problems import MAX_BAD, allowed, collect_problems, hand_on
from train.dataset.examples.splits import test_split
from train.dataset.format_choice import NoDataSetError
from train.dataset.formats import Splits
from train.files import archives

__all__ = ["Dataset", "Example", "LabelledBox", "open_dataset", "write_labels"]

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True, repr=False)
class Dataset:
    """A data set of labelled images, split into training and validation.

    `labels` are the classes that have a box in training, in the data set's own order or, if it has none,
    sorted by name. Class ids count from 0 (in TFRecords and label maps from 1, where 0 is background).
    `problems` has one line for each image or box that was left out, and for each decision that the data left open.
    `bad_images` and `bad_boxes` count what could not be used. `format` is the format's name, `folder` the folder or
    zip file that was read, and `split` says in a few words where the validation images come from. `test` is the data
    set's own test split, which training does not use; empty if it has none. Where the data set has no other validation
    split, it is that as well.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    labels: Labels
    problems: tuple[str, ...]
    name: str
    bad_images: int = 0
    bad_boxes: int = 0
    format: str = ""
    folder: str = ""
    split: str = ""
    test: tuple[Example, ...] = ()

    def __repr__(self) -> str:
        counts = f"{len(self.train):,} images to train, {len(self.validation):,} to validate"
        return f"<Dataset {self.name}: {counts}, {len(self.labels)} classes>"

    def _repr_html_(self) -> str:
        """The classes and some annotated images, which is what a notebook shows."""
        from train.pages import labelled

        return labelled.fragment(
            self.name, self.train, self.validation, self.labels, split=self.split, problems=self.problems
        )


def open_dataset(
    path: PathLike | Sequence[PathLike],
    *,
    classes: Optional[PathLike] = None,
    format: Optional[str] = None,
    validation: Optional[PathLike] = None,
    validation_share: float = 0.2,
    seed: int = 0,
    group_by: str = grouping.AUTO,
    redraw: bool = False,
    allow_bad: float = MAX_BAD,
    earlier: Optional[Earlier] = None,
) -> Dataset:
    """Reads and checks the data set at `path`, a folder or a zip file; several become one (see `several.joined`).

    `classes` is a file with other names for classes (see `several.read_classes`).
    `format` is the name of a module in `train.dataset.formats`; by default the format is detected.
    Up to the share `allow_bad` of the examples, and of the boxes, may be bad; they are left out.
    The validation images are, in this order of preference: the data set at `validation` (its own
    validation split if it has one, else all of it); the data set's own validation split;
    `validation_share` of the images, drawn with `seed` and the examples' ids, so that the order of the
    files does not matter. With `redraw` the data set's own split is ignored. Images that belong together by `group_by`
    (see `grouping.Rule`), files with the same bytes in any case, come on one side (see `splitting.divide`).

    With `earlier`, the run that training goes on from, images that it knows stay on their side, and its classes come first.

    Classes that occur only in validation are left out, with their boxes. Raises InputError if the data cannot be
    read, too much of it is bad, it has no box, or it cannot be split.
    """
    paths = [Path(path)] if isinstance(path, (str, os.PathLike)) else [Path(one) for one in path]
    path = paths[0] if len(paths) == 1 else several.common_folder(paths)
    with collect_problems() as found:
        each = [read(one, format, redraw=redraw, allow_bad=allow_bad) for one in paths]
        if earlier is not None:
            share = None if validation is not None else validation_share
            each = [
                earlier_sides.keep_sides(one, where, earlier, share=share, seed=seed, group_by=group_by)
                for where, one in zip(paths, each)
            ]
        splits = several.all_as_one(
            list(zip(paths, each)), classes, share=validation_share, seed=seed, group_by=group_by
        )
        other = read(validation, format, allow_bad=allow_bad) if validation is not None else None
    if classes is not None and other is not None:
        other = several.renamed(other, several.read_classes(Path(classes)), "")
    if earlier is not None and other is not None:
        other = earlier_sides.held_out(other, earlier)
    hand_on(found)
    problems = splits.problems
    if problems and not any(example.boxes for example in splits.train):
        # What was left out says why.
        raise InputError(f"{path}: not one box in {len(splits.train)} images; there is nothing to learn ({'; '.join(problems[:2])})")
    if other is not None:
        held_out = other.train if other.validation is None else other.validation
        problems += other.problems
        if held_out and not any(example.boxes for example in held_out):
            raise InputError(f"{validation}: not one box in {len(held_out)} images: nothing to measure against")
    division = splitting.divide(
        splits,
        path,
        share=validation_share,
        seed=seed,
        group_by=group_by,
        other=other,
        other_path=None if validation is None else Path(validation),
    )
    train, held_out = division.train, division.validation
    known: tuple[str, ...] = ()
    if earlier is not None:
        train, held_out, known = earlier_sides.apart(train, held_out, earlier)
    labels, held_out, more = _labels(train, held_out, splits.labels, path, () if earlier is None else earlier.labels)
    if earlier is not None:
        labels, changes = earlier_sides.ordered(labels, train, earlier)
        known += changes
    problems = known + division.shared_notes + problems + division.notes + more
    name = "+".join(one.stem if one.is_file() else one.resolve().name for one in paths)
    bad = len(found.files), len(found.boxes)
    split = str(validation) if validation is not None else _split_source(division, validation_share, seed)
    where = " ".join(map(str, paths))
    return Dataset(train, held_out, labels, problems, name, *bad, splits.format, where, split, splits.test)


def after(dataset: Dataset, earlier: Earlier) -> Dataset:
    """`dataset` for training that goes on from the run `earlier`: with its classes first, and apart from its images.

    Raises InputError as `earlier.apart` does.
    """
    train, validation, notes = earlier_sides.apart(dataset.train, dataset.validation, earlier)
    labels, changes = earlier_sides.ordered(dataset.labels, train, earlier)
    return replace(
        dataset, train=train, validation=validation, labels=labels, problems=(*notes, *changes, *dataset.problems)
    )


def write_labels(labels: Labels, folder: PathLike) -> None:
    """Writes `labels.txt` (one name per line) and `label_map.pbtxt` (Object Detection API) to `folder`."""
    folder = Path(folder)
    write_text(folder / "labels.txt", labels.text())
    write_text(folder / "label_map.pbtxt", label_map.text(labels))


def read(
    path: PathLike, format: Optional[str] = None, *, redraw: bool = False, allow_bad: float = MAX_BAD
) -> Splits:
    """Reads the data set at `path` with the splits that it has itself; with `redraw`, as if it had none.

    Raises NoDataSetError if there is no data set, SeveralFormatsError if there are several that differ, and
    InputError if the data cannot be read or more than the share `allow_bad` of it is bad.
    """
    path = Path(path)
    if not path.exists():
        raise NoDataSetError(f"{path}: no such data set")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise NoDataSetError(f"{path}: neither a folder nor a whole zip file; {_of_file(path)}")
    folder = archives.extract(path) if path.is_file() else path
    try:
        with cached_walks(), allowed(allow_bad):
            choice = format_choice.read(folder, format)
    except NoDataSetError as error:
        # People know the zip file, not what it was extracted to.
        raise NoDataSetError(str(error).replace(str(folder), str(path))) from None
    except OSError as error:
        raise InputError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from error
    splits = replace(choice.splits, format=choice.format, reasons=choice.reasons)
    return _without_split(splits) if redraw else splits


def _of_file(path: Path) -> str:
    """What to do with a file that is no data set."""
    if path.suffix.lower() == ".zip":
        return "it is cut short or damaged, so get it again"
    if packed.is_packed(path):
        return "unpack it and give the folder, or pack it as a zip"
    return f"give the folder that holds both the images and their annotations, such as {path.parent}"


def _without_split(splits: Splits) -> Splits:
    if splits.validation is None:
        return splits
    examples = tuple(sorted((*splits.train, *splits.validation), key=lambda example: example.id))
    line = f"the data's own split, {len(splits.train)} to train and {len(splits.validation)} to validate, is drawn anew (--redraw)"
    test = test_split({"test": splits.test}, examples)
    return replace(splits, train=examples, validation=None, problems=(*splits.problems, line), test=test)


def _split_source(division: splitting.Division, share: float, seed: int) -> str:
    """Returns where the validation images come from, in a few words."""
    return "the data's own split" if division.own else f"{share:.0%} drawn with seed {seed}"


def _labels(
    train: tuple[Example, ...],
    validation: tuple[Example, ...],
    order: Optional[tuple[str, ...]],
    path: Path,
    kept: tuple[str, ...] = (),
) -> tuple[Labels, tuple[Example, ...], tuple[str, ...]]:
    """Returns the classes that occur in training, in `order`, and the validation examples without others.

    Boxes of the classes `kept`, which a network has already, are validated on without any in training.

    Notes name the classes without a box in training: those of validation, and those that only `order` has.
    """
    if not validation:
        raise InputError(f"{path}: not one image to validate on")
    seen = {label for example in train for label in _classes(example)}
    if not seen:
        raise InputError(f"{path}: not one box in {len(train)} images; there is nothing to learn")
    validation, unseen, lines = _without_unseen(validation, seen.union(kept), path)
    if order is None:
        return Labels(tuple(sorted(seen))), validation, lines
    absent = [name for name in order if name not in seen and name not in unseen and name not in kept]
    names = ", ".join(map(quoted, absent[:3])) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
    if absent:
        lines += (f"{path}: no box to train on of {names}, which it names: not among the classes",)
    known = tuple(name for name in order if name in seen)
    return Labels(known + tuple(sorted(seen.difference(known)))), validation, lines


def _without_unseen(
    validation: tuple[Example, ...], seen: set[str], path: Path
) -> tuple[tuple[Example, ...], set[str], tuple[str, ...]]:
    """Returns the validation examples without boxes of classes that are not in `seen`, these classes, and a note."""
    unseen = Counter(box.label for example in validation for box in example.boxes if box.label not in seen)
    if not unseen:
        return validation, set(), ()
    kept = tuple(
        replace(example, boxes=tuple(box for box in example.boxes if box.label in seen)) if _classes(example) - seen else example
        for example in validation
    )
    names = ", ".join(map(quoted, sorted(unseen)[:3])) + (f" and {len(unseen) - 3} more" if len(unseen) > 3 else "")
    if not any(example.boxes for example in kept):
        raise InputError(
            f"{path}: all boxes in validation are of classes without a box in training ({names}); draw the split anew"
            " with --redraw, or add images of them to training"
        )
    line = (
        f"{path}: no box to train on of {names}, only in validation: not among the classes, and"
        f" {unseen.total()} boxes are not measured (--redraw draws the split anew)"
    )
    return kept, set(unseen), (line,)


def _classes(example: Example) -> set[str]:
    return {box.label for box in example.boxes}

"""Several data sets as one: their classes matched by name, their images under names of their own."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset import grouping, splitting
from train.dataset.examples import content
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.formats import Splits
from train.files import untrusted_yaml

# A class by its name in a data set, and the one that it becomes; None leaves its boxes out.
Classes = Mapping[str, Optional[str]]


# What stands for no value in YAML.
_NOTHING = (None, "", "~", "null")


def read_classes(path: Path) -> Classes:
    """The mapping in a YAML file of lines `NAME: OTHER_NAME`; `NAME:` alone leaves a class out.

    Raises InputError for anything else.
    """
    found = untrusted_yaml.read(path, str(path))
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path}: give classes one a line, as in `car: vehicle`; `dog:` alone leaves a class out")
    for name, becomes in found.items():
        if not isinstance(name, (str, int, float)) or not (becomes is None or isinstance(becomes, (str, int, float))):
            raise InputError(f"{path}: {name}: is no name of a class, or becomes none")
    return {str(name): None if becomes in _NOTHING else str(becomes) for name, becomes in found.items()}


def renamed(splits: Splits, classes: Classes, where: str) -> Splits:
    """`splits` with its classes renamed.

    Raises InputError, which begins with `where`, for a class that no box has, since it is most likely misspelt; without
    `where` it is passed over.
    """
    used = {box.label for part in _parts(splits) for example in part for box in example.boxes}
    for name in classes if where else ():
        if name not in used and name not in (splits.labels or ()):
            near = difflib.get_close_matches(name, sorted(used), 1)
            raise InputError(f"{where}: no box is called {name!r}; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(used)[:10])}"))

    def change(part: tuple[Example, ...]) -> tuple[Example, ...]:
        return tuple(replace(example, boxes=_renamed(example.boxes, classes)) for example in part)

    labels = splits.labels and tuple(dict.fromkeys(new for name in splits.labels if (new := classes.get(name, name)) is not None))
    return replace(
        splits,
        train=change(splits.train),
        validation=None if splits.validation is None else change(splits.validation),
        test=change(splits.test),
        labels=labels,
    )


def all_as_one(
    found: Sequence[tuple[Path, Splits]],
    classes: str | os.PathLike[str] | None,
    *,
    share: float,
    seed: int,
    group_by: str = grouping.AUTO,
) -> Splits:
    """One data set as it is, several as by `joined`, with the classes of the file `classes`, if one is given.

    Raises InputError as `joined`, `read_classes` and `renamed` do.
    """
    splits = found[0][1] if len(found) == 1 else joined(found, share=share, seed=seed, group_by=group_by)
    return splits if classes is None else renamed(splits, read_classes(Path(classes)), str(classes))


def joined(found: Sequence[tuple[Path, Splits]], *, share: float, seed: int, group_by: str = grouping.AUTO) -> Splits:
    """The data sets as one, with a note on images that several of them have.

    Where one has validation images of its own, those of another that has none are drawn as by `splitting.divide`. Classes
    come in the order of the first data set that numbers them, then those of the next ones. Raises InputError where one
    cannot be divided.
    """
    names = _names([path for path, _ in found])
    own = any(splits.validation is not None for _, splits in found)
    train: list[Example] = []
    validation: list[Example] = []
    test: list[Example] = []
    problems: list[str] = []
    for name, (path, splits) in zip(names, found):
        if own and splits.validation is None:
            division = splitting.divide(splits, path, share=share, seed=seed, group_by=group_by)
            splits = replace(splits, train=division.train, validation=division.validation)
        train += _under(name, splits.train)
        validation += _under(name, splits.validation or ())
        test += _under(name, splits.test)
        problems += splits.problems
    problems += _copies(train)
    formats = dict.fromkeys(splits.format for _, splits in found)
    reasons = tuple(reason for _, splits in found for reason in splits.reasons)
    return Splits(
        tuple(train),
        tuple(validation) if own else None,
        tuple(problems),
        labels=_order([splits for _, splits in found]),
        format=", ".join(formats),
        reasons=reasons,
        test=tuple(test),
    )


def common_folder(paths: Sequence[Path]) -> Path:
    """The folder that holds all of `paths`."""
    return Path(os.path.commonpath([os.path.abspath(path) for path in paths]))


def _order(found: Sequence[Splits]) -> Optional[tuple[str, ...]]:
    numbered = [splits.labels for splits in found if splits.labels]
    return tuple(dict.fromkeys(name for labels in numbered for name in labels)) if numbered else None


def _copies(train: Sequence[Example]) -> list[str]:
    """A note on files that several data sets have, to train on."""
    groups = content.identical([example.image for example in train])
    across = [group for group in groups if len({train[index].id.partition("/")[0] for index in group}) > 1]
    if not across:
        return []
    first = [train[index] for index in across[0]]
    differ = sum(len({train[index].boxes for index in group}) > 1 for group in across)
    odd = f"; {differ} of them have other boxes there" if differ else ""
    return [f"{len(across)} images are in several of the data sets, {first[0].id} and {first[1].id} for one{odd}"]


def _renamed(boxes: tuple[LabelledBox, ...], classes: Classes) -> tuple[LabelledBox, ...]:
    changed = ((box, classes.get(box.label, box.label)) for box in boxes)
    return tuple(replace(box, label=label) for box, label in changed if label is not None)


def _under(name: str, examples: Sequence[Example]) -> list[Example]:
    return [replace(example, id=f"{name}/{example.id}") for example in examples]


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of the data sets, each with a number where several have it."""
    stems = [path.stem if path.is_file() else path.resolve().name for path in paths]
    counts, names = Counter(stems), []
    for place, stem in enumerate(stems):
        names.append(stem if counts[stem] == 1 else f"{stem}{stems[: place + 1].count(stem)}")
    return names


def _parts(splits: Splits) -> tuple[tuple[Example, ...], ...]:
    return splits.train, splits.validation or (), splits.test

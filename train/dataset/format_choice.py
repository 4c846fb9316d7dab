"""The decision which format a folder is read in, where annotations of several formats lie in it.

The original is taken over what was derived from it: by the number of images that a format explains, by whether
scripts usually make it from another (CSV, TFRecord), and by whether it has the classes' names. Formats that are
near each other are read and compared by images and boxes. Where a copy alone has a split, the original is divided by
it. Only if originals really differ, or a copy has more images, the user must choose.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset import formats, nothing_found, other_tools
from train.dataset.examples import problems
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, is_image, walk
from train.dataset.examples.split_names import split_of_folder
from train.dataset.examples.splits import HELD_OUT, NAMES, unlabelled_note
from train.dataset.formats import Score, Splits

# A format that explains less than this share of the images that another one explains is not the data set's.
_PLAUSIBLE = 0.5
# From this share of alike images on, two formats say the same: copies lose a box or round one.
_SAME = 0.9
# More images than this share, and not only in one of the formats, make a difference.
_MORE = 0.1

# A table of more images than this is compared with its usual source only if it has more images than that.
_COMPARED = 2000

# Formats disagree on whether the first pixel is 0 or 1, and some round.
_PIXELS = 2.0
_SHARE_OF_SIDE = 0.02


# What two readings know an image by.
_Key = Callable[[Example], object]


class NoDataSetError(InputError):
    """Nothing in the folder is annotated in a known format."""


class SeveralFormatsError(InputError):
    """Several formats say different things. `first` is the name of the one that explains most."""

    def __init__(self, message: str, first: str) -> None:
        super().__init__(message)
        self.first = first


@dataclass(frozen=True)
class Choice:
    """A format's name, the contents of the folder in it, and one line for each reason for taking it."""

    format: str
    splits: Splits
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Reading:
    name: str
    score: Score
    splits: Splits
    found: problems.CollectedProblems


def read(folder: Path, format: Optional[str] = None) -> Choice:
    """Reads `folder` in the format of that name, by default in the one that its contents speak for.

    Raises NoDataSetError if no format explains anything in it, SeveralFormatsError if several say different
    things, and InputError if the data cannot be used.
    """
    choice = _read_chosen(folder, format)
    notes = _unused_parts(folder, choice.splits)
    problems.hand_on(problems.CollectedProblems(notes=notes))
    return replace(choice, splits=replace(choice.splits, problems=(*choice.splits.problems, *notes)))


def _unused_parts(folder: Path, splits: Splits) -> list[str]:
    """Returns a note on each part to measure on, by the names of folders, of which not one image is used.

    Parts of which the reader has said so itself are left out.
    """
    used = {os.path.dirname(example.image) for example in _all(splits)}
    in_parts = {split_of_folder(Path(place).relative_to(folder) / "x") for place in used if Path(place).is_relative_to(folder)}
    parts: dict[str, list[File]] = {}
    for place, files in itertools.groupby(filter(is_image, walk(folder)), lambda file: file.name.parent):
        part = split_of_folder(place / "x")
        if part:
            parts.setdefault(part, []).extend(files)
    if in_parts and in_parts <= set(HELD_OUT) and (train := parts.pop("train", [])):
        raise InputError(
            f"{train[0].name.parent}: not one of the {len(train)} images to train on has an annotation that is read, though"
            f" those of the {' and the '.join(NAMES[part] for part in sorted(in_parts))} part have; add their annotations"
        )
    return [
        unlabelled_note(part, len(files), files[0].name.name)
        for part, files in parts.items()
        if part in HELD_OUT
        and not any(os.path.dirname(file.path) in used for file in files)
        and not any(f"the {NAMES[part]} part" in line or f"the {part} split" in line for line in splits.problems)
    ]


def _read_chosen(folder: Path, format: Optional[str]) -> Choice:
    if format is not None:
        return Choice(format, formats.find(format).read(folder), (f"{format}: as --format says",))
    scores = formats.scores(folder)
    if set(scores) <= {"yolo"} and (advice := other_tools.advice(folder)):
        raise NoDataSetError(f"{folder}: {advice}")
    if not scores:
        raise NoDataSetError(nothing_found.message(folder))
    names = ranked(scores)
    reasons = [f"{name}: {_described(scores[name])}" for name in names]
    others = [name for name in scores if name not in names]
    reasons += [f"{name}: {_described(scores[name])}; much fewer images than {names[0]}" for name in others]
    if len(names) == 1 and not others:
        splits = formats.find(names[0]).read(folder)
        return Choice(names[0], splits, tuple(reasons))
    notes = [f"not used, because it explains {_count(scores[name].images)}, and {names[0]} more: the {name} files" for name in others]
    chosen, lines = _compared(folder, names, scores)
    notes += lines
    problems.hand_on(replace(chosen.found, notes=[*chosen.found.notes, *notes]))
    splits = replace(chosen.splits, problems=(*notes, *chosen.splits.problems))
    return Choice(chosen.name, splits, (*reasons, *notes))


def ranked(scores: dict[str, Score]) -> list[str]:
    """Returns the names of the formats that may be the data set's, the most likely original first."""
    most = max(score.images for score in scores.values())
    plausible = [name for name, score in scores.items() if score.images >= _PLAUSIBLE * most]
    originals = max((scores[name].images for name in plausible if not scores[name].derived), default=0)

    def rank(name: str) -> tuple[bool, bool, bool, int, int, str]:
        score = scores[name]
        fewer = score.images < (1 - _MORE) * originals
        return score.derived, fewer, not score.named, -score.images, -score.annotations, name

    return sorted(plausible, key=rank)


def _compared(folder: Path, names: Sequence[str], scores: dict[str, Score]) -> tuple[_Reading, list[str]]:
    """Reads the formats, the best first, and returns the one to take, with notes on the others."""
    chosen: Optional[_Reading] = None
    notes: list[str] = []
    faults: list[InputError] = []
    for name in names:
        score = scores[name]
        if chosen is not None and _is_copy(score, chosen.score):
            notes.append(
                f"not used, because it is usually made from others: the {name} files ({score.images} images, not compared)"
            )
            continue
        try:
            reading = _read(folder, name, score)
            # Where another format may be complete, this one need not be.
            if len(names) > 1 and name != names[-1] and not chosen:
                reading.found.raise_refusal()
        except InputError as error:
            faults.append(error)
            notes.append(f"not used, because it cannot be read: the {name} files ({error})")
            continue
        if chosen is None:
            chosen = reading
            continue
        chosen, note = _better(folder, chosen, reading)
        notes.append(note)
    if chosen is None:
        raise faults[0]
    return chosen, notes


def _is_copy(score: Score, chosen: Score) -> bool:
    """Returns True if a format is taken for a copy of the chosen one without reading it, which would take long."""
    if score.images > (1 + _MORE) * chosen.images:
        return False
    return score.inside or (score.images > _COMPARED and score.derived and not chosen.derived)


def _read(folder: Path, name: str, score: Score) -> _Reading:
    with problems.collect_problems() as found:
        splits = formats.find(name).read(folder)
    return _Reading(name, score, splits, found)


def _better(folder: Path, one: _Reading, other: _Reading) -> tuple[_Reading, str]:
    """Returns which of two readings to take, the first if they say the same, and a note on the other.

    Raises SeveralFormatsError if they say different things.
    """
    names_count = one.score.named and other.score.named
    key = _shared_key(one, other)
    here, there = _by_image(one.splits, key), _by_image(other.splits, key)
    both = here.keys() & there.keys()
    alike = sum(_alike(here[image], there[image], names_count) for image in both)
    only_here, only_there = (
        sum(bool(boxes) for image, boxes in mine.items() if image not in others) for mine, others in ((here, there), (there, here))
    )
    if not other.found.refused and both and alike >= _SAME * len(both):
        more_here, more_there = only_here > _MORE * len(both), only_there > _MORE * len(both)
        if not (more_here and more_there):
            kept, left = (other, one) if more_there else (one, other)
            note = _same(kept, left, len(both), alike)
            splits = _with_split_of(kept.splits, left.splits, key)
            if splits is None:
                return kept, note
            taken = f"; its split is used: {len(splits.train)} to train, {len(splits.validation or ())} to validate"
            return replace(kept, splits=splits), f"{note[:-1]}{taken})"
    if other.found.refused and not one.found.refused:
        return one, f"not used, because most of it cannot be used: the {other.name} files ({next(iter(other.found.refused.values()))})"
    if other.score.derived and not one.score.derived and both and only_there <= _MORE * len(here):
        return one, _differs(one, other, len(both), alike)
    raise SeveralFormatsError(
        f"{folder}: {one.name} and {other.name} say different things ({alike} of {len(both)} images that are in both have"
        f" the same boxes): {_contents(one)}; {_contents(other)};"
        f" choose with --format {one.name} or --format {other.name}",
        one.name,
    )


def _same(kept: _Reading, left: _Reading, both: int, alike: int) -> str:
    what = f"the same boxes in all {both} images" if alike == both else f"the same boxes in {alike} of {both} images"
    return f"not used, because it says the same as {kept.name}: the {left.name} files ({what})"


def _differs(kept: _Reading, left: _Reading, both: int, alike: int) -> str:
    return (
        f"not used, because {kept.name} is the original: the {left.name} files, which differ (the same boxes in {alike} of"
        f" {both} images; {_contents(left)}); if they are the right ones, choose them with --format {left.name}"
    )


def _with_split_of(splits: Splits, other: Splits, key: _Key) -> Optional[Splits]:
    """Returns `splits` divided as `other`, a copy of it; None if it has a split of its own, or the other gives none.

    Scripts that make tables or records of annotations in one folder also draw the split. Images that only `splits` has
    are for training.
    """
    if splits.validation is not None or not other.validation:
        return None
    validation, test = ({key(example) for example in part} for part in (other.validation, other.test))
    train = tuple(example for example in splits.train if key(example) not in validation | test)
    held_out = tuple(example for example in splits.train if key(example) in validation)
    if not any(example.boxes for example in train) or not any(example.boxes for example in held_out):
        return None
    tested = tuple(example for example in splits.train if key(example) in test)
    return replace(splits, train=train, validation=held_out, test=tested)


def _shared_key(one: _Reading, other: _Reading) -> _Key:
    """Returns what tells the images of two readings apart: their files, else the names of copies of these.

    Scripts that convert annotations often copy the images to a folder of their own. Copies have the name and the size.
    """
    # Images that were extracted have their files in the cache, under the same names.
    if one.score.inside or other.score.inside:
        return _stem
    here, there = (_by_image(reading.splits, _file) for reading in (one, other))
    if here.keys() & there.keys():
        return _file
    unique = all(len(_by_image(reading.splits, _copy)) == len(_all(reading.splits)) for reading in (one, other))
    return _copy if unique else _file


def _by_image(splits: Splits, key: _Key) -> dict[object, tuple[LabelledBox, ...]]:
    return {key(example): example.boxes for example in _all(splits)}


def _file(example: Example) -> object:
    return example.image


def _stem(example: Example) -> object:
    return example.image.stem


def _copy(example: Example) -> object:
    return example.image.stem, example.width, example.height


def _all(splits: Splits) -> tuple[Example, ...]:
    return (*splits.train, *(splits.validation or ()))


def _alike(one: Sequence[LabelledBox], other: Sequence[LabelledBox], names_count: bool) -> bool:
    """Returns True if the boxes are the same, in any order, up to two pixels or 2% of a side."""
    if len(one) != len(other):
        return False
    rest = list(other)
    for box in one:
        match = next((item for item in rest if _near(box, item, names_count)), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def _near(one: LabelledBox, other: LabelledBox, names_count: bool) -> bool:
    if names_count and one.label.casefold() != other.label.casefold():
        return False
    here, there = one.box, other.box
    x = max(_PIXELS, _SHARE_OF_SIDE * (here.xmax - here.xmin))
    y = max(_PIXELS, _SHARE_OF_SIDE * (here.ymax - here.ymin))
    return (
        abs(here.xmin - there.xmin) <= x
        and abs(here.xmax - there.xmax) <= x
        and abs(here.ymin - there.ymin) <= y
        and abs(here.ymax - there.ymax) <= y
    )


def _count(images: int) -> str:
    return "1 image" if images == 1 else f"{images} images"


def _described(score: Score) -> str:
    kind = "usually made from another format" if score.derived else "an original"
    names = "with the classes' names" if score.named else "with the classes' numbers"
    return f"explains {score.images} images by {score.annotations} annotation files, {names}, {kind} ({score.reason})"


def _contents(reading: _Reading) -> str:
    splits = reading.splits
    classes = Counter(box.label for example in _all(splits) for box in example.boxes)
    shown = ", ".join(sorted(classes)[:5]) + (f" and {len(classes) - 5} more" if len(classes) > 5 else "")
    split = "no split of its own" if splits.validation is None else f"{len(splits.train)} to train and {len(splits.validation)} to validate"
    return f"{reading.name} has {len(_all(splits))} images, {classes.total()} boxes, the classes {shown}, {split}"

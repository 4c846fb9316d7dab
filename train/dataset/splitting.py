"""The division of a data set into training and validation, with images that belong together on one side."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Optional

from runtime.common.errors import InputError
from train.dataset import grouping
from train.dataset.examples.example import Example
from train.dataset.formats import Splits
from train.dataset.grouping import REASONS, SAME_GROUP, SAME_ORIGINAL, DatasetPart

Examples = tuple[Example, ...]


class Shared(NamedTuple):
    """An image that was kept out of one side of a split, the one on the other side that it belongs with, and why."""

    out: Example
    kept: Example
    reason: str


@dataclass(frozen=True)
class Division:
    """Training and validation examples.

    `out_of_train` and `out_of_validation` are the images that were kept out of a side because they are on the other, too.
    `shared_notes` say so, a line for each side. `notes` say what is particular about how validation was chosen. `own` is
    True if the validation images are given, False if some were drawn.
    """

    train: Examples
    validation: Examples
    own: bool
    out_of_train: tuple[Shared, ...] = ()
    out_of_validation: tuple[Shared, ...] = ()
    notes: tuple[str, ...] = ()
    shared_notes: tuple[str, ...] = ()


def divide(
    splits: Splits,
    path: Path,
    *,
    share: float,
    seed: int,
    group_by: str = grouping.AUTO,
    other: Optional[Splits] = None,
    other_path: Optional[Path] = None,
) -> Division:
    """Divides the data set `splits`, which lies at `path`, into training and validation.

    Validation is, in this order of preference: the data set `other` at `other_path` (its own validation split if it has
    one, else all of it); the data set's own validation split, if it has boxes; `share` of the training images, drawn as
    by `split`, in addition to the own images without boxes. Images that belong together (see `grouping.Rule`) come on one
    side. Where given validation images are in training too, they are kept out of training, but for the last image of a
    class, which is kept out of validation. If that leaves nothing to train on, they are kept out of validation instead;
    if all images of both sides are shared, validation is drawn.

    Raises InputError as `split` and `grouping.Rule` do, and if `other` has all the training images.
    """
    rule, where = grouping.Rule(group_by), str(path)
    train = splits.train
    if other is not None and other_path is not None:
        held_out = other.train if other.validation is None else other.validation
        apart = _Sides(train, held_out, rule, path, other_path)
        found = apart.without_shared_training()
        if apart.shared and not (apart.leave_training and _has_boxes(found.validation)):
            same = apart.without_shared_validation().out_of_validation
            raise InputError(
                f"{other_path}: {len(same)} of its {len(held_out)} images are among the {len(train)} to train on in {path}"
                f" ({reasons(same)}), which leaves too few to keep the two apart, and AP on images of training says"
                f" nothing about others; name other images to validate on, or none, so that some are drawn{_way_out(same)}"
            )
        return _apart(found, where, f"those of {other_path}")
    own = splits.validation
    if own is None:
        return Division(*_drawn(train, rule, path, share, seed), own=False)
    apart = _Sides(train, own, rule, path, path)
    if _has_boxes(own):
        found = apart.without_shared_training()
        if not apart.shared or (apart.leave_training and _has_boxes(found.validation)):
            return _apart(found, where)
    # Background images remain useful: they show false positives.
    found = apart.without_shared_validation()
    if _has_boxes(found.validation):
        return _apart(found, where)
    train, validation = _drawn(train, rule, path, share, seed)
    none = "all boxes are in training images, too, in" if _has_boxes(own) else "not one box in"
    line = f"{where}: {none} its own {len(own)} validation images; {len(validation)} more drawn from the others"
    validation = tuple(sorted((*found.validation, *validation), key=_by_id))
    return _apart(Division(train, validation, False, out_of_validation=found.out_of_validation, notes=(line,)), where)


def split(
    examples: Iterable[Example], share: float, seed: int, where: str, groups: Optional[Sequence[int]] = None
) -> tuple[Examples, Examples]:
    """Splits examples into (training, validation), with `share` of them, and at least one, in validation.

    `groups` has a number for each example; examples with the same number come on one side. By default each example is
    a group of its own. The draw sorts the groups by a hash of `seed` and their lowest id, so that it depends neither on
    the order of the files nor on other images. A group that would lead further from `share` is passed over; if that
    leaves no box to validate on, the smallest group with boxes is taken. The last image of a class stays in training.
    `where` names the data set in messages. Raises InputError if no such split has images, and boxes, on both sides.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of images to validate on must lie between 0 and 1, not {share}")
    examples = list(examples)
    drawn = _in_drawn_order(examples, groups or range(len(examples)), seed)
    count = len(examples)
    limit = min(max(1, round(share * count)), count - 1)
    left = Counter(label for example in examples for label in _classes(example))
    train: list[Example] = []
    validation: list[Example] = []
    passed: list[list[Example]] = []
    for group in drawn:
        nearer = len(group) < 2 * (limit - len(validation)) and len(validation) + len(group) < count
        if nearer and _spare(group, left):
            left.subtract(label for example in group for label in _classes(example))
            validation += group
        else:
            train += group
            passed.append(group)
    if not _has_boxes(validation):
        fit = [group for group in passed if 1 < len(group) < len(train) and _has_boxes(group) and _spare(group, left)]
        if fit:
            smallest = min(fit, key=len)
            validation += smallest
            train = [example for group in passed if group is not smallest for example in group]
    if count and not _has_boxes(examples):
        raise InputError(f"{where}: not one box in {count} images; there is nothing to learn")
    if not train or not _has_boxes(validation):
        in_groups = f" in {len(drawn)} groups of images that belong together" if len(drawn) < count else ""
        other = ", or group them otherwise (--group-by)" if in_groups else ""
        raise InputError(
            f"{where}: {count} image{'s' * (count != 1)}{in_groups} cannot be split into training and validation;"
            f" add images, or give a data set to validate on{other}"
        )
    return tuple(sorted(train, key=_by_id)), tuple(sorted(validation, key=_by_id))


class _Sides:
    """Training and validation images, and which of them belong together."""

    def __init__(self, train: Examples, validation: Examples, rule: grouping.Rule, path: Path, other: Path) -> None:
        self._train, self._validation, self._all = train, validation, (*train, *validation)
        self._keys = rule.keys((DatasetPart(train, path), DatasetPart(validation, other)))
        groups: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for index, group in enumerate(grouping.joined(self._keys)):
            groups[group][index >= len(train)].append(index)
        # The groups with images on both sides: their indices in training, and in validation.
        self.shared = [sides for sides in groups.values() if all(sides)]
        shared = {index for mine, _ in self.shared for index in mine}
        # Whether there are boxes to train on besides.
        self.leave_training = any(example.boxes for index, example in enumerate(train) if index not in shared)

    def without_shared_training(self) -> Division:
        """Without the training images that belong with a validation image.

        The last image of a class stays in training; the validation images that belong with it go instead.
        """
        left = Counter(label for example in self._train for label in _classes(example))
        out_of_train: list[Shared] = []
        out_of_validation: list[Shared] = []
        for mine, others in self.shared:
            members = [self._train[index] for index in mine]
            if _spare(members, left):
                left.subtract(label for example in members for label in _classes(example))
                out_of_train += self._out(mine, others)
            else:
                out_of_validation += self._out(others, mine)
        return self._division(out_of_train, out_of_validation)

    def without_shared_validation(self) -> Division:
        """Without the validation images that belong with a training image."""
        return self._division([], [shared for mine, others in self.shared for shared in self._out(others, mine)])

    def _division(self, out_of_train: list[Shared], out_of_validation: list[Shared]) -> Division:
        return Division(
            self._without(self._train, out_of_train),
            self._without(self._validation, out_of_validation),
            True,
            tuple(out_of_train),
            tuple(out_of_validation),
        )

    def _without(self, examples: Examples, shared: Iterable[Shared]) -> Examples:
        out = {id(entry.out) for entry in shared}
        return tuple(example for example in examples if id(example) not in out)

    def _out(self, out: Iterable[int], kept: Sequence[int]) -> Iterator[Shared]:
        partners = {key: index for index in reversed(kept) for key in self._keys[index].items()}
        for index in out:
            mine = self._keys[index]
            reason = next((reason for reason in REASONS if (reason, mine.get(reason, "")) in partners), SAME_GROUP)
            # Images may belong together by way of a third.
            partner = partners.get((reason, mine.get(reason, "")), kept[0])
            yield Shared(self._all[index], self._all[partner], reason)


def _drawn(train: Examples, rule: grouping.Rule, path: Path, share: float, seed: int) -> tuple[Examples, Examples]:
    groups = grouping.joined(rule.keys((DatasetPart(train, path),)))
    return split(train, share, seed, str(path), groups)


def _in_drawn_order(examples: Sequence[Example], groups: Sequence[int], seed: int) -> list[list[Example]]:
    members: defaultdict[int, list[Example]] = defaultdict(list)
    for group, example in zip(groups, examples):
        members[group].append(example)

    def rank(group: list[Example]) -> bytes:
        return hashlib.sha256(f"{seed}/{min(example.id for example in group)}".encode()).digest()

    return sorted(members.values(), key=rank)


def _spare(group: Sequence[Example], left: Counter[str]) -> bool:
    """Whether each class of the group has an image that is not in it, of the `left` images that each class has."""
    needed = Counter(label for example in group for label in _classes(example))
    return all(left[label] > count for label, count in needed.items())


def _apart(found: Division, where: str, other: str = "its validation images") -> Division:
    """`found` with a line on each side that images were kept out of."""
    lines = []
    for side, belong, out in (
        ("training", other, found.out_of_train),
        ("validation", "its training images", found.out_of_validation),
    ):
        if out:
            first = out[0]
            lines.append(
                f"{where}: {len(out)} images kept out of {side}, because they are among {belong} too"
                f" ({reasons(out)}), {first.out.image.name} and {first.kept.image.name} for one{_way_out(out)}"
            )
    return replace(found, shared_notes=tuple(lines))


def reasons(shared: Iterable[Shared]) -> str:
    """How many images belong with one on the other side, by why they do."""
    counts = Counter(entry.reason for entry in shared)
    return ", ".join(f"{counts[reason]} {reason}" for reason in REASONS if counts[reason])


def _way_out(shared: Iterable[Shared]) -> str:
    if any(entry.reason == SAME_ORIGINAL for entry in shared):
        return f"; with --group-by {grouping.NONE}, names of originals do not count"
    return ""


def _has_boxes(examples: Iterable[Example]) -> bool:
    return any(example.boxes for example in examples)


def _classes(example: Example) -> set[str]:
    return {box.label for box in example.boxes}


def _by_id(example: Example) -> str:
    return example.id

"""Which ids are the same, and which annotations are around crowds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional, Union

Key = Union[int, str]

# Where more than this share of the annotations, and so many, are marked as crowds, the mark means something else.
_CROWDS = 1 / 3
_CROWDS_COUNT = 5


def key(value: object) -> Optional[Key]:
    """Returns an id in the form in which ids are compared: 7, 7.0, "7" and "7.0" are one; None for what is no id."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and value.strip():
        text = value.strip()
        plain = text.removesuffix(".0")
        return int(plain) if plain.isdecimal() and len(plain) < 19 and str(int(plain)) == plain else text
    return None


@dataclass(frozen=True)
class Crowds:
    """The annotations around crowds, `numbers` in their list.

    `single` is the number of annotations that are marked as crowds and taken for single objects, and `reason` says why.
    """

    numbers: frozenset[int] = frozenset()
    single: int = 0
    reason: str = ""


def crowds(annotations: Iterable[object]) -> Crowds:
    """Finds the annotations around crowds, those with `iscrowd` 1, unless the mark cannot mean that.

    CVAT marks every mask as a crowd, be it of one object; it also writes `attributes` that COCO does not have. Other
    tools that mark all masks have at least a third of the annotations marked; of COCO's own, one in a hundred is around
    a crowd (10,498 of 860,001 in instances_train2017.json).
    """
    marked: set[int] = set()
    by_cvat: set[int] = set()
    count = 0
    for number, row in enumerate(annotations):
        count += 1
        if isinstance(row, dict) and row.get("iscrowd") in (1, "1"):
            marked.add(number)
            if isinstance(row.get("attributes"), dict):
                by_cvat.add(number)
    if marked and len(marked) == count:
        return Crowds(frozenset(), count, "all boxes are marked iscrowd")
    if len(marked) >= _CROWDS_COUNT and len(marked) > _CROWDS * count:
        return Crowds(frozenset(), len(marked), f"{len(marked)} of {count} boxes are marked iscrowd, too many to be crowds")
    return Crowds(frozenset(marked - by_cvat), len(by_cvat), "CVAT marks every mask iscrowd" if by_cvat else "")

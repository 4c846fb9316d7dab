"""A summary of a data set as text, shown before training starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example

_CLASSES = 20
_PROBLEMS = 5


def describe(dataset: Dataset) -> str:
    """Returns a table of images and boxes by class and split, and a list of what was left out.

    The text has no final newline. It shows at most 20 classes, those with the most training boxes first,
    and 5 problems.
    """
    train, validation = _boxes(dataset.train), _boxes(dataset.validation)
    rows: list[tuple[str, int, int]] = [
        ("images", len(dataset.train), len(dataset.validation)),
        ("boxes", sum(train.values()), sum(validation.values())),
    ]
    names = sorted(dataset.labels, key=lambda name: -train[name])
    rows += [(f"  {name}", train[name], validation[name]) for name in names[:_CLASSES]]
    if rest := names[_CLASSES:]:
        in_train, in_validation = (sum(counts[name] for name in rest) for counts in (train, validation))
        rows.append((f"  {len(rest)} more classes", in_train, in_validation))
    width = max(len(row[0]) for row in rows)
    lines = [f"{dataset.name:<{width}}  {'train':>8}  {'validate':>8}"]
    lines += [f"{name:<{width}}  {in_train:>8}  {in_validation:>8}" for name, in_train, in_validation in rows]
    return "\n".join(lines + _left_out(dataset.problems))


def _boxes(examples: Sequence[Example]) -> Counter[str]:
    return Counter(item.label for example in examples for item in example.boxes)


def _left_out(problems: Sequence[str]) -> list[str]:
    if not problems:
        return []
    lines = [f"left out ({len(problems)}):", *(f"  {problem}" for problem in problems[:_PROBLEMS])]
    more = len(problems) - _PROBLEMS
    return lines + ([f"  and {more} more"] if more > 0 else [])

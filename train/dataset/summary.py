"""What a data set holds, for a person to read before training starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example

_CLASSES = 20
_PROBLEMS = 5


def describe(dataset: Dataset) -> str:
    """Images and boxes by class and split, and what was left out, in a few lines without an end.

    Of many classes and problems the first are shown, classes by their number of training boxes.
    """
    splits = (dataset.train, dataset.validation)
    boxes = [_boxes(split) for split in splits]
    rows = [("images", *map(len, splits)), ("boxes", *(sum(counts.values()) for counts in boxes))]
    names = sorted(dataset.labels, key=lambda name: -boxes[0][name])
    rows += [(f"  {name}", *(counts[name] for counts in boxes)) for name in names[:_CLASSES]]
    if rest := names[_CLASSES:]:
        rows.append((f"  {len(rest)} more classes", *(sum(counts[name] for name in rest) for counts in boxes)))
    width = max(len(row[0]) for row in rows)
    lines = [f"{dataset.name:<{width}}  {'train':>8}  {'validate':>8}"]
    lines += [f"{name:<{width}}  {train:>8}  {validation:>8}" for name, train, validation in rows]
    return "\n".join(lines + _left_out(dataset.problems))


def _boxes(examples: Sequence[Example]) -> Counter[str]:
    return Counter(item.label for example in examples for item in example.boxes)


def _left_out(problems: Sequence[str]) -> list[str]:
    if not problems:
        return []
    lines = [f"left out ({len(problems)}):", *(f"  {problem}" for problem in problems[:_PROBLEMS])]
    more = len(problems) - _PROBLEMS
    return lines + ([f"  and {more} more"] if more > 0 else [])

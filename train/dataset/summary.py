"""A summary of a data set as text, shown before training starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from runtime.common.command import spelling
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example
from train.dataset.examples.problems import BACKGROUND

_CLASSES = 20
_NAMED = 8
_PROBLEMS = 5
_WIDTH = 160


def describe(dataset: Dataset) -> str:
    """Returns what was taken in five lines, a table of boxes by class and split, and what was left out.

    The five lines are format and folder, images and boxes of each split, classes, and what was left out. The text has
    no final newline. The table has at most 20 classes, those with the most training boxes first; the list of what was
    left out has 5 lines.
    """
    # What may be objects that nobody has labelled comes first, so that it is seen.
    problems = sorted(dataset.problems, key=lambda line: BACKGROUND not in line)
    train, validation = _boxes(dataset.train), _boxes(dataset.validation)
    lines = [
        f"data      {dataset.name}" + (f": {dataset.format} in {dataset.folder}" if dataset.format else ""),
        f"images    {len(dataset.train):,} to train, {len(dataset.validation):,} to validate"
        + (f" ({dataset.split})" if dataset.split else ""),
        f"boxes     {train.total():,} to train, {validation.total():,} to validate",
        f"classes   {len(dataset.labels)}: {_listed(tuple(dataset.labels))}",
        f"left out  {_left_out(dataset, problems)}",
    ]
    return "\n".join([*lines, *_table(dataset, train, validation), *_problems(problems)])


def _table(dataset: Dataset, train: Counter[str], validation: Counter[str]) -> list[str]:
    names = sorted(dataset.labels, key=lambda name: -train[name])
    rows = [(f"  {name}", train[name], validation[name]) for name in names[:_CLASSES]]
    if rest := names[_CLASSES:]:
        in_train, in_validation = (sum(counts[name] for name in rest) for counts in (train, validation))
        rows.append((f"  {len(rest)} more classes", in_train, in_validation))
    width = max(len("boxes of"), *(len(row[0]) for row in rows))
    lines = [f"{'boxes of':<{width}}  {'train':>8}  {'validate':>8}"]
    return lines + [f"{name:<{width}}  {in_train:>8}  {in_validation:>8}" for name, in_train, in_validation in rows]


def _boxes(examples: Sequence[Example]) -> Counter[str]:
    return Counter(item.label for example in examples for item in example.boxes)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _left_out(dataset: Dataset, problems: Sequence[str]) -> str:
    counts = ((dataset.bad_images, "image", "images"), (dataset.bad_boxes, "box", "boxes"))
    bad = " and ".join(f"{count:,} bad {one if count == 1 else many}" for count, one, many in counts if count)
    if not problems:
        return "nothing"
    if len(problems) == 1:
        return f"{bad or 'nothing bad'}; {problems[0]}"
    return f"{bad or 'nothing bad'}; {len(problems)} lines on it below, the first: {_shortened(problems[0])}"


def _shortened(line: str) -> str:
    return line if len(line) <= _WIDTH else line[:_WIDTH] + "..."


def _problems(problems: Sequence[str]) -> list[str]:
    if len(problems) < 2:
        return []
    lines = [f"left out or decided ({len(problems)}):", *(f"  {problem}" for problem in problems[:_PROBLEMS])]
    more = len(problems) - _PROBLEMS
    return lines + ([f"  and {more} more; {spelling('check', 'train.check')} lists them"] if more > 0 else [])

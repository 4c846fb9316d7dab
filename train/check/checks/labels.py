"""Check of the class names: names that may mean the same, and classes that occur in one split only."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, counted, first_of
from train.check.statistics.dataset_statistics import DatasetStatistics

# The similarity (difflib) from which two names may differ by a typing error.
_ALIKE = 0.88
_LEAST_LETTERS = 5
# Every name is compared with every other; with more names this would take too long.
_MOST_NAMES = 2000


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds similar names, classes without training boxes, and classes without validation boxes."""
    labels = statistics.labels
    if not labels:
        if statistics.errors:
            return
        yield Finding(FAILURE, "not one box in all images: there is nothing to learn", do="give labelled images")
        return
    alike = list(_alike(labels))
    if alike:
        counts = {label: statistics.label_counts("train")[label] + statistics.label_counts("validation")[label] for label in labels}
        yield Finding(
            WARNING,
            f"{counted(len(alike), 'pair')} of class names that may mean the same",
            len(alike),
            tuple(f"{one!r} ({counts[one]:,} boxes) and {two!r} ({counts[two]:,})" for one, two in alike),
            "give them one name where they are one class; the detector learns each name as a class of its own",
        )
    train, validation = statistics.label_counts("train"), statistics.label_counts("validation")
    unseen = [label for label in labels if not train[label]]
    if unseen:
        yield Finding(
            WARNING,
            f"{counted(len(unseen), 'class', 'classes')} in validation only: training leaves them out",
            len(unseen),
            tuple(unseen),
            "put images of each in both splits, or draw the split anew",
            command=statistics.command("--redraw"),
        )
    unmeasured = [label for label in labels if not validation[label]]
    if unmeasured and any(validation.values()):
        yield Finding(
            WARNING,
            f"{counted(len(unmeasured), 'class', 'classes')} without a box in validation: nothing will be measured for them",
            len(unmeasured),
            tuple(unmeasured),
            "add images of them to validation",
        )
    if not alike and not unseen:
        yield Finding(OK, f"{counted(len(labels), 'class name')}, none similar to another: {first_of(labels, 8)}", len(labels))


def _alike(labels: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    plain = {label: re.sub(r"[\W_]+", "", label.casefold()) for label in labels}
    for one, two in itertools.combinations(labels[:_MOST_NAMES], 2):
        short, long = sorted((plain[one], plain[two]), key=len)
        if (short == long and short) or _slip(short, long):
            yield one, two


def _slip(one: str, two: str) -> bool:
    """Returns True if two names may differ by a plural or a typing error; different digits are intentional."""
    if len(one) > 2 and two in (f"{one}s", f"{one}es"):
        return True
    if len(one) < _LEAST_LETTERS or re.sub(r"\D", "", one) != re.sub(r"\D", "", two):
        return False
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    return matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE

"""Check of the split: whether there is enough to train on and enough to validate on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, counted
from train.check.statistics.dataset_statistics import DatasetStatistics
from train.dataset import splitting

_OPTION = re.compile(r"--(?:format \w+|allow-bad [\d.]+|redraw\b)")

_FEW_TO_TRAIN = 50
_FEW_TO_VALIDATE = 20


def check(statistics: DatasetStatistics) -> Iterator[Finding]:
    """Finds reasons why training would refuse the split, images of both splits, empty splits, and small splits."""
    train, validation = statistics.in_split("train"), statistics.in_split("validation")
    for fault in statistics.errors:
        yield Finding(FAILURE, fault, command=_remedy(fault, statistics))
    if not statistics.errors:
        for name, part in (("train", train), ("validate", validation)):
            if not any(entry.example.boxes for entry in part):
                yield Finding(
                    FAILURE,
                    f"not one box to {name} on, in {counted(len(part), 'image')}",
                    do="name a data set that has some with --val" + (", or draw some" if statistics.has_own_split else "")
                    if part is validation
                    else "give labelled images",
                    command=statistics.command("--redraw") if part is validation and statistics.has_own_split else "",
                )
    for name, part, few in (("train", train, _FEW_TO_TRAIN), ("validate", validation, _FEW_TO_VALIDATE)):
        if 0 < len(part) < few:
            yield Finding(
                WARNING,
                f"only {counted(len(part), 'image')} to {name} on",
                len(part),
                do="label more"
                if name == "train"
                else "AP on so few images varies by points from run to run; hold out more, or label more",
            )
    yield from _kept_apart(statistics)
    if train and validation:
        yield Finding(
            OK,
            f"{counted(len(train), 'image')} to train and {len(validation):,} to validate on, "
            + ("by the data's own split" if statistics.has_own_split else "drawn at random"),
            len(train) + len(validation),
        )


def _kept_apart(statistics: DatasetStatistics) -> Iterator[Finding]:
    if (division := statistics.division) is None:
        return
    index = {id(entry.example): number for number, entry in enumerate(statistics.images)}
    for side, other, out in (
        ("training", "validation", division.out_of_train),
        ("validation", "training", division.out_of_validation),
    ):
        if out:
            yield Finding(
                WARNING,
                f"{counted(len(out), 'image')} of {side} {'is' if len(out) == 1 else 'are'} in {other} too"
                f" ({splitting.reasons(out)}): kept out of {side}",
                len(out),
                tuple(f"{statistics.name_of(shared.out)} and {statistics.name_of(shared.kept)}" for shared in out),
                "keep each in one split; split videos and bursts by scene, with your own lists or folders, or with --group-by",
                tuple(dict.fromkeys(index[id(shared.kept)] for shared in out if id(shared.kept) in index)),
            )


def _remedy(fault: str, statistics: DatasetStatistics) -> str:
    """Returns the command with the first option that the message of a fault proposes; empty if it proposes none."""
    option = _OPTION.search(fault)
    return statistics.command(*option[0].split()) if option else ""

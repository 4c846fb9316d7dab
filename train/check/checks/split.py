"""The split: is there something to train on, and enough to measure with."""

from __future__ import annotations

from collections.abc import Iterator

from train.check.checks import FAILURE, OK, WARNING, Finding, number
from train.check.statistics.dataset_statistics import Survey

_FEW_TO_TRAIN = 50
_FEW_TO_VALIDATE = 20


def check(survey: Survey) -> Iterator[Finding]:
    train, validation = survey.of("train"), survey.of("validation")
    for fault in survey.faults:
        yield Finding(FAILURE, fault)
    if not survey.faults:
        for name, part in (("train", train), ("validate", validation)):
            if not any(seen.example.boxes for seen in part):
                yield Finding(
                    FAILURE,
                    f"not one box to {name} on, in {number(len(part), 'image')}",
                    do="name a data set that has some with --val"
                    + (", or take away the data's own lists, so that images are drawn" if survey.own_lists else "")
                    if part is validation
                    else "give labelled images",
                )
    for name, part, few in (("train", train, _FEW_TO_TRAIN), ("validate", validation, _FEW_TO_VALIDATE)):
        if 0 < len(part) < few:
            yield Finding(
                WARNING,
                f"only {number(len(part), 'image')} to {name} on",
                len(part),
                do="label more"
                if name == "train"
                else "AP on so few images moves by points from run to run; hold out more, or label more",
            )
    if train and validation:
        yield Finding(
            OK,
            f"{number(len(train), 'image')} to train and {len(validation):,} to validate on, "
            + ("as the data's own lists say" if survey.own_lists else "drawn at random"),
            len(train) + len(validation),
        )

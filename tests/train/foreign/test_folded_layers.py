"""Convolutions of two graphs of one network are matched by their structure, whatever the names and the order."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.common.errors import InputError
from train.foreign.folded_layers import Operation, by_structure, ends, fed_by


def conv(source: str, name: str, inputs: int, outputs: int, stride: int = 1) -> Operation:
    return Operation((source,), (name,), (np.zeros((1, 1, inputs, outputs)), np.zeros(outputs)), stride)


def network(names: dict[str, str], swapped: bool = False) -> list[Operation]:
    """Two branches behind a stem, put together by operations without weights, and a last convolution."""
    branches = [conv(names["stem"], names["left"], 4, 8), conv(names["stem"], names["right"], 4, 8, stride=2)]
    return [
        conv("image", names["stem"], 3, 4),
        *(reversed(branches) if swapped else branches),
        Operation((names["left"], names["right"]), ("both",)),
        Operation(("both",), ("part",)),
        conv("part", names["last"], 8, 5),
    ]


NAMES = {name: name for name in ("stem", "left", "right", "last")}


def test_the_same_convolutions_have_the_same_text_under_other_names_and_in_another_order() -> None:
    other = {name: f"x{number}" for number, name in enumerate(NAMES)}
    mine, theirs = by_structure(network(NAMES)), by_structure(network(other, swapped=True))
    assert {mine[text].outputs[0]: theirs[text].outputs[0] for text in mine} == other


def test_convolutions_that_cannot_be_told_apart_are_an_error() -> None:
    twins = [conv("image", "one", 3, 4), conv("one", "two", 4, 4), conv("one", "three", 4, 4)]
    with pytest.raises(InputError, match="same place in the network"):
        by_structure(twins)


def test_the_last_convolution_is_the_one_that_feeds_none() -> None:
    assert [operation.outputs for operation in ends(network(NAMES))] == [("last",)]


def test_what_one_convolution_alone_feeds() -> None:
    found = by_structure(network(NAMES))
    texts = {operation.outputs[0]: text for text, operation in found.items()}
    assert fed_by(found, texts["stem"]) == [texts["left"], texts["right"]]
    assert fed_by(found, texts["left"]) == []

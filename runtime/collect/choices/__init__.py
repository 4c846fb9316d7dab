"""Choices of frames to label. One file for each.

A module of this package provides

    HELP: str                          its setting, for the help: "doubtful=BAND"
    DEFAULT: str                       the setting where it is only switched on
    read(text: str) -> value           reads the setting; raises ValueError or argparse.ArgumentTypeError
    connect(value) -> Choice           makes the choice

Modules are found by their place in this folder: adding a choice changes no other file. Writing frames belongs to
`runtime.collect.store`. Uses `runtime.collect` and `boxes`.
"""

from __future__ import annotations

import abc
import argparse
import sys
from typing import Any, Callable, Dict, Iterable, List, Mapping, Tuple

from runtime.collect.moment import Moment, Pick
from runtime.common import plugins

ON, OFF = "on", "off"


class Choice(abc.ABC):
    """Picks moments that are worth labelling. Called with every moment, in order, in one thread.

    One that `compares` two models is asked about moments with `other` detections, and no other choice is asked about those.
    `below` is how far under the threshold of each class it wants to see candidates, in 0..1. What an `unbiased` choice picks is kept
    beside the budget's race for the greatest worth, so that it stays a fair sample.
    """

    name: str = ""
    below: float = 0.0
    unbiased: bool = False
    compares: bool = False

    @abc.abstractmethod
    def picks(self, moment: Moment) -> Iterable[Pick]:
        """What is worth labelling, now that `moment` is known: itself, or one before it."""


def names() -> List[str]:
    """The names of all choices."""
    return [plugins.name_of(module) for module in plugins.modules(sys.modules[__name__])]


def readers() -> Dict[str, Callable[[str], Any]]:
    """What reads the setting of each choice: a value, or None where it is switched off."""

    def reader(module: Any) -> Callable[[str], Any]:
        return lambda text: None if text == OFF else module.read(module.DEFAULT if text == ON else text)

    return {plugins.name_of(module): reader(module) for module in plugins.modules(sys.modules[__name__])}


def settings_help() -> str:
    """The settings of all choices, for the help."""
    return ", ".join(module.HELP for module in plugins.modules(sys.modules[__name__]))


def open_choices(given: Mapping[str, Any]) -> Tuple[Choice, ...]:
    """The choices in `given`, by their names with values as from `readers`; all of them where it has none switched on."""
    wanted = {name: value for name, value in given.items() if value is not None}
    made = []
    for module in plugins.modules(sys.modules[__name__]):
        name = plugins.name_of(module)
        if name in wanted or (not wanted and name not in given):
            choice: Choice = module.connect(wanted.get(name, module.read(module.DEFAULT)))
            choice.name = name
            made.append(choice)
    return tuple(made)


def switch(text: str) -> bool:
    """Reads the setting of a choice that can only be on."""
    if text != ON:
        raise argparse.ArgumentTypeError(f"{text!r} is not {ON} or {OFF}")
    return True

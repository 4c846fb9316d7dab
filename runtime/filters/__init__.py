"""Filters, which change detections between the detector and the sinks. One file for each kind of filter.

A module of this package provides

    options(parser) -> None                          adds its command line options
    connect(arguments, labels) -> Filter or None     None if the options do not ask for it;
                                                     raises InputError

A filter that keeps something between frames may have a method `continue_from(before)`, which takes over what the filter of the
same kind has kept that came before it, when another model replaces the one that both follow.

Modules are found by their place in this folder: adding a filter changes no other file. Filters are applied
in the order of their file names. Drawing and output belong to `sinks`. Uses `common` only.
"""

from __future__ import annotations

import argparse
import sys
from typing import Callable, List, Sequence, Tuple

from runtime.common import plugins
from runtime.common.values import Detection, Frame, Labels

# Called with every frame in order, in one thread, so a filter may keep state between frames.
Filter = Callable[[Frame, Tuple[Detection, ...]], Tuple[Detection, ...]]


def open_filters(arguments: argparse.Namespace, labels: Labels) -> List[Filter]:
    """Returns the filters that the options ask for, for a detector with `labels`. Raises InputError."""
    filters = [module.connect(arguments, labels) for module in plugins.modules(sys.modules[__name__])]
    return [item for item in filters if item is not None]


def carry_over(before: Sequence[Filter], after: Sequence[Filter]) -> None:
    """Hands what the filters `before` have kept to those `after` them, which are for another model."""
    for new in after:
        for old in before:
            if new is not old and type(new) is type(old) and hasattr(new, "continue_from"):
                new.continue_from(old)

"""Filters, which change detections between the detector and the sinks. One file for each kind of filter.

A module of this package provides

    options(parser) -> None                          adds its command line options
    connect(arguments, labels) -> Filter or None     None if the options do not ask for it;
                                                     raises InputError

Modules are found by their place in this folder: adding a filter changes no other file. Filters are applied
in the order of their file names. Drawing and output belong to `sinks`. Uses `common` only.
"""

from __future__ import annotations

import argparse
import sys
from typing import Callable, List, Tuple

from runtime.common import plugins
from runtime.common.values import Detection, Frame, Labels

# Called with every frame in order, in one thread, so a filter may keep state between frames.
Filter = Callable[[Frame, Tuple[Detection, ...]], Tuple[Detection, ...]]


def open_filters(arguments: argparse.Namespace, labels: Labels) -> List[Filter]:
    """Returns the filters that the options ask for, for a detector with `labels`. Raises InputError."""
    filters = [module.connect(arguments, labels) for module in plugins.modules(sys.modules[__name__])]
    return [item for item in filters if item is not None]

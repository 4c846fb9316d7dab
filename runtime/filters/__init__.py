"""What happens to detections between the detector and the sinks. One file a kind of filter.

A module of this package offers

    options(parser) -> None                          adds its command line options
    connect(arguments, labels) -> Filter or None     None where the options do not ask for it;
                                                     raises InputError

and is found by being here: adding a filter touches no other file. Filters work in the order of their
file names, each on what the one before it gave.
"""

from __future__ import annotations

import argparse
import sys
from typing import Callable, List, Tuple

from runtime.common import plugins
from runtime.common.values import Detection, Frame, Labels

# Called with every frame in order, in one thread: a filter may keep what it saw.
Filter = Callable[[Frame, Tuple[Detection, ...]], Tuple[Detection, ...]]


def open_filters(arguments: argparse.Namespace, labels: Labels) -> List[Filter]:
    """The filters that the options ask for, for a detector with `labels`. Raises InputError."""
    asked = [module.connect(arguments, labels) for module in plugins.modules(sys.modules[__name__])]
    return [found for found in asked if found is not None]

"""Keeps the detections of some classes and drops all others."""

from __future__ import annotations

import argparse
from typing import Any, Optional, Tuple

from runtime.common.options import names
from runtime.common.values import Detection, Frame, Labels
from runtime.filters import Filter


def options(parser: Any) -> None:
    """Adds `--only`."""
    parser.add_argument("--only", metavar="CLASSES", type=names, help="keep only these classes, for example person,car")


def connect(arguments: argparse.Namespace, labels: Labels) -> Optional[Filter]:
    """The filter for `--only`. Raises InputError for a class that the detector does not have."""
    if not arguments.only:
        return None
    wanted = frozenset(labels.checked(name, "--only") for name in arguments.only)

    def keep(frame: Frame, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        return tuple(detection for detection in detections if detection.label in wanted)

    return keep

"""Keeps some classes and drops the others."""

from __future__ import annotations

import argparse
from typing import Any, Optional, Tuple

from runtime.common.options import names
from runtime.common.values import Detection, Frame, Labels
from runtime.filters import Filter


def options(parser: Any) -> None:
    parser.add_argument(
        "--only", metavar="CLASSES", type=names, help="keep these classes only, as in person,car; drop the others"
    )


def connect(arguments: argparse.Namespace, labels: Labels) -> Optional[Filter]:
    """Raises InputError for a class that the detector does not have."""
    if not arguments.only:
        return None
    wanted = frozenset(labels.checked(name, "--only") for name in arguments.only)

    def keep(frame: Frame, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        return tuple(detection for detection in detections if detection.label in wanted)

    return keep

"""What a command is told of a data set: its format, and what to validate on."""

from __future__ import annotations

import argparse
from typing import Any


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options that mean the same to `python -m train`."""
    group = parser.add_argument_group("as for python -m train")
    group.add_argument("--format", metavar="NAME", help="format of the data set (found by looking)")
    group.add_argument("--val", metavar="DATA", help="another data set to validate on")
    group.add_argument("--val-split", type=float, default=0.2, metavar="SHARE", help="share to validate on (0.2)")
    group.add_argument("--seed", type=int, default=0, metavar="N", help="what the split is drawn by (0)")


def open_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `open_dataset` and `survey` take."""
    return {
        "format": arguments.format,
        "validation": arguments.val,
        "validation_share": arguments.val_split,
        "seed": arguments.seed,
    }

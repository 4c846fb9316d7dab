"""Command line options that say how to open and split a data set."""

from __future__ import annotations

import argparse
from typing import Any

from train.dataset.examples.problems import MAX_BAD

REDRAW_HELP = "draw the images to validate on, though DATA has its own split"


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options for opening a data set, which mean the same as for `python -m train`."""
    group = parser.add_argument_group("data set (as for python -m train)")
    group.add_argument("--format", metavar="NAME", help="format of the data set (default: detected)")
    group.add_argument("--val", metavar="DATA", help="validate on this data set (default: DATA's own split, else drawn)")
    group.add_argument(
        "--val-split", type=float, default=0.2, metavar="SHARE", help="share of images to draw for validation (default: 0.2)"
    )
    group.add_argument("--redraw", action="store_true", help=REDRAW_HELP)
    add_limits(group)
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the draw (default: 0)")


def add_limits(group: argparse._ActionsContainer, default: object = MAX_BAD) -> None:
    """Adds the options that say how much of the data may be bad; both set `allow_bad`."""
    limits = group.add_mutually_exclusive_group()
    limits.add_argument(
        "--allow-bad",
        type=float,
        default=default,
        metavar="SHARE",
        help="go on without bad images and boxes, up to this share of them (a third)",
    )
    limits.add_argument(
        "--strict", dest="allow_bad", action="store_const", const=0.0, default=default, help="refuse any bad image or box"
    )


def open_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the parsed options as keyword arguments of `open_dataset`."""
    return {
        "format": arguments.format,
        "validation": arguments.val,
        "validation_share": arguments.val_split,
        "seed": arguments.seed,
        "redraw": arguments.redraw,
        "allow_bad": arguments.allow_bad,
    }

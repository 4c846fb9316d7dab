"""Command line options that say how to open and split a data set."""

from __future__ import annotations

import argparse
from typing import Any

from train.dataset import grouping

GROUP_BY_HELP = (
    "images to keep on one side of the split, besides copies of a file: auto, those of one Roboflow original (.rf. in the"
    " name); folder, also those in one folder; none; or a regular expression, whose first group in an image's path is its"
    " scene"
)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options for opening a data set, which mean the same as for `python -m train`."""
    group = parser.add_argument_group("data set (as for python -m train)")
    group.add_argument("--format", metavar="NAME", help="format of the data set (default: detected)")
    group.add_argument("--val", metavar="DATA", help="validate on this data set (default: DATA's own split, else drawn)")
    group.add_argument(
        "--val-split", type=float, default=0.2, metavar="SHARE", help="share of images to draw for validation (default: 0.2)"
    )
    group.add_argument("--group-by", default=grouping.AUTO, metavar="RULE", help=GROUP_BY_HELP + " (default: auto)")
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the draw (default: 0)")


def open_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the parsed options as keyword arguments of `open_dataset`."""
    return {
        "format": arguments.format,
        "validation": arguments.val,
        "validation_share": arguments.val_split,
        "seed": arguments.seed,
        "group_by": arguments.group_by,
    }

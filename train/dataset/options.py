"""Command line options that say how to open and split a data set."""

from __future__ import annotations

import argparse
from typing import Any, Optional

from train.dataset import grouping
from train.dataset.examples.problems import MAX_BAD

ALLOW_BAD_HELP = "go on without bad images and boxes, up to this share of the images and of the boxes"
STRICT_HELP = "refuse the data if one image or box in it is bad"
CLASSES_HELP = (
    "a YAML file with other names for classes, as in `car: vehicle`, so that several data sets agree; `dog:` alone leaves a"
    " class out"
)
REDRAW_HELP = "draw the images to validate on, though DATA has its own split"
GROUP_BY_HELP = (
    "images to keep on one side of the split, besides copies of a file: auto, those of one Roboflow original (.rf. in the"
    " name); folder, also those in one folder; similar, also those that are nearly the same; none; or a regular expression,"
    " whose first group in an image's path is its scene"
)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options for opening a data set, which mean the same as for `python -m train`."""
    group = parser.add_argument_group("data set (as for python -m train)")
    group.add_argument("--format", metavar="NAME", help="format of the data set (default: detected)")
    group.add_argument("--classes", metavar="FILE", help=CLASSES_HELP)
    group.add_argument("--val", metavar="DATA", help="validate on this data set (default: DATA's own split, else drawn)")
    group.add_argument(
        "--val-split", type=float, default=0.2, metavar="SHARE", help="share of images to draw for validation (default: 0.2)"
    )
    group.add_argument("--redraw", action="store_true", help=REDRAW_HELP)
    limits = group.add_mutually_exclusive_group()
    limits.add_argument("--allow-bad", type=float, metavar="SHARE", help=f"{ALLOW_BAD_HELP} (default: a third)")
    limits.add_argument("--strict", action="store_true", help=STRICT_HELP)
    group.add_argument("--group-by", default=grouping.AUTO, metavar="RULE", help=GROUP_BY_HELP + " (default: auto)")
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the draw (default: 0)")


def bad_share(allow_bad: Optional[float], strict: bool) -> float:
    """Returns the share of the data that may be bad, by the values of the two options."""
    return 0.0 if strict else MAX_BAD if allow_bad is None else allow_bad


def open_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the parsed options as keyword arguments of `open_dataset`."""
    return {
        "format": arguments.format,
        "classes": arguments.classes,
        "validation": arguments.val,
        "validation_share": arguments.val_split,
        "seed": arguments.seed,
        "redraw": arguments.redraw,
        "allow_bad": bad_share(arguments.allow_bad, arguments.strict),
        "group_by": arguments.group_by,
    }

"""The options of a run on the command line.

Only what was given comes out: an option that was left out leaves no trace, so that a run that is
resumed can tell what it is asked to change.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from train.models.anchors import SIZES
from train.run.options import STRATEGIES, Options

_NAMES = {field.name for field in dataclasses.fields(Options)}


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those of `Options`' fields that the command line names."""
    return {name: value for name, value in vars(arguments).items() if name in _NAMES}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds every option of a run to `parser`."""
    length = parser.add_mutually_exclusive_group()
    _add(length, "--steps", type=int, metavar="N", help="training steps (1000)")
    _add(length, "--epochs", type=float, metavar="N", help="instead of --steps: how often training sees each image")
    _add(parser, "--batch", type=int, metavar="N", help="images a step (8)")
    _add(parser, "--size", type=int, choices=SIZES, help="side of the network's input (320)")
    _add(parser, "--seed", type=int, metavar="N", help="the same seed makes the same run (0)")
    _add(
        parser,
        "--init",
        metavar="WHAT",
        help="initial weights: zoo, the published COCO checkpoint, fetched once; a checkpoint's or run's folder,"
        " a checkpoint's prefix, or a .tar.gz with one; none, random values (zoo)",
    )
    _add_data(parser.add_argument_group("data"))
    add_images(parser.add_argument_group("images"))
    _add_recipe(parser.add_argument_group("recipe"))
    _add_course(parser.add_argument_group("validation and checkpoints"))
    _add_devices(parser.add_argument_group("devices"))


def _add_data(group) -> None:
    _add(group, "--format", metavar="NAME", help="format of the data set (found by looking)")
    _add(group, "--val", metavar="DATA", help="another data set to validate on (DATA's own list, else --val-split)")
    _add(
        group,
        "--val-split",
        type=float,
        metavar="SHARE",
        help="share of the images to validate on, where the data has no list of its own (0.2)",
    )
    _add(
        group,
        "--oversample",
        type=float,
        metavar="SHARE",
        help="show images with a rare class more often: where fewer than this share of the images have it, by the"
        " root of what it falls short by (0)",
    )


def add_images(group) -> None:
    """Adds what is done to images besides crop and flip."""
    _add(
        group,
        "--no-photometric",
        dest="photometric",
        action="store_false",
        help="do not vary brightness, contrast and saturation, where colours tell the classes apart",
    )
    _add(
        group,
        "--mosaic",
        type=float,
        metavar="P",
        help="with probability P, make four images one: smaller objects, more of them, other surroundings (0)",
    )
    _add(
        group,
        "--scale-jitter",
        type=float,
        metavar="J",
        help="show images up to 1 + J times larger, cut, or smaller, on grey, where objects come in other sizes (0)",
    )
    _add(
        group,
        "--expand",
        type=float,
        metavar="P",
        help="with probability P, show an image at down to half its size on grey: more small objects (0)",
    )


def _add_recipe(group) -> None:
    _add(group, "--rate", type=float, metavar="R", help="highest learning rate (0.06 at batch 8, in proportion; 0.03 from random weights)")
    _add(group, "--momentum", type=float, metavar="M", help="momentum of batch norm's moving averages (0.99)")
    _add(
        group,
        "--frozen-statistics",
        action="store_true",
        help="keep batch norm's statistics as the initial weights have them",
    )
    _add(
        group,
        "--backbone-rate",
        type=float,
        metavar="R",
        help="the backbone's learning rate as a share of the others'; below 1 keeps more of what it knows (0.2; 1 from"
        " random weights)",
    )
    _add(group, "--head-steps", type=int, metavar="N", help="train only the two heads for the first N steps (0)")
    _add(
        group,
        "--match-iou",
        type=float,
        metavar="IOU",
        help="overlap from which an anchor answers for a box; lower means more anchors for each, worse ones too (0.5)",
    )
    _add(
        group,
        "--best-anchors",
        type=int,
        metavar="N",
        help="each box gets its N best anchors whatever their overlap, where boxes are small or of odd shapes (1)",
    )
    _add(
        group,
        "--ema",
        type=float,
        metavar="DECAY",
        help="validate and keep a moving average of the weights, 0.99 say: steadier figures, slower to begin with (no"
        " average)",
    )
    add_precision(group)


def add_precision(group) -> None:
    _add(
        group,
        "--mixed-precision",
        action="store_true",
        help="compute in float16 on graphics cards, in bfloat16 elsewhere; slower where the hardware has no such units",
    )


def _add_course(group) -> None:
    _add(group, "--validate-every", type=int, metavar="N", help="steps between validations (a quarter of all)")
    _add(
        group,
        "--patience",
        type=int,
        metavar="N",
        help="end after N validations in a row without a better AP (train all the steps)",
    )
    _add(
        group,
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="steps between checkpoints to resume from (every half minute, or as seldom as keeps their cost below 2 %%)",
    )


def _add_devices(group) -> None:
    _add(
        group,
        "--strategy",
        choices=STRATEGIES,
        help="one_device: the first graphics card, else the processor; mirrored: all graphics cards of this machine;"
        " multi_worker: all machines that TF_CONFIG names; tpu (whatever TensorFlow takes by itself)",
    )
    _add(group, "--tpu", metavar="NAME", help="name or address of the TPU (local: this machine's)")


def _add(group, name: str, **kwargs) -> None:
    group.add_argument(name, default=argparse.SUPPRESS, **kwargs)

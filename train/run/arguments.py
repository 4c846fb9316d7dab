"""Command line options of a run.

The parsed arguments hold only the options that the user gave, so that a run that is resumed can tell what the user
wants to change.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from runtime.boxes import tiles
from runtime.common.errors import InputError
from train import models
from train.dataset import options as data_options
from train.geometry.size import InputSize
from train.run.options import STRATEGIES, Options

_NAMES = {field.name for field in dataclasses.fields(Options)}
_Container = argparse._ActionsContainer


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `Options` that were given on the command line, with their values."""
    return {name: value for name, value in vars(arguments).items() if name in _NAMES}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds every option of a run to `parser`."""
    training = parser.add_argument_group("training")
    length = training.add_mutually_exclusive_group()
    _add(length, "--steps", type=int, metavar="N", help="training steps (1000; 200 with --qat)")
    _add(length, "--epochs", type=float, metavar="N", help="instead of --steps: passes over the training images")
    add_start(training)
    add_data(parser.add_argument_group("data"))
    add_images(parser.add_argument_group("augmentation"))
    optimization = parser.add_argument_group("optimization")
    _add_rates(optimization)
    add_recipe(optimization)
    _add_validation(parser.add_argument_group("validation and checkpoints"))
    _add_devices(parser.add_argument_group("devices"))


def add_model(group: _Container) -> None:
    """Adds the options for the network and the size of its input."""
    _add(
        group,
        "--model",
        choices=models.names(),
        metavar="NAME",
        help=f"the network; --models lists them with what each is good for ({models.DEFAULT})",
    )
    _add(
        group,
        "--size",
        type=input_size,
        metavar="SIZE",
        help="size of the network's input in pixels: a side such as 320, or HEIGHTxWIDTH such as 192x320 for wide images"
        " (the network's own, 320)",
    )


def add_tiles(group: _Container) -> None:
    """Adds the option for tiles."""
    _add(
        group,
        "--tiles",
        type=_tiles,
        metavar="GRID",
        help="for small objects: train on tiles of the images, such as 2x1 (columns x rows), and on the whole images, as the"
        " detector will be used with --tiles; settings follow after commas (overlap=0.2, whole=no); none: whole images, also"
        " with --from a run on tiles",
    )


def add_start(group: _Container) -> None:
    """Adds the options for network, input size, batches, seed and initial weights."""
    add_model(group)
    add_tiles(group)
    _add(group, "--batch", type=int, metavar="N", help="images per step (8)")
    _add(group, "--seed", type=int, metavar="N", help="random seed; runs with the same seed are the same (0)")
    _add(
        group,
        "--init",
        metavar="WHAT",
        help="initial weights: zoo, the network's published COCO checkpoint, downloaded once; the folder of a checkpoint or a"
        " run, a checkpoint's prefix, or a .tar.gz with a checkpoint; none, random values (zoo)",
    )
    _add(
        group,
        "--init-mirror",
        metavar="WHERE",
        help="address or folder that the published checkpoint is taken from first (EDGE_DETECTION_KIT_MIRROR)",
    )


def add_data(group: _Container) -> None:
    """Adds the options for the data set."""
    _add(group, "--format", metavar="NAME", help="format of the data set (detected)")
    _add(group, "--classes", metavar="FILE", help=data_options.CLASSES_HELP)
    _add(
        group,
        "--val",
        metavar="DATA",
        help="another data set to validate on (the validation images of DATA, else those of --val-split)",
    )
    _add(
        group,
        "--val-split",
        type=float,
        metavar="SHARE",
        help="share of the images to validate on, if the data set does not name its validation images (0.2)",
    )
    _add(group, "--group-by", metavar="RULE", help=f"{data_options.GROUP_BY_HELP} (auto)")
    _add(group, "--redraw", action="store_true", help=data_options.REDRAW_HELP)
    limits = group.add_mutually_exclusive_group()
    _add(limits, "--allow-bad", type=float, metavar="SHARE", help=f"{data_options.ALLOW_BAD_HELP} (a third)")
    _add(limits, "--strict", action="store_true", help=data_options.STRICT_HELP)
    _add(
        group,
        "--oversample",
        type=float,
        metavar="SHARE",
        help="repeat images with rare classes: a class that only a fraction f of the images has comes sqrt(SHARE / f)"
        " times as often, if f is below SHARE (0)",
    )
    _add(
        group,
        "--rehash",
        action="store_true",
        help="hash all images to see whether they have changed; else only those whose size or time has",
    )
    _add(
        group,
        "--cache-gb",
        type=float,
        metavar="GB",
        help="most gigabytes of records in the cache; above that, those used longest ago are removed, but none of today"
        " or in use (100); records that were not used for 90 days are removed, too",
    )


def add_images(group: _Container) -> None:
    """Adds the options for augmentation besides crop and flip."""
    _add(
        group,
        "--no-photometric",
        dest="photometric",
        action="store_false",
        help="do not vary brightness, contrast and saturation; for classes that differ by colour",
    )
    _add(
        group,
        "--mosaic",
        type=float,
        metavar="P",
        help="with probability P, combine four images into one, for smaller and more objects (0)",
    )
    _add(
        group,
        "--scale-jitter",
        type=float,
        metavar="J",
        help="scale images by a random factor between 1 / (1 + J) and 1 + J, for objects of other sizes (0)",
    )
    _add(
        group,
        "--expand",
        type=float,
        metavar="P",
        help="with probability P, show an image at down to half its size on a grey canvas, for small objects (0)",
    )
    _add(
        group,
        "--hue",
        type=float,
        metavar="H",
        help="shift the hue by up to H of the colour circle either way, at most 0.5; for light of other colours (0)",
    )
    _add(
        group,
        "--blur",
        type=float,
        metavar="P",
        help="with probability P, blur the image, by a Gaussian of up to 2 pixels; for cameras out of focus (0)",
    )
    _add(
        group,
        "--vflip",
        type=float,
        metavar="P",
        help="with probability P, turn the image upside down by mirroring it; for images from above (0)",
    )
    _add(
        group,
        "--rotate",
        type=float,
        metavar="P",
        help="with probability P, rotate the image by 90, 180 or 270 degrees; for images from above (0)",
    )


def _add_rates(group: _Container) -> None:
    _add(
        group,
        "--rate",
        type=float,
        metavar="R",
        help="highest learning rate (0.06 at batch 8, in proportion to the batch; 0.03 from random weights,"
        " 0.001 with --qat)",
    )
    _add(group, "--head-steps", type=int, metavar="N", help="train only the heads for the first N steps (0)")
    _add(
        group,
        "--ema",
        type=float,
        metavar="DECAY",
        help="validate and keep a moving average of the weights, with a decay such as 0.99 (no average)",
    )


def add_recipe(group: _Container) -> None:
    """Adds the options for batch norm, the backbone, losses, matching and precision."""
    _add(group, "--momentum", type=float, metavar="M", help="momentum of batch norm's moving averages (the network's own, 0.99)")
    _add(
        group,
        "--frozen-statistics",
        action="store_true",
        help="keep the batch norm statistics of the initial weights",
    )
    _add(
        group,
        "--backbone-rate",
        type=float,
        metavar="R",
        help="learning rate of the backbone as a share of --rate (0.2; 1 from random weights and with --qat)",
    )
    _add(
        group,
        "--class-weights",
        metavar="WHAT",
        help="weights of the class loss: balanced, by the number of boxes of each class, or NAME=W,NAME=W (1 for all)",
    )
    _add(
        group,
        "--label-smoothing",
        type=float,
        metavar="S",
        help="train class scores towards 1 - S / 2 and S / 2 in place of 1 and 0; for labels that are often wrong (0)",
    )
    _add(
        group,
        "--match-iou",
        type=float,
        metavar="IOU",
        help="IoU with a box from which an anchor is positive; a lower value gives more, but worse positives (0.5)",
    )
    _add(
        group,
        "--best-anchors",
        type=int,
        metavar="N",
        help="match each box with at least its N best anchors; for small boxes and unusual shapes (1)",
    )
    add_precision(group)


def add_precision(group: _Container) -> None:
    """Adds the option for mixed precision."""
    _add(
        group,
        "--mixed-precision",
        action="store_true",
        help="compute in float16 on GPUs and in bfloat16 elsewhere; slower on hardware without support for it",
    )


def _add_validation(group: _Container) -> None:
    _add(group, "--validate-every", type=int, metavar="N", help="steps between validations (a quarter of all steps)")
    _add(
        group,
        "--patience",
        type=int,
        metavar="N",
        help="stop early after N validations in a row without a better AP (train all steps)",
    )
    _add(
        group,
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="steps between checkpoints to resume from (every 30 seconds, or less often to keep their cost below 2 %%)",
    )


def _add_devices(group: _Container) -> None:
    _add(
        group,
        "--strategy",
        choices=STRATEGIES,
        help="one_device: the first GPU, else the CPU; mirrored: all GPUs of this machine; multi_worker: all machines"
        " that TF_CONFIG names; tpu (TensorFlow's own choice of one device)",
    )
    _add(group, "--tpu", metavar="NAME", help="name or address of the TPU (local: this machine's)")


def input_size(text: str) -> int | str:
    """The value of `--size`, for argparse."""
    try:
        return InputSize.of(text).recorded
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _tiles(text: str) -> str:
    return str(tiles.tiles_or_none(text))


def _add(group: _Container, name: str, **kwargs: Any) -> None:
    group.add_argument(name, default=argparse.SUPPRESS, **kwargs)

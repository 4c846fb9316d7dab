"""What a run can be told, and which values make sense."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.common.errors import InputError
from train.dataset.dataset import Dataset, open_dataset
from train.models.anchors import POSITIVE_IOU, SIZES

# The batch that the default learning rate is for.
BATCH = 8
STRATEGIES = ("one_device", "mirrored", "multi_worker", "tpu")


@dataclass(frozen=True)
class Options:
    """What a run can be told.

    `epochs` replaces `steps`, by `for_images`. `init` is what `zoo.resolve_init` takes: "zoo",
    "none", or where a checkpoint is. `format`, `val` and `val_split` say how the data set is opened.
    `photometric` to `expand` are those of `augment.Augmentation`, `oversample` is the share for
    `epochs.repeat_factors`. `rate` is the highest learning rate, None for the default at this batch;
    `momentum` that of batch norm's moving averages; `backbone_rate` and `head_steps` are those of
    `rates.factors`, the former None for `experiment.backbone_rate`; `match_iou` and `best_anchors` are
    those of `matching.Rule`; `ema` is the decay of the weights' moving average, None for none;
    `validate_every` and `checkpoint_every` are numbers of steps, None for a
    quarter of them, and for as often as costs little. `strategy` is one of `STRATEGIES`, None for the
    one device that TensorFlow takes by itself, and `tpu` the name of a TPU for the strategy of that name.
    `qat` is the float run that quantization-aware training starts from (see `qat.options`), None for
    float training.
    """

    steps: int = 1000
    epochs: float | None = None
    batch: int = BATCH
    size: int = 320
    seed: int = 0
    init: str = "zoo"
    format: str | None = None
    val: str | None = None
    val_split: float = 0.2
    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0
    oversample: float = 0.0
    rate: float | None = None
    momentum: float = 0.99
    frozen_statistics: bool = False
    backbone_rate: float | None = None
    head_steps: int = 0
    match_iou: float = POSITIVE_IOU
    best_anchors: int = 1
    ema: float | None = None
    mixed_precision: bool = False
    validate_every: int | None = None
    patience: int | None = None
    checkpoint_every: int | None = None
    strategy: str | None = None
    tpu: str = "local"
    qat: str | None = None

    def open(self, data: str) -> Dataset:
        """The data set at `data`, split as these options say. Raises InputError as `open_dataset` does."""
        return open_dataset(
            data, format=self.format, validation=self.val, validation_share=self.val_split, seed=self.seed
        )

    def for_images(self, count: int) -> Options:
        """These options with `steps` from `epochs`, where those are given, over `count` images.

        Raises InputError for a value that makes no sense.
        """
        check(self)
        if self.epochs is None:
            return self
        return dataclasses.replace(self, steps=max(1, math.ceil(self.epochs * count / self.batch)))


def as_dict(options: Options) -> dict[str, Any]:
    return dataclasses.asdict(options)


def option_name(name: str) -> str:
    """The option's name on the command line."""
    return "--no-photometric" if name == "photometric" else f"--{name.replace('_', '-')}"


def check(options: Options) -> None:
    """Raises InputError for the first value that makes no sense."""
    for name, (makes_sense, what) in _SENSE.items():
        value = getattr(options, name)
        if value is not None and not makes_sense(value):
            raise InputError(f"{option_name(name)} must {what}, not {value}")


def from_dict(values: Mapping[str, Any], where: str) -> Options:
    """Options that were written as a dictionary. Raises InputError, naming `where`, for what they can't be."""
    types = {field.name: field.type for field in dataclasses.fields(Options)}
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: the options are not a list of names and values")
    for name, value in values.items():
        if name not in types:
            raise InputError(f"{where}: {name} is no option of this version of the kit")
        if not _fits(value, types[name]):
            raise InputError(f"{where}: {name} cannot be {value!r}")
    options = Options(**values)
    check(options)
    return options


def _fits(value: Any, annotation: str) -> bool:
    """Whether `value` is of the type that a field of `Options` is annotated with, such as "int | None"."""
    kinds = {"int": int, "float": (int, float), "str": str, "bool": bool, "None": type(None)}
    allowed = annotation.split(" | ")
    if isinstance(value, bool):
        return "bool" in allowed
    return any(isinstance(value, kinds[kind]) for kind in allowed)


def _share(value: float) -> bool:
    return 0 <= value <= 1


def _at_least(least: int):
    return (lambda value: value >= least), f"be at least {least}"


def _above_zero(value: float) -> bool:
    return 0 < value < math.inf


_SENSE = {
    "steps": _at_least(1),
    "epochs": (_above_zero, "be a number above 0"),
    "batch": _at_least(1),
    "validate_every": _at_least(1),
    "patience": _at_least(1),
    "checkpoint_every": _at_least(1),
    "mosaic": (_share, "lie between 0 and 1"),
    "scale_jitter": (lambda value: 0 <= value <= 4, "lie between 0 and 4"),
    "expand": (_share, "lie between 0 and 1"),
    "oversample": (_share, "lie between 0 and 1"),
    "backbone_rate": (lambda value: 0 <= value <= 1, "lie between 0 and 1"),
    "head_steps": _at_least(0),
    "match_iou": (lambda value: 0 < value < 1, "lie between 0 and 1"),
    "best_anchors": (lambda value: 1 <= value <= 100, "lie between 1 and 100"),
    "ema": (lambda value: 0 < value < 1, "lie between 0 and 1"),
    "rate": (_above_zero, "be a number above 0"),
    "size": (lambda value: value in SIZES, f"be {' or '.join(map(str, SIZES))}"),
    "seed": (lambda value: 0 <= value < 2**32, f"lie between 0 and {2**32 - 1}"),
    "strategy": (lambda value: value in STRATEGIES, f"be one of {', '.join(STRATEGIES)}"),
    "momentum": (lambda value: 0 <= value < 1, "be at least 0 and below 1"),
}

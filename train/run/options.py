"""Options of a run, and the checks of their values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.boxes.tiles import Tiles, or_none
from runtime.common.errors import InputError
from train import models
from train.dataset import grouping
from train.dataset.dataset import Dataset, open_dataset
from train.dataset.options import bad_share
from train.geometry.head import POSITIVE_IOU
from train.geometry.size import InputSize
from train.network.network import Network
from train.run import earlier_run

# The batch for which the default learning rate is given.
BATCH = 8
STRATEGIES = ("one_device", "mirrored", "multi_worker", "tpu")


@dataclass(frozen=True)
class Options:
    """Options of a run.

    Attributes:
      steps: number of training steps.
      epochs: replaces `steps` (see `for_images`).
      batch: images per step.
      model: the network, a name in `train.models`.
      size: the size of its input as `InputSize.of` takes it, None for the network's default.
      tiles: the tiles that images are cut into, as `Tiles.of` takes them, None or "none" for whole images.
      seed: the seed of everything random.
      init: initial weights: "zoo", "none", or where a checkpoint is (see `published.resolve_init`).
      init_mirror: address or folder that the published checkpoint is taken from first.
      format: format of the data set, None to detect it.
      classes: a file with other names for classes, None for the data's own.
      val: another data set to validate on.
      val_split: share of the images to validate on, if the data set does not name them.
      group_by: which images are kept on one side of the split (see `grouping.Rule`).
      redraw: draw the images to validate on, though the data set names them.
      allow_bad: share of the images, and of the boxes, that may be bad and are left out, None for the default.
      strict: refuse the data if one image or box in it is bad.
      photometric: vary brightness, contrast and saturation.
      mosaic: probability of a mosaic (see `augmentation.Augmentation`).
      scale_jitter: relative range of scales (see `augmentation.Augmentation`).
      expand: probability of a smaller image (see `augmentation.Augmentation`).
      hue: greatest shift of hue (see `augmentation.Augmentation`).
      blur: probability of a blurred image (see `augmentation.Augmentation`).
      vflip: probability of an upside-down image (see `augmentation.Augmentation`).
      rotate: probability of a quarter, half or three-quarter turn (see `augmentation.Augmentation`).
      oversample: the share for `epochs.repeat_factors`.
      rate: highest learning rate, None for the default (see `schedule.optimizer_config`).
      momentum: momentum of batch norm's moving averages, None for the network's default.
      frozen_statistics: keep the batch norm statistics of the initial weights.
      backbone_rate: the backbone's learning rate as a share of `rate`, None for the default
        (see `schedule.backbone_rate`).
      head_steps: number of steps in which only the heads are trained (see `layer_learning_rates.factors`).
      class_weights: weights of the class loss, "balanced" or "NAME=W,..." (see `class_weights.from_option`), None for 1.
      label_smoothing: smoothing of the class targets (see `losses.focal_loss`).
      match_iou: IoU from which an anchor is positive (see `matching.Rule`).
      best_anchors: number of best anchors that each box is matched with (see `matching.Rule`).
      ema: decay of the moving average of the weights, None for no average.
      mixed_precision: compute in float16 or bfloat16.
      validate_every: steps between validations, None for a quarter of all steps.
      patience: number of validations without a better AP after which training stops, None to train all steps.
      checkpoint_every: steps between checkpoints, None to write them by time.
      rehash: hash all images, also those whose size and times have not changed (see `writing.build`).
      cache_gb: most gigabytes of records in the cache, as far as they are not in use (see `writing.prune`).
      strategy: one of `STRATEGIES`, None for the one device that TensorFlow selects.
      tpu: name of the TPU for the strategy "tpu".
      logger: names of loggers that are told about the run, separated by commas (see `train.loggers`).
      from_run: the run that this one goes on from with more data (see `continuation.options`), None for none.
      qat: the float run that quantization-aware training starts from (see `qat.options`), None for float training.
    """

    steps: int = 1000
    epochs: float | None = None
    batch: int = BATCH
    model: str = models.DEFAULT
    size: int | str | None = None
    tiles: str | None = None
    seed: int = 0
    init: str = "zoo"
    init_mirror: str | None = None
    format: str | None = None
    classes: str | None = None
    val: str | None = None
    val_split: float = 0.2
    group_by: str = grouping.AUTO
    redraw: bool = False
    allow_bad: float | None = None
    strict: bool = False
    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0
    hue: float = 0.0
    blur: float = 0.0
    vflip: float = 0.0
    rotate: float = 0.0
    oversample: float = 0.0
    rate: float | None = None
    momentum: float | None = None
    frozen_statistics: bool = False
    backbone_rate: float | None = None
    head_steps: int = 0
    class_weights: str | None = None
    label_smoothing: float = 0.0
    match_iou: float = POSITIVE_IOU
    best_anchors: int = 1
    ema: float | None = None
    mixed_precision: bool = False
    validate_every: int | None = None
    patience: int | None = None
    checkpoint_every: int | None = None
    rehash: bool = False
    cache_gb: float = 100.0
    strategy: str | None = None
    tpu: str = "local"
    logger: str | None = None
    from_run: str | None = None
    qat: str | None = None

    @property
    def network(self) -> Network:
        """The network. Raises InputError if there is none of that name."""
        return models.find(self.model)

    @property
    def input_size(self) -> InputSize:
        """The size of the network's input. Raises InputError for what is no size."""
        return self.network.sizes.default if self.size is None else InputSize.of(self.size)

    @property
    def grid(self) -> Tiles | None:
        """The tiles that images are cut into; None for whole images. Raises InputError for what are no tiles."""
        return or_none(self.tiles)

    @property
    def trained(self) -> bool:
        """Whether the initial weights are trained, and not random."""
        return self.init != "none"

    @property
    def average_decay(self) -> float | None:
        """The decay of the weights' moving average: `ema`, or else the network's own; None without an average."""
        return self.network.defaults.ema if self.ema is None else self.ema

    def open(self, data: str | Sequence[str]) -> Dataset:
        """Opens the data set at `data`, or several as one, and splits it by these options.

        Raises InputError as `open_dataset` does.
        """
        return open_dataset(
            data,
            classes=self.classes,
            format=self.format,
            validation=self.val,
            validation_share=self.val_split,
            seed=self.seed,
            group_by=self.group_by,
            redraw=self.redraw,
            allow_bad=bad_share(self.allow_bad, self.strict),
            earlier=None if self.from_run is None else earlier_run.known(self.from_run),
        )

    def for_images(self, count: int) -> Options:
        """These options with `steps` computed from `epochs`, if given, for `count` training images.

        Raises InputError for an invalid value.
        """
        check(self)
        if self.epochs is None:
            return self
        return dataclasses.replace(self, steps=max(1, math.ceil(self.epochs * count / self.batch)))


def as_dict(options: Options) -> dict[str, Any]:
    """The options by name, for `config.yaml`, with the network's own values where none was given."""
    momentum = options.network.defaults.momentum if options.momentum is None else options.momentum
    return {
        **dataclasses.asdict(options), "size": options.input_size.recorded, "tiles": recorded_tiles(options.tiles),
        "momentum": momentum,
    }  # fmt: skip


def recorded_tiles(tiles: str | None) -> str | None:
    """`tiles` as `config.yaml` has them: one text for the same tiles, None for whole images. Raises InputError for what are none."""
    found = or_none(tiles)
    return None if found is None else str(found)


def as_recorded(name: str, value: Any) -> Any:
    """The value of the option `name` as another is compared with it: "2x1,overlap=0.2" are the tiles 2x1. Raises InputError."""
    return recorded_tiles(value) if name == "tiles" else value


def option_name(name: str) -> str:
    """The name on the command line of the field `name` of `Options`."""
    return {"photometric": "--no-photometric", "from_run": "--from"}.get(name, f"--{name.replace('_', '-')}")


def check(options: Options) -> None:
    """Raises InputError for the first invalid value."""
    for name, (is_valid, what) in _RULES.items():
        value = getattr(options, name)
        if value is not None and not is_valid(value):
            raise InputError(f"{option_name(name)} must {what}, not {value}")
    for name, why in options.network.without.items():
        if getattr(options, name) != getattr(Options(), name):
            raise InputError(f"{option_name(name)}: leave it out for {options.model}: {why}")
    recorded_tiles(options.tiles)
    fault = options.network.sizes.fault(options.input_size)
    if fault:
        raise InputError(f"--size: {options.model}: {fault}")


def from_dict(values: Mapping[str, Any], where: str) -> Options:
    """Options from the result of `as_dict`. Raises InputError, with `where` in its message, for an invalid value."""
    options = Options(**of_their_types(values, where))
    check(options)
    return options


def of_their_types(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`values` by name. Raises InputError, with `where` in its message, for no name of an option or a value of another type.

    What a value may be besides is only known with the network (see `check`).
    """
    types = {field.name: str(field.type) for field in dataclasses.fields(Options)}
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: the options are not a list of names and values")
    for name, value in values.items():
        if name not in types:
            raise InputError(f"{where}: {name} is no option of this version of the kit")
        if not _fits(value, types[name]):
            raise InputError(f"{where}: {name} cannot be {value!r}")
    return dict(values)


def _fits(value: Any, annotation: str) -> bool:
    """Whether `value` has the type that `annotation` names, such as "int | None"."""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,), "float": (int, float), "str": (str,), "bool": (bool,), "None": (type(None),)
    }  # fmt: skip
    allowed = annotation.split(" | ")
    if isinstance(value, bool):
        return "bool" in allowed
    return any(isinstance(value, kinds[kind]) for kind in allowed)


# Whether a value is valid, and what it must be, for the error message.
_Rule = tuple[Callable[[Any], bool], str]


def _share(value: float) -> bool:
    return 0 <= value <= 1


def _at_least(least: int) -> _Rule:
    return (lambda value: bool(value >= least)), f"be at least {least}"


def _above_zero(value: float) -> bool:
    return 0 < value < math.inf


_RULES: dict[str, _Rule] = {
    "steps": _at_least(1),
    "epochs": (_above_zero, "be a number above 0"),
    "batch": _at_least(1),
    "validate_every": _at_least(1),
    "patience": _at_least(1),
    "checkpoint_every": _at_least(1),
    "cache_gb": _at_least(0),
    "allow_bad": (_share, "lie between 0 and 1"),
    "mosaic": (_share, "lie between 0 and 1"),
    "scale_jitter": (lambda value: 0 <= value <= 4, "lie between 0 and 4"),
    "expand": (_share, "lie between 0 and 1"),
    "hue": (lambda value: 0 <= value <= 0.5, "lie between 0 and 0.5"),
    "blur": (_share, "lie between 0 and 1"),
    "vflip": (_share, "lie between 0 and 1"),
    "rotate": (_share, "lie between 0 and 1"),
    "label_smoothing": (lambda value: 0 <= value < 1, "be at least 0 and below 1"),
    "oversample": (_share, "lie between 0 and 1"),
    "backbone_rate": (lambda value: 0 <= value <= 1, "lie between 0 and 1"),
    "head_steps": _at_least(0),
    "match_iou": (lambda value: 0 < value < 1, "lie between 0 and 1"),
    "best_anchors": (lambda value: 1 <= value <= 100, "lie between 1 and 100"),
    "ema": (lambda value: 0 < value < 1, "lie between 0 and 1"),
    "rate": (_above_zero, "be a number above 0"),
    "seed": (lambda value: 0 <= value < 2**32, f"lie between 0 and {2**32 - 1}"),
    "strategy": (lambda value: value in STRATEGIES, f"be one of {', '.join(STRATEGIES)}"),
    "momentum": (lambda value: 0 <= value < 1, "be at least 0 and below 1"),
}

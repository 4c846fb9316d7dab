"""The interface of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from runtime.common.errors import InputError
from train.geometry.head import Head
from train.geometry.normalization import Normalization
from train.geometry.size import InputSize, SizeRule
from train.network.api_model import ApiModel

if TYPE_CHECKING:
    import tensorflow as tf

    from train.graph.graph import Graph
    from train.layers.keras_types import Layer, Model
    from train.targets.matching import Rule

    # What one image's boxes, float32 [G, 4] as (ymin, xmin, ymax, xmax) in 0..1, and classes, int32 [G] from 1, become
    # for the losses: tensors of the same shapes for every image.
    Targets = Mapping[str, tf.Tensor]
    Assign = Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]
    # Of a tensor of one replica, the sum over all replicas.
    SumOfReplicas = Callable[[tf.Tensor], tf.Tensor]
    Losses = Callable[[Sequence[tf.Tensor], Targets, SumOfReplicas], tuple[tf.Tensor, tf.Tensor]]
    TrainedBoxes = Callable[[Targets], tuple[tf.Tensor, tf.Tensor]]


@dataclass(frozen=True)
class Published:
    """A published checkpoint.

    `size` is the input that it was trained at, `classes` the number of its classes. `addresses` are tried in turn.
    `archive` is the name of the file at these addresses. `blobs` are the git blob ids of the checkpoint's files in it,
    as far as they are known: the SHA-1 of "blob", a space, the size in decimal, a zero byte, and the content. `sha256` is
    the hash of the whole file, "" if unknown.
    """

    name: str
    size: InputSize
    archive: str
    addresses: tuple[str, ...]
    blobs: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    classes: int = 90


@dataclass(frozen=True)
class Facts:
    """What `python -m train --models` says of a network.

    `ap` is the published COCO AP and `multiply_adds` the number in thousand millions, both at the default size with the
    published classes. `weights` says where the published weights come from, `about` for whom the network is.
    """

    title: str
    ap: float
    multiply_adds: float
    licence: str
    weights: str
    about: str


@dataclass(frozen=True)
class Defaults:
    """How a network is trained where the user says nothing else.

    `optimizer` is "sgd" (momentum 0.9) or "adamw" with `weight_decay`. Rates are the highest learning rates at a batch of
    8: `tuning_rate` from trained weights, `rate` from random ones. `backbone_rate` is the backbone's share of
    `tuning_rate`. `momentum` is that of batch norm's moving averages, `clip_norm` the greatest norm of all gradients (the
    first ones of a new class head can be very large), and `ema` the decay of the weights' moving average, None for no average.
    """

    optimizer: str = "sgd"
    rate: float = 0.03
    tuning_rate: float = 0.06
    backbone_rate: float = 0.2
    momentum: float = 0.99
    clip_norm: float = 10.0
    weight_decay: float = 0.0
    ema: float | None = None


@dataclass(frozen=True)
class LossSettings:
    """`class_weights`: one for each class, or none for 1. `smoothing`: that of the class targets (see `losses`)."""

    class_weights: tuple[float, ...] = ()
    smoothing: float = 0.0


class Network(ABC):
    """A network: one object of this kind, `NETWORK`, is in each file of `train.models`.

    Attributes:
      facts: for people who choose.
      sizes: the sizes of its input.
      normalization: what its published weights were trained on, in the order red, green, blue. Every network is fed
        RGB in -1..1; one that was trained on something else begins with the step from there.
      published: its published checkpoints.
      defaults: how it is trained.
      background: the number of columns of class logits in front of those of the classes, 0 or 1.
      class_stems: what the keys of the variables begin with that are left out for other classes.
      object_detection_api: what a `pipeline.config` says of it; None if that API has it not.
      foreign: the endings of files of other frameworks that it takes weights from (see `from_foreign`).
      without: the options of training that mean nothing for it, with the reason.
      folded: those of `foreign` whose batch norms are folded into the convolutions.
      first_mean: the key of the first batch norm's mean, which stays 0 where training began from such a file.
      also: the names of networks that are known under the same name. A checkpoint named by `--init` decides.
    """

    facts: Facts
    sizes: SizeRule
    normalization: Normalization = Normalization()
    published: tuple[Published, ...] = ()
    defaults: Defaults = Defaults()
    background: int = 1
    class_stems: tuple[str, ...] = ()
    object_detection_api: ApiModel | None = None
    without: Mapping[str, str] = MappingProxyType({})
    also: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    first_mean: str = ""

    @property
    def name(self) -> str:
        """The name of its file."""
        return type(self).__module__.rpartition(".")[2]

    def new(
        self, size: InputSize, classes: int, *, momentum: float | None = None, frozen: bool = False, auxiliary: bool = True
    ) -> Model:
        """A new model (see `build`) that knows its network, size and classes. Raises InputError for an unfit size.

        Without `auxiliary` it is trained without what exists only in training (see `leave_out_auxiliary`).
        """
        fault = self.sizes.fault(size)
        if fault:
            raise InputError(f"{self.name}: {fault}")
        model = self.build(size, classes, momentum=self.defaults.momentum if momentum is None else momentum, frozen=frozen)
        model.network, model.size, model.classes = self, size, classes
        if not auxiliary:
            self.leave_out_auxiliary(model)
        return model

    def leave_out_auxiliary(self, model: Model) -> None:
        """Has `model` trained without what exists only in training. Most networks have nothing of this kind.

        Its variables stay, so that a checkpoint has the same ones, but they are not trained and cost no time.
        """

    @abstractmethod
    def head(self, size: InputSize) -> Head:
        """What the outputs mean for an input of `size`."""

    @abstractmethod
    def build(self, size: InputSize, classes: int, *, momentum: float, frozen: bool) -> Model:
        """The Keras model, with its variables.

        Called with images float32 [N, height, width, 3], RGB in -1..1, it returns box codes [N, A, head.columns] and class
        logits [N, A, background + classes]; in training also whatever its losses need. `momentum` and `frozen` are those
        of `BatchNormSettings`.
        """

    @abstractmethod
    def variables(self, model: Model) -> dict[str, tf.Variable]:
        """The variables of `model` by the keys that published checkpoints have, without the prefix and suffix of one."""

    @abstractmethod
    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        """The number of classes of a checkpoint with variables of these shapes, by key; None for another network's."""

    def from_foreign(self, path: Path) -> Model:
        """A new model, of any size, with the weights and for the classes of the file `path`.

        It has one of the endings in `foreign`. Raises InputError for a file that cannot be read or is of another network.
        """
        raise InputError(f"{path}: {self.name} takes no weights from such files")

    @abstractmethod
    def fold(self, model: Model) -> Graph:
        """The network in inference mode as plain operations, by TensorFlow operations on the variables of `model`."""

    @abstractmethod
    def assign(self, size: InputSize, rule: Rule) -> Assign:
        """What makes the targets of one image, in the input pipeline."""

    @abstractmethod
    def losses(self, size: InputSize, settings: LossSettings) -> Losses:
        """What gives class loss and box loss, two scalars, of the outputs for a batch and its targets.

        Of several replicas, each divides by what `sum_of_replicas` makes of its number of positives, so that the sum of
        their losses is that of the whole batch.
        """

    @abstractmethod
    def trained_boxes(self, size: InputSize) -> TrainedBoxes:
        """What gives the classes int32 [M], from 1, and boxes [M, 4] in 0..1 that one image's targets train."""

    @abstractmethod
    def backbone(self, model: Model) -> Layer:
        """The layers that keep most of what they have learned in fine-tuning."""

    @abstractmethod
    def heads(self, model: Model) -> tuple[Layer, ...]:
        """The layers that `--head-steps` trains first."""

    def also_called(self, stem: str) -> str | None:
        """Another key that checkpoints may have for a variable; None if there is none."""
        return None

    def published_for(self, size: InputSize) -> Published | None:
        """The published checkpoint whose size is nearest to `size`; None if there is none."""
        return min(self.published, key=lambda item: abs(item.size.pixels - size.pixels), default=None)

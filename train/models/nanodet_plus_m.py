"""NanoDet-Plus-m: ShuffleNetV2 1.0x, GhostPAN, and a head of distributions; trained by dynamic assignment.

The network of https://github.com/RangiLyu/nanodet, release v1.0.0-alpha-1. Every size has the same variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from train.geometry.head import Head, Level
from train.geometry.normalization import Normalization
from train.geometry.size import InputSize, SizeRule
from train.network.network import Defaults, Facts, Network, Published

if TYPE_CHECKING:
    import tensorflow as tf

    from train.graph.graph import Graph
    from train.layers.keras_types import Layer, Model
    from train.layers.nanodet import NanoDet
    from train.network.network import Assign, Losses, LossSettings, TrainedBoxes
    from train.targets.matching import Rule

_SITES = (
    "https://github.com/RangiLyu/nanodet/releases/download/v1.0.0-alpha-1",
    "https://downloads.sourceforge.net/project/nanodet-plus.mirror/v1.0.0-alpha-1",
)
_STRIDES = (8, 16, 32, 64)
_BINS = 8


def _published(side: int, kind: str, sha256: str) -> Published:
    archive = f"nanodet-plus-m_{side}{kind}"
    addresses = tuple(f"{site}/{archive}" for site in _SITES)
    return Published(f"nanodet-plus-m_{side}", InputSize(side, side), archive, addresses, sha256=sha256, classes=80)


class NanodetPlusM(Network):
    """See the module."""

    facts = Facts(
        title="NanoDet-Plus-m",
        ap=27.0,
        multiply_adds=0.45,
        licence="Apache-2.0",
        weights="the release v1.0.0-alpha-1 of RangiLyu/nanodet (2021)",
        about="more accurate than the default on COCO in less time on a CPU; 416 for smaller things",
    )
    sizes = SizeRule(InputSize(320, 320))
    # Red, green and blue; the published code has them the other way round.
    normalization = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    # The checkpoint of 320 has the batch norms and the guidance module, too. Of that of 416 no hash is known.
    published = (
        _published(320, "_checkpoint.ckpt", "f4c6080f3ef35a64c3030d559438b436462f227ce29700bca71327203e42dea2"),
        _published(416, ".onnx", "59d2f166088889c902f523bf08079391993491324f0d84847e3c4016a8f7cc3d"),
    )
    defaults = Defaults(
        optimizer="adamw",
        rate=1e-3,
        tuning_rate=7e-4,
        backbone_rate=1.0,
        momentum=0.9,
        clip_norm=35.0,
        weight_decay=0.05,
        ema=0.99,
    )
    background = 0
    without = MappingProxyType(
        {
            **dict.fromkeys(("match_iou", "best_anchors"), "its predictions decide which points find a box"),
            "label_smoothing": "its class targets are soft already",
            **dict.fromkeys(("backbone_rate", "head_steps"), "AdamW makes steps of one length of gradients of any"),
        }
    )
    class_stems = (*(f"head.gfl_cls.{level}.classes" for level in range(len(_STRIDES))), "aux_head.gfl_cls")
    foreign = (".ckpt", ".pth", ".onnx", ".param")
    folded = (".onnx", ".param")
    first_mean = "backbone.conv1.1.running_mean"

    def head(self, size: InputSize) -> Head:
        """Points without an offset of half a cell, and distributions of 8 bins."""
        levels = (
            Level(-(-size.height // stride), -(-size.width // stride), (stride, stride), (0.0, 0.0), ((stride, stride),))
            for stride in _STRIDES
        )
        return Head(size, tuple(levels), (1.0, 1.0, 1.0, 1.0), _BINS)

    def build(self, size: InputSize, classes: int, *, momentum: float, frozen: bool) -> Model:
        """A `NanoDet`."""
        import tensorflow as tf

        from train.layers.conv_norm import EPSILON
        from train.layers.layers import BatchNormSettings
        from train.layers.nanodet import NanoDet

        model = NanoDet(classes, self.normalization, BatchNormSettings(momentum, frozen, EPSILON), self.name)
        model(tf.zeros([1, *size, 3]), training=True)
        return model

    def leave_out_auxiliary(self, model: Model) -> None:
        """The guidance module."""
        detector = _nanodet(model)
        detector.guided = detector.aux_fpn.trainable = detector.aux_head.trainable = False

    def variables(self, model: Model) -> dict[str, tf.Variable]:
        """The keys of the published checkpoints (see `nanodet_weights.variables`)."""
        from train.network import nanodet_weights

        return nanodet_weights.variables(_nanodet(model))

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        """By the bias of the first last convolution."""
        bias = shapes.get(f"{self.class_stems[0]}.bias")
        return None if bias is None else int(bias[0])

    def from_foreign(self, path: Path) -> Model:
        """See `nanodet_weights.from_published`."""
        from train.network import nanodet_weights

        # The variables are the same for every size, and the smallest network is built fastest.
        size = InputSize(self.sizes.least, self.sizes.least)
        return nanodet_weights.from_published(path, lambda classes: _nanodet(self.new(size, classes)), self.fold)

    def fold(self, model: Model) -> Graph:
        """See `train.graph.nanodet.fold`."""
        from train.graph.nanodet import fold

        return fold(_nanodet(model), self.head(model.size))

    def assign(self, size: InputSize, rule: Rule) -> Assign:
        """The boxes themselves, filled up: which point finds which depends on what the network predicts."""
        from train.targets import dynamic_soft_labels

        return dynamic_soft_labels.padded

    def losses(self, size: InputSize, settings: LossSettings) -> Losses:
        """See `train.targets.guided_losses`."""
        from train.targets.guided_losses import guided_losses

        return guided_losses(self.head(size), settings.class_weights)

    def trained_boxes(self, size: InputSize) -> TrainedBoxes:
        """All boxes."""
        from train.targets import dynamic_soft_labels

        return dynamic_soft_labels.unpadded

    def backbone(self, model: Model) -> Layer:
        """ShuffleNetV2."""
        return _nanodet(model).backbone

    def heads(self, model: Model) -> tuple[Layer, ...]:
        """The last convolutions, and the guidance module's head."""
        detector = _nanodet(model)
        return *detector.head.class_outputs, *detector.head.box_outputs, detector.aux_head


def _nanodet(model: Model) -> NanoDet:
    from train.layers.nanodet import NanoDet

    assert isinstance(model, NanoDet)
    return model


NETWORK = NanodetPlusM()

"""Networks with a feature pyramid of levels 3 to 7 and one predictor for all levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from train.geometry.head import Head
from train.geometry.pyramid_anchors import PER_CELL, pyramid_anchors
from train.geometry.size import InputSize
from train.network.anchored import AnchoredNetwork

if TYPE_CHECKING:
    import tensorflow as tf

    from train.graph.builder import Builder
    from train.graph.graph import Graph
    from train.layers.keras_types import Layer, Model
    from train.layers.layers import BatchNormSettings
    from train.layers.pyramid_detector import PyramidDetector, Style

CLASS_HEAD = "_box_predictor/_prediction_heads/class_predictions_with_background/_class_predictor_layers/0"


class PyramidNetwork(AnchoredNetwork):
    """A network of the Object Detection API's SSD with a feature pyramid (`ssd_..._fpn_keras`)."""

    class_stems = (CLASS_HEAD,)
    # A variable that no other network has.
    mark = "_box_predictor/_head_scope_conv_layers/PredictionTower/0/pointwise_kernel"

    def head(self, size: InputSize) -> Head:
        """Anchors of levels 3 to 7."""
        return pyramid_anchors(size)

    def build(self, size: InputSize, classes: int, *, momentum: float, frozen: bool) -> Model:
        """A `PyramidDetector`."""
        import tensorflow as tf

        from train.layers.layers import BatchNormSettings
        from train.layers.pyramid_detector import PyramidDetector

        settings = BatchNormSettings(momentum, frozen)
        model = PyramidDetector(self.keras_backbone(), self.style(), size, classes, settings, name=self.name)
        model(tf.zeros([1, *size, 3]))
        return cast("Model", model)

    def style(self) -> Style:
        """What the network differs in from others."""
        raise NotImplementedError

    def keras_backbone(self) -> Callable[[InputSize, BatchNormSettings], Model]:
        """What builds the backbone for a size: a model from images to the maps of levels 3, 4 and 5."""
        raise NotImplementedError

    def folded_backbone(self, backbone: Model, builder: Builder) -> Sequence[str]:
        """Adds the nodes of `backbone` to `builder`; the names of those that give the maps of levels 3, 4 and 5."""
        raise NotImplementedError

    def variables(self, model: Model) -> dict[str, tf.Variable]:
        """The keys of the published checkpoints."""
        from train.network.pyramid_variables import variables

        return variables(_detector(model), CLASS_HEAD)

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        """By the bias of the class head, where the towers are those of this network."""
        bias = shapes.get(f"{CLASS_HEAD}/bias")
        return None if bias is None or self.mark not in shapes else int(bias[0]) // PER_CELL - self.background

    def fold(self, model: Model) -> Graph:
        """See `train.graph.pyramid.fold`."""
        from train.graph.pyramid import fold

        detector = _detector(model)
        return fold(detector, self.head(detector.size), self.folded_backbone)

    def backbone(self, model: Model) -> Layer:
        """The classification network that the pyramid is built on."""
        return _detector(model)._feature_extractor.classification_backbone

    def heads(self, model: Model) -> tuple[Layer, ...]:
        """The box head and the class head."""
        predictor = _detector(model)._box_predictor
        return predictor._box_prediction_head, *predictor._prediction_heads.values()


def _detector(model: Model) -> PyramidDetector:
    from train.layers.pyramid_detector import PyramidDetector

    assert isinstance(model, PyramidDetector)
    return model

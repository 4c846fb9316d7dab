"""SSD MobileNet v2 of TensorFlow 2: six maps, 1x1 heads, focal loss.

The network of `ssd_mobilenet_v2_320x320_coco17_tpu-8` in TensorFlow's detection model zoo, whose input is 300 x 300
despite its name. TensorFlow 1's network of nearly the same name is `ssd_mobilenet_v2`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from train.geometry.size import InputSize, SizeRule
from train.geometry.ssd_anchors import MAPS, shapes_per_cell
from train.network.api_multibox import multibox
from train.network.multibox_network import MultiboxNetwork
from train.network.network import Facts, Published

if TYPE_CHECKING:
    import tensorflow as tf

    from train.layers.keras_types import Layer, Model
    from train.layers.multibox_detector import Style

_NAME = "ssd_mobilenet_v2_320x320_coco17_tpu-8"
_HEADS = "_box_predictor/_prediction_heads"
_BACKBONE = "_feature_extractor/classification_backbone"
_EXTRAS = "_feature_extractor/feature_map_generator/convolutions"


def _class_head(number: int, layer: int = 0) -> str:
    return f"{_HEADS}/class_predictions_with_background/{number}/_class_predictor_layers/{layer}"


class SsdMobilenetV2Keras(MultiboxNetwork):
    """See the module."""

    facts = Facts(
        title="SSD MobileNet v2 of TensorFlow 2 (2020)",
        ap=20.2,
        multiply_adds=0.773,
        licence="Apache-2.0",
        weights="TensorFlow's detection model zoo (2020)",
        about="the fastest of the SSDs, for large objects; models trained with ssd_mobilenet_v2_keras",
    )
    sizes = SizeRule(InputSize(300, 300), multiple=1, least=33)
    object_detection_api = multibox("ssd_mobilenet_v2_keras", separable_extras=False, head_kernel=1)
    alpha = 0.75
    class_stems = tuple(f"{_HEADS}/class_predictions_with_background/{i}/" for i in range(MAPS))
    also = ("ssd_mobilenet_v2",)
    published = (
        Published(
            _NAME,
            InputSize(300, 300),
            f"{_NAME}.tar.gz",
            (f"https://download.tensorflow.org/models/object_detection/tf2/20200711/{_NAME}.tar.gz",),
            {
                "ckpt-0.data-00000-of-00001": "0b751fc7b8d276541a48b6e6522a85ec1481cf28",
                "ckpt-0.index": "da1878d6eb8c5337773a9c73ec927c1c163f2890",
            },
        ),
    )

    def style(self) -> Style:
        """Plain extras, 1x1 heads."""
        from train.layers.layers import Kernels
        from train.layers.multibox_detector import Style

        started = Kernels(0.03, truncated=True)
        return Style(
            separable=False, head_kernel=1, bias_start=-4.6, backbone=started, extras=started, heads=Kernels(0.01)
        )

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        """By the bias of the first class head, wherever dropout has left it."""
        for layer in (0, 1):
            bias = shapes.get(f"{_class_head(0, layer)}/bias")
            if bias is not None:
                return int(bias[0]) // shapes_per_cell(0) - self.background
        return None

    def also_called(self, stem: str) -> str | None:
        """A configuration with dropout makes the class head's convolution its second layer."""
        return stem.replace("_class_predictor_layers/0", "_class_predictor_layers/1")

    def variables(self, model: Model) -> dict[str, tf.Variable]:
        """The keys of the published checkpoint."""
        detector = self.detector(model)
        found: dict[str, tf.Variable] = {}

        def add(key: str, layer: Layer) -> None:
            for variable in layer.variables:
                found[f"{key}/{variable.name.rsplit('/', 1)[-1].removesuffix(':0')}"] = variable

        layers = [layer for layer in detector.features.classification_backbone.layers if layer.variables]
        for i, layer in enumerate(layers):
            add(f"{_BACKBONE}/layer_with_weights-{i}", layer)
        for number, extra in enumerate(detector.features.extras, 2):
            # A list of convolution, batch norm and activation, twice over.
            for i, (convolution, norm) in enumerate(extra.steps):
                add(f"{_EXTRAS}/{number}/{3 * i}", convolution)
                add(f"{_EXTRAS}/{number}/{3 * i + 1}", norm)
        for i, (boxes, classes) in enumerate(zip(detector.box_heads, detector.class_heads)):
            add(f"{_HEADS}/box_encodings/{i}/_box_encoder_layers/0", boxes)
            add(_class_head(i), classes)
        return found


NETWORK = SsdMobilenetV2Keras()

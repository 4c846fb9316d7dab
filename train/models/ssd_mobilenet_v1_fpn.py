"""SSD MobileNet v1 FPN: MobileNet, a feature pyramid of 256 channels, two towers of plain convolutions.

The network of `ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8` in TensorFlow's detection model zoo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from train.geometry.size import InputSize, SizeRule
from train.network.api_pyramid import pyramid
from train.network.network import Facts, Published
from train.network.pyramid_network import PyramidNetwork

if TYPE_CHECKING:
    from train.graph.builder import Builder
    from train.layers.keras_types import Model
    from train.layers.layers import BatchNormSettings
    from train.layers.pyramid_detector import Style

_DEPTH = 256
_NAME = "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8"


class SsdMobilenetV1Fpn(PyramidNetwork):
    """See the module."""

    facts = Facts(
        title="SSD MobileNet v1 FPN",
        ap=29.1,
        multiply_adds=61.6,
        licence="Apache-2.0",
        weights="TensorFlow's detection model zoo (2020)",
        about="small things where there is time: 62 times the work of the default; a desktop, or four images a second on a Coral",
    )
    sizes = SizeRule(InputSize(640, 640))
    object_detection_api = pyramid("ssd_mobilenet_v1_fpn_keras", depth=_DEPTH, separable=False, one_tower=False)
    mark = "_box_predictor/_head_scope_conv_layers/BoxPredictionTower/0/kernel"
    published = (
        Published(
            _NAME,
            InputSize(640, 640),
            f"{_NAME}.tar.gz",
            (f"https://download.tensorflow.org/models/object_detection/tf2/20200711/{_NAME}.tar.gz",),
        ),
    )

    def style(self) -> Style:
        """Plain convolutions, a tower for each head."""
        from train.layers.pyramid_detector import Style

        return Style(_DEPTH, separable=False, one_tower=False)

    def keras_backbone(self) -> Callable[[InputSize, BatchNormSettings], Model]:
        """MobileNet."""
        from train.layers.mobilenet_v1 import mobilenet_v1

        return mobilenet_v1

    def folded_backbone(self, backbone: Model, builder: Builder) -> Sequence[str]:
        """MobileNet."""
        from train.graph.backbones import mobilenet_v1
        from train.layers.mobilenet_v1 import PYRAMID_TAPS

        maps = mobilenet_v1(backbone, builder)
        return [maps[tap] for tap in PYRAMID_TAPS]


NETWORK = SsdMobilenetV1Fpn()

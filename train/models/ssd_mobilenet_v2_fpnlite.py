"""SSD MobileNet v2 FPNLite: MobileNetV2, a feature pyramid of 128 channels, one tower of separable convolutions.

The network of `ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8` and its twin for 640 x 640 in TensorFlow's detection model
zoo. Every size has the same variables.
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

DEPTH = 128
_SITE = "https://download.tensorflow.org/models/object_detection/tf2/20200711"


def _published(side: int, data: str, index: str) -> Published:
    name = f"ssd_mobilenet_v2_fpnlite_{side}x{side}_coco17_tpu-8"
    blobs = {"ckpt-0.data-00000-of-00001": data, "ckpt-0.index": index} if data else {}
    return Published(name, InputSize(side, side), f"{name}.tar.gz", (f"{_SITE}/{name}.tar.gz",), blobs)


class SsdMobilenetV2Fpnlite(PyramidNetwork):
    """See the module."""

    facts = Facts(
        title="SSD MobileNet v2 FPNLite",
        ap=22.2,
        multiply_adds=0.985,
        licence="Apache-2.0",
        weights="TensorFlow's detection model zoo (2020)",
        about="the default: runs everywhere, whole on an Edge TPU; 640 for smaller things",
    )
    sizes = SizeRule(InputSize(320, 320))
    object_detection_api = pyramid("ssd_mobilenet_v2_fpn_keras", depth=DEPTH, separable=True, one_tower=True)
    published = (
        _published(320, "6f76d65ba3854323048c358b7fb639eaf14960d3", "1af01e213bbdabfd15bd015fc3300a446f8282d4"),
        _published(640, "", ""),
    )

    def style(self) -> Style:
        """Separable convolutions, one tower."""
        from train.layers.pyramid_detector import Style

        return Style(DEPTH, separable=True, one_tower=True)

    def keras_backbone(self) -> Callable[[InputSize, BatchNormSettings], Model]:
        """MobileNetV2."""
        from train.layers.mobilenet_v2 import mobilenet_v2

        return mobilenet_v2

    def folded_backbone(self, backbone: Model, builder: Builder) -> Sequence[str]:
        """MobileNetV2."""
        from train.graph.backbones import mobilenet_v2
        from train.layers.mobilenet_v2 import PYRAMID_TAPS

        maps = mobilenet_v2(backbone, builder)
        return [maps[tap] for tap in PYRAMID_TAPS]


NETWORK = SsdMobilenetV2Fpnlite()

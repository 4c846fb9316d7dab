"""SSDLite MobileDet for Edge TPUs: a backbone of whole convolutions where an Edge TPU is faster with them, focal loss.

The network of `ssdlite_mobiledet_edgetpu_320x320_coco_2020_05_19` in the detection model zoo of TensorFlow 1 (Xiong et al.
2021, "MobileDets: Searching for Object Detection Architectures for Mobile Accelerators").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from train.geometry.size import InputSize, SizeRule
from train.network.api_multibox import multibox
from train.network.network import Facts
from train.network.tf1_multibox import Tf1Multibox

if TYPE_CHECKING:
    from train.graph.builder import Builder
    from train.layers.keras_types import Model
    from train.layers.multibox_detector import Backbone, Style

# What TensorFlow 1 called the convolutions of each kind of block, and the kinds themselves.
_PARTS = {
    "ibn": ("IBN", {"expand": "Conv", "depthwise": "SeparableConv2d", "project": "Conv_1"}),
    "fused": ("FusedConv", {"expand": "Conv", "project": "Conv_1"}),
    "tucker": ("TuckerConv", {"narrow": "Conv", "middle": "Conv_1", "project": "Conv_2"}),
}


class SsdliteMobiledetEdgetpu(Tf1Multibox):
    """See the module."""

    facts = Facts(
        title="SSDLite MobileDet EdgeTPU",
        ap=25.9,
        multiply_adds=1.53,
        licence="Apache-2.0",
        weights="TensorFlow 1's detection model zoo (2020): unpack its archive, and give the folder with model.ckpt to --init",
        about="a Coral: 3.7 points above the default, in more work that an Edge TPU does quickly",
    )
    sizes = SizeRule(InputSize(320, 320), multiple=1, least=33)
    object_detection_api = multibox("ssd_mobiledet_edgetpu", separable_extras=True, head_kernel=3, separable_heads=True)
    alpha = 0.75
    root = "FeatureExtractor/MobileDetEdgeTPU"
    last = "C5"
    lite = True

    def style(self) -> Style:
        """Separable extras and heads."""
        from train.layers.layers import Kernels
        from train.layers.multibox_detector import Style

        return Style(
            separable=True,
            head_kernel=1,
            bias_start=-4.6,
            backbone=Kernels(None),
            extras=Kernels(0.03, truncated=True),
            heads=Kernels(0.03),
            lite=self.lite,
        )

    def keras_backbone(self) -> Backbone:
        """MobileDet."""
        from train.layers.mobiledet import mobiledet_edgetpu

        return mobiledet_edgetpu

    def folded_backbone(self, backbone: Model, builder: Builder) -> Sequence[str]:
        """MobileDet."""
        from train.graph.backbones import mobiledet
        from train.layers.mobiledet import MULTIBOX_TAPS

        maps = mobiledet(backbone, builder)
        return [maps[tap] for tap in MULTIBOX_TAPS]

    def scope(self, layer: str) -> str:
        """`ibn_3_expand` is `IBN_3/Conv`."""
        if layer == "stem":
            return "Conv"
        kind, number, part = layer.split("_")
        name, parts = _PARTS[kind]
        return f"{name}{'' if number == '0' else f'_{number}'}/{parts[part]}"


NETWORK = SsdliteMobiledetEdgetpu()

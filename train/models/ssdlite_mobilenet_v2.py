"""SSDLite MobileNet v2 of TensorFlow 1: as `ssd_mobilenet_v2`, with separable heads (Sandler et al. 2018, section 6.2).

The network of `ssdlite_mobilenet_v2_coco_2018_05_09` in the detection model zoo of TensorFlow 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.geometry.size import InputSize, SizeRule
from train.network.api_multibox import multibox
from train.network.network import Facts, Published
from train.network.tf1_mobilenet_v2 import Tf1MobilenetV2

if TYPE_CHECKING:
    from train.layers.multibox_detector import Style

_NAME = "ssdlite_mobilenet_v2_coco_2018_05_09"


class SsdliteMobilenetV2(Tf1MobilenetV2):
    """See the module."""

    facts = Facts(
        title="SSDLite MobileNet v2 of TensorFlow 1 (2018)",
        ap=22.0,
        multiply_adds=0.75,
        licence="Apache-2.0",
        weights="TensorFlow 1's detection model zoo (2018)",
        about="models that started from ssdlite_mobilenet_v2_coco; a quarter less work than the default",
    )
    sizes = SizeRule(InputSize(300, 300), multiple=1, least=33)
    object_detection_api = multibox("ssd_mobilenet_v2", separable_extras=True, head_kernel=3, separable_heads=True)
    lite = True
    published = (
        Published(
            _NAME,
            InputSize(300, 300),
            f"{_NAME}.tar.gz",
            (f"https://download.tensorflow.org/models/object_detection/{_NAME}.tar.gz",),
        ),
    )

    def style(self) -> Style:
        """Separable extras and heads."""
        from train.layers.layers import Kernels
        from train.layers.multibox_detector import Style

        return Style(
            separable=True,
            head_kernel=1,
            bias_start=0.0,
            backbone=Kernels(0.09, truncated=True, depthwise_l2=False),
            extras=Kernels(0.03, truncated=True),
            heads=Kernels(0.03, truncated=True),
            lite=self.lite,
        )


NETWORK = SsdliteMobilenetV2()

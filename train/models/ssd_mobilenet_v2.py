"""SSD MobileNet v2 of TensorFlow 1: six maps, 3x3 heads, hard example mining.

The network of `ssd_mobilenet_v2_coco_2018_03_29` in the detection model zoo of TensorFlow 1, which many notebooks and
courses train from. TensorFlow 2's network of nearly the same name is `ssd_mobilenet_v2_keras`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.geometry.size import InputSize, SizeRule
from train.network.api_multibox import multibox
from train.network.network import Facts, Published
from train.network.tf1_mobilenet_v2 import Tf1MobilenetV2

if TYPE_CHECKING:
    from train.layers.multibox_detector import Style

_NAME = "ssd_mobilenet_v2_coco_2018_03_29"


class SsdMobilenetV2(Tf1MobilenetV2):
    """See the module."""

    facts = Facts(
        title="SSD MobileNet v2 of TensorFlow 1 (2018)",
        ap=22.0,
        multiply_adds=1.875,
        licence="Apache-2.0",
        weights="TensorFlow 1's detection model zoo (2018)",
        about="notebooks that started from ssd_mobilenet_v2_coco; a third less work than the default with few classes",
    )
    sizes = SizeRule(InputSize(300, 300), multiple=1, least=33)
    object_detection_api = multibox("ssd_mobilenet_v2", separable_extras=True, head_kernel=3)
    also = ("ssd_mobilenet_v2_keras",)
    published = (
        Published(
            _NAME,
            InputSize(300, 300),
            f"{_NAME}.tar.gz",
            (f"https://download.tensorflow.org/models/object_detection/{_NAME}.tar.gz",),
            {
                "model.ckpt.data-00000-of-00001": "854bf489b2858fcb563c6f130ae339206ab5d39a",
                "model.ckpt.index": "8aee009528f28ef5c86cc16efd763324ac539d43",
            },
        ),
    )

    def style(self) -> Style:
        """Separable extras, 3x3 heads."""
        from train.layers.layers import Kernels
        from train.layers.multibox_detector import Style

        return Style(
            separable=True,
            head_kernel=3,
            bias_start=0.0,
            backbone=Kernels(0.09, truncated=True, depthwise_l2=False),
            extras=Kernels(0.03, truncated=True),
            heads=Kernels(0.03, truncated=True),
        )


NETWORK = SsdMobilenetV2()

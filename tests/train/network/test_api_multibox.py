"""What the API's settings repeat of the layers is what the layers have."""

from __future__ import annotations

import pytest

from train import models


@pytest.mark.parametrize(
    "name", ["ssd_mobilenet_v2", "ssd_mobilenet_v2_keras", "ssdlite_mobiledet_edgetpu", "ssdlite_mobilenet_v2"]
)
def test_settings_are_those_of_the_networks_style(name):
    network = models.find(name)
    wanted = {setting.path: setting.wanted for setting in network.object_detection_api.settings}
    style = network.style()
    assert wanted["feature_extractor.use_depthwise"] == str(style.separable).lower()
    predictor = "box_predictor.convolutional_box_predictor"
    assert wanted[f"{predictor}.use_depthwise"] == str(style.lite).lower()
    # It is the depthwise convolution's where there is one.
    assert wanted[f"{predictor}.kernel_size"] == str(3 if style.lite else style.head_kernel)

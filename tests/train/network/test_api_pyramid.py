"""What the API's settings repeat of the layers is what the layers have."""

from __future__ import annotations

import pytest

from train import models
from train.layers import pyramid_detector
from train.network import api_pyramid


def test_the_towers_are_those_of_the_layers():
    assert api_pyramid.TOWER_LAYERS == pyramid_detector.TOWER_LAYERS


@pytest.mark.parametrize("name", ["ssd_mobilenet_v2_fpnlite", "ssd_mobilenet_v1_fpn"])
def test_settings_are_those_of_the_networks_style(name):
    network = models.find(name)
    wanted = {setting.path.rsplit(".", 1)[-1]: setting.wanted for setting in network.object_detection_api.settings}
    style = network.style()
    assert wanted["depth"] == wanted["additional_layer_depth"] == str(style.depth)
    assert wanted["use_depthwise"] == str(style.separable).lower()
    assert wanted["share_prediction_tower"] == str(style.one_tower).lower()

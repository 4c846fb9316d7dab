"""Settings that make another network: each is noticed, by its name."""

from __future__ import annotations

import pytest

from convert.object_detection_api import settings
from tests.support.api_model import pipeline
from train.files import text_format
from train.models import ssd_mobilenet_v2_fpnlite


def ssd(changes=None):
    return settings.find(text_format.parse(pipeline(changes)), "model.ssd")


def differences(changes=None):
    return list(settings.differences(ssd(changes)))


def test_the_published_network_is_the_kits():
    assert differences() == []


def test_numbers_are_those_of_the_network():
    assert int(settings._DEPTH) == ssd_mobilenet_v2_fpnlite.DEPTH
    assert int(settings._TOWER_LAYERS) == ssd_mobilenet_v2_fpnlite.TOWER_LAYERS


@pytest.mark.parametrize("setting", settings._SETTINGS, ids=lambda setting: setting.path)
def test_each_setting_is_looked_at(setting):
    """Another value is refused by name, and only it."""
    found = ssd()
    parent, _, name = setting.path.rpartition(".")
    other = {"true": "false", "false": "true"}.get(setting.wanted) or ("NONE" if setting.names else "0.75")
    (settings.find(found, parent) if parent else found).fields[name] = [other]
    (difference,) = settings.differences(found)
    assert difference == f"{setting.path} {other} (the kit's: {setting.wanted})"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"activation: RELU_6": ""}, "conv_hyperparams.activation RELU "),
        ({"use_depthwise: true": ""}, "feature_extractor.use_depthwise false"),
        ({"num_layers_before_predictor: 4": ""}, "num_layers_before_predictor 0"),
        ({"additional_layer_depth: 128": ""}, "additional_layer_depth 256"),
        ({"score_converter: SIGMOID": ""}, "score_converter IDENTITY"),
        ({"aspect_ratios: 0.5": ""}, r"aspect_ratios [1.0, 2.0] (the kit's: [1.0, 2.0, 0.5]"),
        ({"aspect_ratios: 2.0": "aspect_ratios: 0.5", "aspect_ratios: 0.5": "aspect_ratios: 2.0"}, "aspect_ratios"),
        ({"aspect_ratios: 0.5": "aspect_ratios: 0.5 aspect_ratios: 3.0"}, "aspect_ratios [1.0, 2.0, 0.5, 3.0]"),
        ({"multiscale_anchor_generator": "ssd_anchor_generator"}, "anchor_generator ssd_anchor_generator"),
        ({"faster_rcnn_box_coder": "mean_stddev_box_coder"}, "box_coder mean_stddev_box_coder"),
        (
            {"weight_shared_convolutional_box_predictor": "convolutional_box_predictor"},
            "box_predictor convolutional_box_predictor",
        ),
        ({"kernel_size: 3": "box_encodings_clip_range { min: -1 max: 1 }"}, "box_encodings_clip_range given"),
        ({"score_converter: SIGMOID": "score_converter: SIGMOID calibration_config { }"}, "calibration_config given"),
        ({"fpn { min_level: 3 max_level: 7 additional_layer_depth: 128 }": ""}, "feature_extractor.fpn missing"),
        (
            {"batch_norm { decay: 0.996999979019165 scale: true epsilon: 0.0010000000474974513 }": ""},
            "feature_extractor.conv_hyperparams.batch_norm missing",
        ),
    ],
)
def test_what_is_left_out_or_of_another_kind_is_named(changes, named):
    assert any(named in difference for difference in differences(changes))


def test_all_differences_are_named_at_once():
    found = differences({"depth_multiplier: 1.0": "depth_multiplier: 0.5", "anchor_scale: 4.0": "anchor_scale: 3.0"})
    assert len(found) == 2

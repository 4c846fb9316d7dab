"""Settings that make another network: each is noticed, by its name."""

from __future__ import annotations

import pytest

from convert.object_detection_api import settings
from tests.support.api_model import PIPELINES, pipeline
from train import models
from train.files import text_format

FPNLITE = "ssd_mobilenet_v2_fpnlite"
EACH = [
    (name, setting)
    for name in PIPELINES
    for setting in (*settings.COMMON, *models.find(name).object_detection_api.settings)
]


def ssd(changes=None, name=FPNLITE):
    return settings.find(text_format.parse(pipeline(changes, name)), "model.ssd")


def differences(changes=None, name=FPNLITE):
    return list(settings.differences(ssd(changes, name), models.find(name).object_detection_api))


@pytest.mark.parametrize("name", PIPELINES)
def test_the_published_networks_are_the_kits(name):
    assert differences(name=name) == []


@pytest.mark.parametrize(("name", "setting"), EACH, ids=[f"{name}-{setting.path}" for name, setting in EACH])
def test_each_setting_is_looked_at(name, setting):
    """Another value is refused by name, and only it."""
    found = ssd(name=name)
    parent, _, field = setting.path.rpartition(".")
    other = {"true": "false", "false": "true"}.get(setting.wanted) or ("NONE" if setting.names else "0.75")
    (settings.find(found, parent) if parent else found).fields[field] = [other]
    (difference,) = settings.differences(found, models.find(name).object_detection_api)
    assert difference == f"{setting.path} {other} (the kit's: {setting.wanted})"


@pytest.mark.parametrize("name", ["ssd_mobilenet_v2", "ssd_mobilenet_v2_keras"])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"aspect_ratios: 0.3333": "aspect_ratios: 0.25"}, "aspect_ratios [1.0, 2.0, 0.5, 3.0, 0.25]"),
        ({"num_layers: 6": "scales: 0.1 scales: 0.2"}, "ssd_anchor_generator.scales given"),
        ({"num_layers: 6": "height_stride: 16"}, "ssd_anchor_generator.height_stride given"),
        ({"num_layers: 6": "reduce_boxes_in_lowest_layer: false"}, "reduce_boxes_in_lowest_layer false"),
        ({"use_dropout: false": "use_depthwise: true"}, "convolutional_box_predictor.use_depthwise true"),
        ({"use_dropout: false": "apply_sigmoid_to_scores: true"}, "apply_sigmoid_to_scores true"),
    ],
)
def test_what_makes_another_network_without_a_pyramid_is_named(name, changes, named):
    (difference,) = differences(changes, name)
    assert named in difference


def test_the_extras_and_the_heads_of_the_other_network_of_that_name_are_named():
    found = differences({"kernel_size: 3": "kernel_size: 1", "use_depthwise: true": ""}, "ssd_mobilenet_v2")
    assert [difference.split(" (")[0] for difference in found] == [
        "feature_extractor.use_depthwise false",
        "box_predictor.convolutional_box_predictor.kernel_size 1",
    ]


def test_a_third_may_have_more_digits():
    assert differences({"aspect_ratios: 0.3333": "aspect_ratios: 0.33333334"}, "ssd_mobilenet_v2") == []


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

"""What a `pipeline.config` says, and which networks are refused by name."""

from __future__ import annotations

import pytest

from convert.object_detection_api import pipeline
from runtime.common.errors import InputError
from tests.support.api_model import PIPELINE
from tests.support.api_model import pipeline as changed
from train.models import anchors


def read(folder, text):
    path = folder / "pipeline.config"
    path.write_text(text, encoding="utf-8")
    return pipeline.read(path)


def test_what_it_says(tmp_path):
    text = changed(
        {
            "num_classes: 4": "num_classes: 7",
            "height: 320 width: 320": "height: 640 width: 640",
            "max_total_detections: 100": "max_total_detections: 40",
            "iou_threshold: 0.6000000238418579": "iou_threshold: 0.5",
            "score_threshold: 9.99999993922529e-09": "score_threshold: 0.2",
        }
    )
    found = read(tmp_path, text)
    assert (found.size, found.classes, found.detections) == (640, 7, 40)
    assert (found.iou, found.score) == (0.5, 0.2)
    assert found.label_maps == ("/home/someone/annotations/label_map.pbtxt",)


def test_the_published_one_is_read(shared):
    found = pipeline.read(shared / "checkpoints" / "fpnlite320_standin" / "pipeline.config")
    assert (found.size, found.detections, found.label_maps) == (320, 100, ())
    assert found.iou == 0.6


def test_defaults_are_those_of_the_api(tmp_path):
    """Fields that a file leaves out because they have the API's default."""
    for line in ("kernel_size: 3", "anchor_scale: 4.0", "scales_per_octave: 2", "min_level: 3", "min_depth: 16"):
        assert read(tmp_path, changed({line: ""})).size == 320
    given = changed({"y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0": ""})
    assert read(tmp_path, given).size == 320


def test_numbers_may_stand_for_names(tmp_path):
    given = changed({"activation: RELU_6": "activation: 2", "score_converter: SIGMOID": "score_converter: 1"})
    assert read(tmp_path, changed({"use_depthwise: true": "use_depthwise: True"})).size == 320
    assert read(tmp_path, given).size == 320


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "model { faster_rcnn { num_classes: 3 feature_extractor { type: 'faster_rcnn_resnet50_keras' } } }",
            "faster_rcnn with faster_rcnn_resnet50_keras",
        ),
        ("model { center_net { feature_extractor { type: 'hourglass_104' } } }", "center_net with hourglass_104"),
        ("model { ssd { feature_extractor { type: 'ssd_resnet50_v1_fpn_keras' } } }", "ssd_resnet50_v1_fpn_keras"),
        ("model { ssd { feature_extractor { type: 'ssd_mobilenet_v2_keras' } } }", "ssd with ssd_mobilenet_v2_keras "),
        # The same network of TensorFlow 1: its checkpoints have other names.
        (PIPELINE.replace("ssd_mobilenet_v2_fpn_keras", "ssd_mobilenet_v2_fpn"), "ssd with ssd_mobilenet_v2_fpn "),
        ("model { ssd { } }", "ssd with no feature extractor"),
        ("model { experimental_model { name: 'x' } }", "experimental_model"),
    ],
)
def test_another_architecture_is_refused_in_a_line_that_says_which_is_known(text, named, tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert named in message and "\n" not in message
    assert "ssd_mobilenet_v2_fpn_keras" in message and all(str(size) in message for size in anchors.SIZES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"fixed_shape_resizer { height: 320 width: 320 }": "keep_aspect_ratio_resizer { min_dimension: 320 }"},
            "keep_aspect_ratio_resizer keeps the aspect ratio",
        ),
        ({"fixed_shape_resizer { height: 320 width: 320 }": "identity_resizer { }"}, "image_resizer identity_resizer"),
        ({"height: 320 width: 320": "height: 300 width: 300"}, "input is 300 x 300"),
        ({"height: 320 width: 320": "height: 320 width: 640"}, "input is 640 x 320"),
        ({"height: 320 width: 320": ""}, "input is 300 x 300"),
        ({"min_depth: 16": "pad_to_multiple: 128"}, "pad_to_multiple 128"),
    ],
)
def test_another_input_is_refused(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(tmp_path, changed(changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model { ssd {", "has no '}'"),
        ("", "no model"),
        ("PK\x03\x04", "cannot be understood"),
        (PIPELINE.replace("num_classes: 4", "num_classes: four"), "num_classes is 'four', not a number"),
        (PIPELINE.replace("num_classes: 4", "num_classes: 4.5"), "num_classes is 4.5, not a whole number"),
        (PIPELINE.replace("depth: 128", "depth: nan"), "not a number"),
        (PIPELINE.replace("use_depthwise: true", "use_depthwise: maybe"), "neither true nor false"),
        (PIPELINE.replace("iou_threshold: 0.6000000238418579", "iou_threshold: 6"), "iou_threshold is 6, not between"),
    ],
)
def test_a_damaged_one_is_one_line(text, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, text)
    assert "pipeline.config" in str(caught.value) and "\n" not in str(caught.value)

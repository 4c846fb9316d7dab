"""What a `pipeline.config` says, and which networks are refused by name."""

from __future__ import annotations

import pytest

from convert.object_detection_api import pipeline
from runtime.common.errors import InputError
from tests.support.api_model import PIPELINE, PIPELINES
from tests.support.api_model import pipeline as changed
from train import models
from train.geometry.size import InputSize

SIZE = InputSize(320, 320)


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
    assert (found.network.name, found.classes, found.detections) == ("ssd_mobilenet_v2_fpnlite", 7, 40)
    assert found.size == InputSize(640, 640)
    assert (found.iou, found.score) == (0.5, 0.2)
    assert found.label_maps == ("/home/someone/annotations/label_map.pbtxt",)


def test_the_published_one_is_read(shared):
    found = pipeline.read(shared / "checkpoints" / "fpnlite320_standin" / "pipeline.config")
    assert (found.size, found.detections, found.label_maps) == (SIZE, 100, ())
    assert found.iou == 0.6


def test_defaults_are_those_of_the_api(tmp_path):
    """Fields that a file leaves out because they have the API's default."""
    for line in ("kernel_size: 3", "anchor_scale: 4.0", "scales_per_octave: 2", "min_level: 3", "min_depth: 16"):
        assert read(tmp_path, changed({line: ""})).size == SIZE
    given = changed({"y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0": ""})
    assert read(tmp_path, given).size == SIZE


def test_numbers_may_stand_for_names(tmp_path):
    given = changed({"activation: RELU_6": "activation: 2", "score_converter: SIGMOID": "score_converter: 1"})
    assert read(tmp_path, changed({"use_depthwise: true": "use_depthwise: True"})).size == SIZE
    assert read(tmp_path, given).size == SIZE


@pytest.mark.parametrize("name", PIPELINES)
def test_each_network_is_known_by_its_settings(name, tmp_path):
    found = read(tmp_path, PIPELINES[name])
    assert found.network is models.find(name)
    assert (found.classes, found.detections, found.iou) == (4, 100, 0.6)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("ssd_mobilenet_v2_fpnlite", (192, 320)),
        ("ssd_mobilenet_v2", (180, 300)),
        ("ssd_mobilenet_v2_keras", (301, 257)),
    ],
)
def test_inputs_need_not_be_square_where_the_network_takes_it(name, size, tmp_path):
    text = PIPELINES[name]
    for side in ("300", "320"):
        text = text.replace(f"height: {side} width: {side}", f"height: {size[0]} width: {size[1]}")
    assert read(tmp_path, text).size == InputSize(*size)


def test_of_networks_with_one_extractor_the_settings_decide(tmp_path):
    """TensorFlow 1 has one name for the heads of 3x3 and the separable ones."""
    plain, lite = (models.find(name).object_detection_api for name in ("ssd_mobilenet_v2", "ssdlite_mobilenet_v2"))
    assert plain.extractor == lite.extractor
    with pytest.raises(
        InputError, match=r"converts, ssd_mobilenet_v2: box_predictor\S+kernel_size 5 \(the kit's: 3\);"
    ):
        read(tmp_path, PIPELINES["ssd_mobilenet_v2"].replace("kernel_size: 3", "kernel_size: 5"))
    # The nearest is named where it is neither.
    with pytest.raises(
        InputError, match=r"converts, ssdlite_mobilenet_v2: box_predictor\S+kernel_size 5 \(the kit's: 3\);"
    ):
        read(tmp_path, PIPELINES["ssdlite_mobilenet_v2"].replace("kernel_size: 3", "kernel_size: 5"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "model { faster_rcnn { num_classes: 3 feature_extractor { type: 'faster_rcnn_resnet50_keras' } } }",
            "faster_rcnn with faster_rcnn_resnet50_keras",
        ),
        ("model { center_net { feature_extractor { type: 'hourglass_104' } } }", "center_net with hourglass_104"),
        ("model { ssd { feature_extractor { type: 'ssd_resnet50_v1_fpn_keras' } } }", "ssd_resnet50_v1_fpn_keras"),
        ("model { center_net { feature_extractor { type: 'ssd_mobilenet_v2_keras' } } }", "center_net with ssd_mobile"),
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
    for known in (
        "ssd_mobilenet_v2_fpn_keras",
        "ssd_mobilenet_v2,",
        "ssd_mobilenet_v2_keras",
        "ssd_mobilenet_v1_fpn_keras",
    ):
        assert known in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"fixed_shape_resizer { height: 320 width: 320 }": "keep_aspect_ratio_resizer { min_dimension: 320 }"},
            "keep_aspect_ratio_resizer keeps the aspect ratio",
        ),
        ({"fixed_shape_resizer { height: 320 width: 320 }": "identity_resizer { }"}, "image_resizer identity_resizer"),
        ({"height: 320 width: 320": "height: 300 width: 300"}, "input is 300 x 300"),
        ({"height: 320 width: 320": "height: 320 width: 650"}, "input is 320 x 650 .*nearest is 320x640"),
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

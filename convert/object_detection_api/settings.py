"""The settings of a `pipeline.config` that make a network another than the kit's, and what the kit's has.

Names and defaults are those of the API's messages (github.com/tensorflow/models, research/object_detection/protos).
What only training uses is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from train.files.text_format import Message
from train.models import anchors

MODEL = "ssd"
EXTRACTOR = "ssd_mobilenet_v2_fpn_keras"

_BOOLEANS = {"true": 1.0, "t": 1.0, "1": 1.0, "false": 0.0, "f": 0.0, "0": 0.0}
_ACTIVATIONS = {"0": "NONE", "1": "RELU", "2": "RELU_6", "3": "SWISH"}
_RESIZES = {"0": "BILINEAR", "1": "NEAREST_NEIGHBOR", "2": "BICUBIC", "3": "AREA"}
_CONVERTERS = {"0": "IDENTITY", "1": "SIGMOID", "2": "SOFTMAX"}


@dataclass(frozen=True)
class _Setting:
    """A field with its path in the message `ssd`, the API's default, and what the kit's network has.

    `names` are the names of an enumeration's numbers, which may stand for them.
    """

    path: str
    default: str
    wanted: str
    names: tuple[tuple[str, str], ...] = ()


def _enumerated(path: str, default: str, wanted: str, names: dict[str, str]) -> _Setting:
    return _Setting(path, default, wanted, tuple(names.items()))


def _hyperparameters(path: str) -> tuple[_Setting, ...]:
    return (
        _enumerated(f"{path}.activation", "RELU", "RELU_6", _ACTIVATIONS),
        _Setting(f"{path}.force_use_bias", "false", "false"),
        _Setting(f"{path}.batch_norm.epsilon", "0.001", "0.001"),
        _Setting(f"{path}.batch_norm.scale", "false", "true"),
        _Setting(f"{path}.batch_norm.center", "true", "true"),
    )


_PREDICTOR = "box_predictor.weight_shared_convolutional_box_predictor"
_GENERATOR = "anchor_generator.multiscale_anchor_generator"
_CODER = "box_coder.faster_rcnn_box_coder"
_NMS = "post_processing.batch_non_max_suppression"
# Those of `train.models.ssd_mobilenet_v2_fpnlite`, which cannot be imported without TensorFlow.
_DEPTH, _TOWER_LAYERS = "128", "4"
_LOWEST, _HIGHEST = str(anchors.LEVELS[0]), str(anchors.LEVELS[-1])

_SETTINGS = (
    _Setting("add_background_class", "true", "true"),
    _Setting("explicit_background_class", "false", "false"),
    _enumerated("image_resizer.fixed_shape_resizer.resize_method", "BILINEAR", "BILINEAR", _RESIZES),
    _Setting("image_resizer.fixed_shape_resizer.convert_to_grayscale", "false", "false"),
    _Setting("feature_extractor.depth_multiplier", "1.0", "1.0"),
    _Setting("feature_extractor.use_depthwise", "false", "true"),
    _Setting("feature_extractor.use_explicit_padding", "false", "false"),
    _Setting("feature_extractor.replace_preprocessor_with_placeholder", "false", "false"),
    _Setting("feature_extractor.fpn.min_level", "3", _LOWEST),
    _Setting("feature_extractor.fpn.max_level", "7", _HIGHEST),
    _Setting("feature_extractor.fpn.additional_layer_depth", "256", _DEPTH),
    *_hyperparameters("feature_extractor.conv_hyperparams"),
    _Setting(f"{_CODER}.y_scale", "10.0", "10.0"),
    _Setting(f"{_CODER}.x_scale", "10.0", "10.0"),
    _Setting(f"{_CODER}.height_scale", "5.0", "5.0"),
    _Setting(f"{_CODER}.width_scale", "5.0", "5.0"),
    _Setting(f"{_PREDICTOR}.depth", "0", _DEPTH),
    _Setting(f"{_PREDICTOR}.num_layers_before_predictor", "0", _TOWER_LAYERS),
    _Setting(f"{_PREDICTOR}.kernel_size", "3", "3"),
    _Setting(f"{_PREDICTOR}.box_code_size", "4", "4"),
    _Setting(f"{_PREDICTOR}.share_prediction_tower", "false", "true"),
    _Setting(f"{_PREDICTOR}.use_depthwise", "false", "true"),
    _Setting(f"{_PREDICTOR}.apply_batch_norm", "true", "true"),
    _enumerated(f"{_PREDICTOR}.score_converter", "IDENTITY", "IDENTITY", _CONVERTERS),
    *_hyperparameters(f"{_PREDICTOR}.conv_hyperparams"),
    _Setting(f"{_GENERATOR}.min_level", "3", _LOWEST),
    _Setting(f"{_GENERATOR}.max_level", "7", _HIGHEST),
    _Setting(f"{_GENERATOR}.anchor_scale", "4.0", str(anchors.SCALE)),
    _Setting(f"{_GENERATOR}.scales_per_octave", "2", str(len(anchors.OCTAVE_SCALES))),
    _Setting(f"{_GENERATOR}.normalize_coordinates", "true", "true"),
    _enumerated("post_processing.score_converter", "IDENTITY", "SIGMOID", _CONVERTERS),
    _Setting("post_processing.logit_scale", "1.0", "1.0"),
    _Setting(f"{_NMS}.use_class_agnostic_nms", "false", "false"),
    _Setting(f"{_NMS}.soft_nms_sigma", "0.0", "0.0"),
)

# Messages of which one of several kinds is given, each with the kit's.
_KINDS = (
    ("image_resizer", "fixed_shape_resizer"),
    ("box_coder", "faster_rcnn_box_coder"),
    ("box_predictor", "weight_shared_convolutional_box_predictor"),
    ("anchor_generator", "multiscale_anchor_generator"),
)

# Messages that the kit's network must have, and those for which it has nothing.
_NEEDED = (
    "feature_extractor.fpn",
    "feature_extractor.conv_hyperparams.batch_norm",
    f"{_PREDICTOR}.conv_hyperparams.batch_norm",
)
_UNKNOWN = (
    f"{_PREDICTOR}.box_encodings_clip_range",
    "post_processing.calibration_config",
    "mask_head_config",
)


def differences(ssd: Message) -> Iterator[str]:
    """What the message `ssd` of a `pipeline.config` has that the kit's network has not: a phrase for each setting.

    Raises ValueError where a value is none of its field's.
    """
    for parent, kind in _KINDS:
        given = (ssd.message(parent) or Message()).fields
        if kind not in given:
            yield f"{parent} {next(iter(given), 'none')} (the kit's: {kind})"
    for path in _NEEDED:
        if not _wrong_kind(ssd, path) and find(ssd, path) is None:
            yield f"{path} missing (the kit's network has it)"
    for path in _UNKNOWN:
        if find(ssd, path) is not None:
            yield f"{path} given (the kit's network has none)"
    for setting in _SETTINGS:
        if _wrong_kind(ssd, setting.path):
            continue
        value = word(ssd, setting.path, setting.default)
        if not _equal(value, setting):
            yield f"{setting.path} {value} (the kit's: {setting.wanted})"
    yield from _ratios(ssd)


def find(message: Message, path: str) -> Message | None:
    """The message at `path`, names with dots between, inside `message`; None if there is none."""
    found: Message | None = message
    for name in path.split("."):
        found = found.message(name) if found is not None else None
    return found


def word(message: Message, path: str, default: str) -> str:
    """The value at `path` inside `message`, or `default`."""
    parent, _, name = path.rpartition(".")
    holder = find(message, parent) if parent else message
    given = holder.word(name) if holder is not None else None
    return default if given is None else given


def number(message: Message, path: str, default: str) -> float:
    """The number at `path` inside `message`, or `default`. Raises ValueError where it is none."""
    return _number(word(message, path, default), path)


def _wrong_kind(ssd: Message, path: str) -> bool:
    """Whether `path` goes through a kind that is reported as another one."""
    return any(path.startswith(f"{parent}.{kind}") and find(ssd, f"{parent}.{kind}") is None for parent, kind in _KINDS)


def _equal(given: str, setting: _Setting) -> bool:
    if setting.names:
        return dict(setting.names).get(given, given) == setting.wanted
    if setting.wanted in _BOOLEANS:
        truth = _BOOLEANS.get(given.lower())
        if truth is None:
            raise ValueError(f"{setting.path} is {given!r}, neither true nor false")
        return truth == _BOOLEANS[setting.wanted]
    # Files have numbers as float32.
    return math.isclose(_number(given, setting.path), float(setting.wanted), rel_tol=1e-5, abs_tol=1e-9)


def _ratios(ssd: Message) -> Iterator[str]:
    if _wrong_kind(ssd, f"{_GENERATOR}.aspect_ratios"):
        return
    generator = find(ssd, _GENERATOR) or Message()
    given = [_number(value, f"{_GENERATOR}.aspect_ratios") for value in generator.words("aspect_ratios")]
    # Their order is that of the network's outputs.
    if len(given) != len(anchors.ASPECT_RATIOS) or not all(map(_close, given, anchors.ASPECT_RATIOS)):
        yield f"{_GENERATOR}.aspect_ratios {given} (the kit's: {list(anchors.ASPECT_RATIOS)}, in this order)"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-5)


def _number(text: str, path: str) -> float:
    try:
        value = float(text.removesuffix("f"))
    except ValueError as error:
        raise ValueError(f"{path} is {text!r}, not a number") from error
    if not math.isfinite(value):
        raise ValueError(f"{path} is {text!r}, not a number")
    return value

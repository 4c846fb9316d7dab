"""The settings of a `pipeline.config` that make a network another than one of the kit's.

What each network has is said by itself (see `train.network.api_model`); here is what all have in common.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from train.files.text_format import Message
from train.network.api_model import CONVERTERS, RESIZES, ApiModel, Setting, enumerated, hyperparameters, truth

MODEL = "ssd"

_BOOLEANS = {"true": 1.0, "t": 1.0, "1": 1.0, "false": 0.0, "f": 0.0, "0": 0.0}
_CODER = "box_coder.faster_rcnn_box_coder"
_NMS = "post_processing.batch_non_max_suppression"

COMMON = (
    truth("add_background_class", True, True),
    truth("explicit_background_class", False, False),
    enumerated("image_resizer.fixed_shape_resizer.resize_method", "BILINEAR", "BILINEAR", RESIZES),
    truth("image_resizer.fixed_shape_resizer.convert_to_grayscale", False, False),
    Setting("feature_extractor.depth_multiplier", "1.0", "1.0"),
    truth("feature_extractor.use_explicit_padding", False, False),
    truth("feature_extractor.replace_preprocessor_with_placeholder", False, False),
    *hyperparameters("feature_extractor.conv_hyperparams"),
    Setting(f"{_CODER}.y_scale", "10.0", "10.0"),
    Setting(f"{_CODER}.x_scale", "10.0", "10.0"),
    Setting(f"{_CODER}.height_scale", "5.0", "5.0"),
    Setting(f"{_CODER}.width_scale", "5.0", "5.0"),
    enumerated("post_processing.score_converter", "IDENTITY", "SIGMOID", CONVERTERS),
    Setting("post_processing.logit_scale", "1.0", "1.0"),
    truth(f"{_NMS}.use_class_agnostic_nms", False, False),
    Setting(f"{_NMS}.soft_nms_sigma", "0.0", "0.0"),
)
_NEEDED = ("feature_extractor.conv_hyperparams.batch_norm",)
_UNKNOWN = ("post_processing.calibration_config", "mask_head_config")


def differences(ssd: Message, api: ApiModel) -> Iterator[str]:
    """What the message `ssd` of a `pipeline.config` has that the network `api` has not: a phrase for each setting.

    Raises ValueError where a value is none of its field's.
    """
    kinds = _kinds(api)
    wrong = [f"{parent}.{kind}" for parent, kind in kinds.items() if find(ssd, f"{parent}.{kind}") is None]

    def looked_at(path: str) -> bool:
        """Whether `path` does not go through a kind that is reported as another one."""
        return not path.startswith(tuple(wrong))

    for parent, kind in kinds.items():
        given = (ssd.message(parent) or Message()).fields
        if kind not in given:
            yield f"{parent} {next(iter(given), 'none')} (the kit's: {kind})"
    for path in filter(looked_at, (*_NEEDED, *api.needed)):
        if find(ssd, path) is None:
            yield f"{path} missing (the kit's network has it)"
    for path in filter(looked_at, (*_UNKNOWN, *api.unknown)):
        if _given(ssd, path):
            yield f"{path} given (the kit's network has none)"
    for setting in (*COMMON, *api.settings):
        if not looked_at(setting.path):
            continue
        value = word(ssd, setting.path, setting.default)
        if not _equal(value, setting):
            yield f"{setting.path} {value} (the kit's: {setting.wanted})"
    if looked_at(f"anchor_generator.{api.generator}."):
        yield from _ratios(ssd, api)


def find(message: Message, path: str) -> Message | None:
    """The message at `path`, names with dots between, inside `message`; None if there is none."""
    found: Message | None = message
    for name in path.split("."):
        found = found.message(name) if found is not None else None
    return found


def word(message: Message, path: str, default: str) -> str:
    """The value at `path` inside `message`, or `default`."""
    holder, name = _holder(message, path)
    given = holder.word(name) if holder is not None else None
    return default if given is None else given


def number(message: Message, path: str, default: str) -> float:
    """The number at `path` inside `message`, or `default`. Raises ValueError where it is none."""
    return _number(word(message, path, default), path)


def _kinds(api: ApiModel) -> dict[str, str]:
    """Messages of which one of several kinds is given, each with the network's."""
    return {
        "image_resizer": "fixed_shape_resizer",
        "box_coder": "faster_rcnn_box_coder",
        "box_predictor": api.predictor,
        "anchor_generator": api.generator,
    }


def _holder(message: Message, path: str) -> tuple[Message | None, str]:
    """The message inside `message` that has the field at `path`, if any, and the field's name."""
    parent, _, name = path.rpartition(".")
    return (find(message, parent) if parent else message), name


def _given(message: Message, path: str) -> bool:
    holder, name = _holder(message, path)
    return holder is not None and bool(holder.fields.get(name))


def _equal(given: str, setting: Setting) -> bool:
    if setting.names:
        return dict(setting.names).get(given, given) == setting.wanted
    if setting.wanted in ("true", "false"):
        value = _BOOLEANS.get(given.lower())
        if value is None:
            raise ValueError(f"{setting.path} is {given!r}, neither true nor false")
        return value == _BOOLEANS[setting.wanted]
    # Files have numbers as float32.
    return math.isclose(_number(given, setting.path), float(setting.wanted), rel_tol=1e-5, abs_tol=1e-9)


def _ratios(ssd: Message, api: ApiModel) -> Iterator[str]:
    path = f"anchor_generator.{api.generator}.aspect_ratios"
    holder, name = _holder(ssd, path)
    given = [_number(value, path) for value in (holder or Message()).words(name)]
    if len(given) != len(api.ratios) or not all(map(_close, given, api.ratios)):
        yield f"{path} {given} (the kit's: {list(api.ratios)}, in this order)"


def _close(one: float, other: float) -> bool:
    # 0.3333 and 1/3 give the same anchors to a twenty-thousandth of their sides.
    return math.isclose(one, other, rel_tol=2e-4)


def _number(text: str, path: str) -> float:
    try:
        value = float(text.removesuffix("f"))
    except ValueError as error:
        raise ValueError(f"{path} is {text!r}, not a number") from error
    if not math.isfinite(value):
        raise ValueError(f"{path} is {text!r}, not a number")
    return value

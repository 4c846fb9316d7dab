"""Reading of `pipeline.config`, which says of a model of the Object Detection API what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.object_detection_api import settings
from runtime.common.errors import InputError
from train.files import text_format, untrusted_bytes
from train.files.text_format import Message
from train.models.anchors import SIZES

NAME = "pipeline.config"
_MAX_BYTES = 4 << 20
_NMS = "post_processing.batch_non_max_suppression"
_RESIZER = "image_resizer.fixed_shape_resizer"


@dataclass(frozen=True)
class Pipeline:
    """What a `pipeline.config` says of a network that the kit has.

    `size` is the side of the input in pixels, `classes` the number of classes without the background. `score`, `iou`
    and `detections` are those of the post-processing. `label_maps` are the paths of label maps as they are written
    there, which need not exist on this machine.
    """

    path: Path
    size: int
    classes: int
    score: float
    iou: float
    detections: int
    label_maps: tuple[str, ...]


def read(path: Path) -> Pipeline:
    """What the file at `path` says. Raises InputError where it is damaged, or of another network than the kit's."""
    source = untrusted_bytes.read_text(path, str(path), _MAX_BYTES, f"a {NAME}")
    try:
        return _pipeline(text_format.parse(source), path)
    except ValueError as error:
        raise InputError(f"{path}: not a {NAME} of the Object Detection API: {error}") from error


def _pipeline(config: Message, path: Path) -> Pipeline:
    ssd = _ssd(config, path)
    resizer = next(iter((ssd.message("image_resizer") or Message()).fields), "")
    if resizer == "keep_aspect_ratio_resizer":
        raise InputError(
            f"{path}: its keep_aspect_ratio_resizer keeps the aspect ratio, so that the input's size changes from image"
            " to image; the kit's networks take images that are stretched to a square (fixed_shape_resizer)"
        )
    differences = list(settings.differences(ssd))
    if differences:
        raise InputError(f"{path}: not the network that the kit converts: {'; '.join(differences)}")
    width, height = (_whole(ssd, f"{_RESIZER}.{side}", "300") for side in ("width", "height"))
    if width != height or width not in SIZES:
        sizes = " and ".join(f"{side} x {side}" for side in SIZES)
        raise InputError(f"{path}: its input is {width} x {height}; the kit converts {sizes}")
    multiple = _whole(ssd, "feature_extractor.pad_to_multiple", "1")
    if width % max(multiple, 1):
        raise InputError(f"{path}: feature_extractor.pad_to_multiple {multiple} pads its input of {width} x {height}")
    return Pipeline(
        path,
        width,
        _whole(ssd, "num_classes", "0"),
        _fraction(ssd, f"{_NMS}.score_threshold", "0.0"),
        _fraction(ssd, f"{_NMS}.iou_threshold", "0.6"),
        max(_whole(ssd, f"{_NMS}.max_total_detections", "100"), 1),
        _label_maps(config),
    )


def _ssd(config: Message, path: Path) -> Message:
    """The message `ssd` of `config`. Raises InputError where that is of another architecture."""
    model = config.message("model")
    if model is None or not model.fields:
        raise ValueError("it has no model")
    kind = next(iter(model.fields))
    extractor = settings.word(model.message(kind) or Message(), "feature_extractor.type", "no feature extractor")
    if kind != settings.MODEL or extractor != settings.EXTRACTOR:
        sizes = ", ".join(map(str, SIZES))
        raise InputError(
            f"{path}: {kind} with {extractor} is not a network of the kit, which converts"
            f" {settings.MODEL} with {settings.EXTRACTOR} (SSD MobileNet v2 FPNLite) at sizes {sizes}"
        )
    found = model.message(kind)
    if found is None:
        raise ValueError(f"its model.{kind} is no message")
    return found


def _label_maps(config: Message) -> tuple[str, ...]:
    """The label maps that the readers of training and evaluation name, each once."""
    readers = [reader for name in ("train_input_reader", "eval_input_reader") for reader in config.messages(name)]
    names = (name for reader in readers for name in reader.words("label_map_path"))
    return tuple(dict.fromkeys(name for name in names if name and "PATH_TO_BE_CONFIGURED" not in name))


def _whole(message: Message, path: str, default: str) -> int:
    value = settings.number(message, path, default)
    if value != int(value):
        raise ValueError(f"{path} is {value:g}, not a whole number")
    return int(value)


def _fraction(message: Message, path: str, default: str) -> float:
    value = settings.number(message, path, default)
    if not 0 <= value <= 1:
        raise ValueError(f"{path} is {value:g}, not between 0 and 1")
    # Files have numbers as float32: 0.6000000238418579 was written as 0.6.
    return round(value, 7)

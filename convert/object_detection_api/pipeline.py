"""Reading of `pipeline.config`, which says of a model of the Object Detection API what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.object_detection_api import settings
from runtime.common.errors import InputError
from train import models
from train.files import text_format, untrusted_bytes
from train.files.text_format import Message
from train.geometry.size import InputSize
from train.network.api_model import ApiModel
from train.network.network import Network

NAME = "pipeline.config"
_MAX_BYTES = 4 << 20
_NMS = "post_processing.batch_non_max_suppression"
_RESIZER = "image_resizer.fixed_shape_resizer"


@dataclass(frozen=True)
class Pipeline:
    """What a `pipeline.config` says of a network that the kit has.

    `size` is that of the input, `classes` the number of classes without the background. `score`, `iou`
    and `detections` are those of the post-processing. `label_maps` are the paths of label maps as they are written
    there, which need not exist on this machine.
    """

    path: Path
    network: Network
    size: InputSize
    classes: int
    score: float
    iou: float
    detections: int
    label_maps: tuple[str, ...]


def read(path: Path) -> Pipeline:
    """What the file at `path` says. Raises InputError where it is damaged, or of a network that the kit has not."""
    source = untrusted_bytes.read_text(path, str(path), _MAX_BYTES, f"a {NAME}")
    try:
        return _pipeline(text_format.parse(source), path)
    except ValueError as error:
        raise InputError(f"{path}: not a {NAME} of the Object Detection API: {error}") from error


def _pipeline(config: Message, path: Path) -> Pipeline:
    ssd, networks = _ssd(config, path)
    resizer = next(iter((ssd.message("image_resizer") or Message()).fields), "")
    if resizer == "keep_aspect_ratio_resizer":
        raise InputError(
            f"{path}: its keep_aspect_ratio_resizer keeps the aspect ratio, so that the input's size changes from image"
            " to image; the kit's networks take images that are stretched to one size (fixed_shape_resizer)"
        )
    network = _network(ssd, networks, path)
    width, height = (_whole(ssd, f"{_RESIZER}.{side}", "300") for side in ("width", "height"))
    size = InputSize(height, width)
    fault = network.sizes.fault(size)
    if fault:
        raise InputError(f"{path}: its input is {size.about} (height x width); {network.name}: {fault}")
    multiple = _whole(ssd, "feature_extractor.pad_to_multiple", "1")
    if any(side % max(multiple, 1) for side in size):
        raise InputError(f"{path}: feature_extractor.pad_to_multiple {multiple} pads its input of {size.about}")
    return Pipeline(
        path,
        network,
        size,
        _whole(ssd, "num_classes", "0"),
        _fraction(ssd, f"{_NMS}.score_threshold", "0.0"),
        _fraction(ssd, f"{_NMS}.iou_threshold", "0.6"),
        max(_whole(ssd, f"{_NMS}.max_total_detections", "100"), 1),
        _label_maps(config),
    )


def _ssd(config: Message, path: Path) -> tuple[Message, tuple[Network, ...]]:
    """The message `ssd` of `config`, and the networks with its feature extractor.

    Raises InputError where it is of another architecture.
    """
    model = config.message("model")
    if model is None or not model.fields:
        raise ValueError("it has no model")
    kind = next(iter(model.fields))
    extractor = settings.word(model.message(kind) or Message(), "feature_extractor.type", "no feature extractor")
    every = [network for network in map(models.find, models.names()) if network.object_detection_api is not None]
    networks = tuple(network for network in every if _api(network).extractor == extractor)
    if kind != settings.MODEL or not networks:
        known = ", ".join(dict.fromkeys(_api(network).extractor for network in every))
        raise InputError(
            f"{path}: {kind} with {extractor} is not a network of the kit, which converts {settings.MODEL} with one of"
            f" {known}; train one of them (python -m train --models), or convert with the API's own exporter"
        )
    found = model.message(kind)
    if found is None:
        raise ValueError(f"its model.{kind} is no message")
    return found, networks


def _network(ssd: Message, networks: tuple[Network, ...], path: Path) -> Network:
    """That of `networks`, which have one feature extractor, whose settings are those of `ssd`.

    Raises InputError, with all differences to the most similar one, where none has them.
    """
    found = {network: list(settings.differences(ssd, _api(network))) for network in networks}
    nearest = min(networks, key=lambda network: len(found[network]))
    if found[nearest]:
        raise InputError(
            f"{path}: not the network that the kit converts, {nearest.name}: {'; '.join(found[nearest])}; give the"
            " configuration that these weights were trained with, or convert with the API's own exporter"
        )
    return nearest


def _api(network: Network) -> ApiModel:
    assert network.object_detection_api is not None
    return network.object_detection_api


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

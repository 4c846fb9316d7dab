"""Reading and writing the detector's variables under the published keys.

`load` reads the published checkpoints, those of training, and those that `save` wrote. All of them have the
object-based keys `model/.../.ATTRIBUTES/VARIABLE_VALUE`. It also reads the variables of a SavedModel that the Object
Detection API's exporter wrote, in which the same objects hang below `_model`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from runtime.common.errors import InputError
from train.checkpoints import files
from train.checkpoints.object_graph import ObjectGraph
from train.models import anchors
from train.models.keras_types import Layer
from train.models.ssd_mobilenet_v2_fpnlite import TOWER_LAYERS, Detector

_PREFIX = "model/"
# The attribute that holds the network in what the Object Detection API's exporter saves (exporter_lib_v2.py).
_EXPORTED_ROOT = "_model"
_FILE_ENDING = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
# What TensorFlow raises for files that are truncated (IndexError), changed or missing.
UNREADABLE = (ValueError, RuntimeError, IndexError, tf.errors.OpError)
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
# Where a folder may hold a checkpoint, the best first.
_PLACES = ("", "checkpoint", "checkpoints/best", "checkpoints/last", "best", "last", "variables", "saved_model/variables")
_CLASS_HEAD = "_box_predictor/_prediction_heads/class_predictions_with_background/_class_predictor_layers/0"


@dataclass(frozen=True)
class LoadedVariables:
    """Result of `load`.

    `taken` and `left_out` are keys without prefix and suffix, such as `_box_predictor/.../bias`. `path` is the prefix
    of the checkpoint and `classes` the number of classes it was made for.
    """

    path: Path
    taken: tuple[str, ...]
    left_out: tuple[str, ...]
    classes: int

    def __str__(self) -> str:
        total = len(self.taken) + len(self.left_out)
        text = f"{self.path}: {len(self.taken)} of {total} variables taken"
        if not self.left_out:
            return text
        # The last three parts identify them: `_class_predictor_layers/0/bias`.
        names = ", ".join("/".join(stem.split("/")[-3:]) for stem in self.left_out)
        return f"{text}; left out, being for {self.classes} classes: {names}"


def variables(model: Detector) -> dict[str, tf.Variable]:
    """The model's 384 variables by key, without `model/` and the suffix."""
    extractor, predictor = model._feature_extractor, model._box_predictor
    pyramid = extractor._fpn_features_generator
    found: dict[str, tf.Variable] = {}

    def add(key: str, layer: Layer) -> None:
        for variable in layer.variables:
            found[f"{key}/{variable.name.rsplit('/', 1)[-1].removesuffix(':0')}"] = variable

    backbone = [layer for layer in extractor.classification_backbone.layers if layer.variables]
    for i, layer in enumerate(backbone):
        add(f"_feature_extractor/classification_backbone/layer_with_weights-{i}", layer)
    root = "_feature_extractor/_fpn_features_generator"
    add(f"{root}/top_layers/0", pyramid.top_layers[0])
    for i, laterals in enumerate(pyramid.residual_blocks):
        add(f"{root}/residual_blocks/{i}/0", laterals[0])
    for name, blocks in (
        (f"{root}/conv_layers", pyramid.conv_layers),
        ("_feature_extractor/_coarse_feature_layers", extractor._coarse_feature_layers),
    ):
        for i, block in enumerate(blocks):
            for j, layer in enumerate(block):
                add(f"{name}/{i}/{j}", layer)
    for i, tower_layer in enumerate(predictor._head_scope_conv_layers["PredictionTower"]):
        add(f"_box_predictor/_head_scope_conv_layers/PredictionTower/{i}", tower_layer)
    for i, layers in enumerate(predictor._base_tower_layers_for_heads["box_encodings"]):
        for j in range(TOWER_LAYERS):
            key = f"_box_predictor/_base_tower_layers_for_heads/box_encodings/{i}/{3 * j + 1}"
            add(key, layers[3 * j + 1])
    add("_box_predictor/_box_prediction_head/_box_encoder_layers/0", predictor._box_prediction_head.convolution)
    add(_CLASS_HEAD, predictor._prediction_heads["class_predictions_with_background"].convolution)
    return found


def resolve(path: str | os.PathLike[str]) -> str:
    """The prefix (`.../ckpt-0`) of the checkpoint at `path`.

    `path` may be the prefix itself, one of the checkpoint's files, or a folder. A folder may hold the checkpoint
    directly, in `checkpoint/` (as the published archives), or as a run does; the best checkpoint of a run is preferred
    to the last. Where there is only a SavedModel, its variables are taken. Of several checkpoints, the one that
    TensorFlow's file `checkpoint` names is taken, else the one with the highest number. Raises InputError if there is
    none.
    """
    given = Path(path)
    prefix = _FILE_ENDING.sub("", str(given))
    if Path(prefix + ".index").is_file():
        return prefix
    for inside in _PLACES:
        folder = given / inside
        if folder.is_dir():
            latest: str | None = tf.train.latest_checkpoint(str(folder))
            if latest:
                return latest
            newest = files.newest(folder)
            if newest:
                return str(newest)
            indexes = sorted(folder.glob("*.index"))
            if len(indexes) == 1:
                return str(indexes[0]).removesuffix(".index")
    raise InputError(f"{given}: no checkpoint here; give a folder that holds ckpt-*.index and ckpt-*.data-*")


def is_file_of_one(path: str | os.PathLike[str]) -> bool:
    """Whether `path` has the name of a checkpoint file, such as `ckpt-0.index`."""
    return bool(_FILE_ENDING.search(str(path)))


def _reader(path: str | os.PathLike[str]) -> tuple[str, tf.train.CheckpointReader]:
    prefix = resolve(path)
    try:
        return prefix, tf.train.load_checkpoint(prefix)
    except UNREADABLE as error:
        raise unreadable(prefix, error) from error


def unreadable(prefix: str | os.PathLike[str], error: Exception) -> InputError:
    """An InputError with one line for the user, made from `error`, one of `UNREADABLE`."""
    first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{prefix}: cannot be read as a checkpoint: {first_line}")


def value_of(path: str | os.PathLike[str], name: str) -> np.ndarray | bytes | None:
    """The value that the checkpoint at `path` has for `name`, a key without its suffix; None if it has no such key."""
    prefix, reader = _reader(path)
    key = f"{name}{_SUFFIX}"
    try:
        value: np.ndarray | bytes | None = reader.get_tensor(key) if reader.has_tensor(key) else None
        return value
    except UNREADABLE as error:
        raise unreadable(prefix, error) from error


def _keys(prefix: str, reader: tf.train.CheckpointReader) -> Callable[[str], str]:
    """What gives the key of a variable in this checkpoint for its name in `variables`, whether it has one or not."""

    def direct(stem: str) -> str:
        return f"{_PREFIX}{stem}{_SUFFIX}"

    if any(key.startswith(_PREFIX) for key in reader.get_variable_to_shape_map()):
        return direct
    graph = ObjectGraph(reader, prefix)
    return lambda stem: graph.key([_EXPORTED_ROOT, *stem.split("/")]) or direct(stem)


def classes_of(path: str | os.PathLike[str]) -> int:
    """The number of classes, without the background, of the checkpoint at `path`."""
    prefix, reader = _reader(path)
    shapes = reader.get_variable_to_shape_map()
    key = _keys(prefix, reader)(f"{_CLASS_HEAD}/bias")
    if key not in shapes:
        raise InputError(f"{prefix}: not a checkpoint of SSD MobileNet v2 FPNLite: it has no {key}")
    return int(shapes[key][0]) // anchors.PER_CELL - 1


def load(model: Detector, path: str | os.PathLike[str], *, whole: bool = False) -> LoadedVariables:
    """Assigns the values of the checkpoint at `path` to the variables of `model`.

    The class head's pointwise kernel and bias are left out if the checkpoint has another number of classes. All other
    variables must be in the checkpoint with the model's shapes. Values in float16 are converted to float32.

    Args:
      model: the network, already built.
      path: anything that `resolve` accepts.
      whole: raise an error if a variable would be left out.

    Raises:
      InputError: no checkpoint at `path`, a damaged one, or one of another network.
    """
    prefix, reader = _reader(path)
    shapes = reader.get_variable_to_shape_map()
    taken, left_out, missing = [], [], []
    values = {}
    key_of = _keys(prefix, reader)
    for stem, variable in variables(model).items():
        key = key_of(stem)
        if key not in shapes:
            missing.append(stem)
        elif list(shapes[key]) != variable.shape.as_list():
            left_out.append(stem)
        else:
            try:
                values[stem] = reader.get_tensor(key)
            except UNREADABLE as error:
                raise unreadable(prefix, error) from error
            if not np.isfinite(values[stem]).all():
                raise InputError(f"{prefix}: {stem} holds values that are not finite; the checkpoint is spoilt")
            taken.append(stem)
    foreign = [stem for stem in left_out if not stem.startswith(_CLASS_HEAD)]
    if missing or foreign:
        named = (missing or foreign)[0]
        what = "has no" if missing else "has another shape for"
        count = len(missing) + len(foreign)
        raise InputError(
            f"{prefix}: not a checkpoint of SSD MobileNet v2 FPNLite: it {what} {named} ({count} such variables)"
        )
    if whole and left_out:
        raise InputError(f"{prefix}: made for another number of classes than {model.classes}: {', '.join(left_out)}")
    targets = variables(model)
    for stem, value in values.items():
        targets[stem].assign(value.astype(np.float32))
    return LoadedVariables(Path(prefix), tuple(taken), tuple(left_out), classes_of(prefix))


def save(
    model: Detector,
    folder: str | os.PathLike[str],
    *,
    half: bool = False,
    number: int = 0,
    remove_older: bool = False,
    metadata: str | None = None,
) -> str:
    """Writes the variables of `model` as `folder/ckpt-number` under the published keys and returns that prefix.

    Args:
      model: the network.
      folder: is made if it does not exist.
      half: write float16, half the size; `load` converts it back to float32.
      number: with a number from `files.next_number`, the folder has a complete checkpoint at every instant.
      remove_older: remove the other checkpoints in `folder`.
      metadata: text to write as `ckpt-number.json`.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    dtype = tf.float16 if half else tf.float32
    items = sorted(variables(model).items())
    with tempfile.TemporaryDirectory(dir=target, prefix=".ckpt") as temporary:
        prefix = os.path.join(temporary, "ckpt-0")
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=[f"{_PREFIX}{stem}{_SUFFIX}" for stem, _ in items],
            shape_and_slices=[""] * len(items),
            tensors=[tf.cast(variable, dtype) for _, variable in items],
        )
        tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=[prefix], destination_prefix=os.path.join(temporary, "whole"), delete_old_dirs=False
        )
        whole = os.path.join(temporary, "whole")
        return str(files.put(target, whole, number, remove_older=remove_older, metadata=metadata))


def differing_keys(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> Iterator[str]:
    """Yields the keys of the model's variables for which the checkpoints `a` and `b` have different values."""
    _, first = _reader(a)
    _, second = _reader(b)
    keys = set(first.get_variable_to_shape_map()) | set(second.get_variable_to_shape_map())
    for key in sorted(keys):
        if not key.startswith(_PREFIX):
            continue
        try:
            same = np.array_equal(first.get_tensor(key), second.get_tensor(key))
        except (KeyError, RuntimeError, ValueError):
            same = False
        if not same:
            yield key

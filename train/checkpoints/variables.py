"""Reading and writing the detector's variables under the published keys.

A published checkpoint, a checkpoint that training left, and one that `save` wrote are all read by
`load`: they share the object-based keys `model/.../.ATTRIBUTES/VARIABLE_VALUE`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from runtime.common.errors import InputError
from train.checkpoints import files
from train.models.ssd_mobilenet_v2_fpnlite import TOWER_LAYERS, Detector

_PREFIX = "model/"
_FILE_ENDING = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
# What TensorFlow raises for files that are cut (IndexError), changed or missing.
UNREADABLE = (ValueError, RuntimeError, IndexError, tf.errors.OpError)
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_CLASS_HEAD = "_box_predictor/_prediction_heads/class_predictions_with_background/_class_predictor_layers/0"


@dataclass(frozen=True)
class Loaded:
    """What `load` did: `taken` and `left_out` are key stems such as `_box_predictor/.../bias`."""

    path: Path
    taken: tuple[str, ...]
    left_out: tuple[str, ...]
    classes: int

    def __str__(self) -> str:
        total = len(self.taken) + len(self.left_out)
        text = f"{self.path}: {len(self.taken)} of {total} variables taken"
        if not self.left_out:
            return text
        # The last three parts tell them apart: `_class_predictor_layers/0/bias`.
        names = ", ".join("/".join(stem.split("/")[-3:]) for stem in self.left_out)
        return f"{text}; left out, being for {self.classes} classes: {names}"


def variables(model: Detector) -> dict[str, tf.Variable]:
    """The model's 384 variables by key stem (without `model/` and the suffix)."""
    extractor, predictor = model._feature_extractor, model._box_predictor
    pyramid = extractor._fpn_features_generator
    found: dict[str, tf.Variable] = {}

    def add(key: str, layer) -> None:
        for variable in layer.variables:
            found[f"{key}/{variable.name.rsplit('/', 1)[-1].removesuffix(':0')}"] = variable

    backbone = [layer for layer in extractor.classification_backbone.layers if layer.variables]
    for i, layer in enumerate(backbone):
        add(f"_feature_extractor/classification_backbone/layer_with_weights-{i}", layer)
    root = "_feature_extractor/_fpn_features_generator"
    add(f"{root}/top_layers/0", pyramid.top_layers[0])
    for i, block in enumerate(pyramid.residual_blocks):
        add(f"{root}/residual_blocks/{i}/0", block[0])
    for name, blocks in (
        (f"{root}/conv_layers", pyramid.conv_layers),
        ("_feature_extractor/_coarse_feature_layers", extractor._coarse_feature_layers),
    ):
        for i, block in enumerate(blocks):
            for j, layer in enumerate(block):
                add(f"{name}/{i}/{j}", layer)
    for i, layer in enumerate(predictor._head_scope_conv_layers["PredictionTower"]):
        add(f"_box_predictor/_head_scope_conv_layers/PredictionTower/{i}", layer)
    for i, layers in enumerate(predictor._base_tower_layers_for_heads["box_encodings"]):
        for j in range(TOWER_LAYERS):
            key = f"_box_predictor/_base_tower_layers_for_heads/box_encodings/{i}/{3 * j + 1}"
            add(key, layers[3 * j + 1])
    add("_box_predictor/_box_prediction_head/_box_encoder_layers/0", predictor._box_prediction_head._box_encoder_layers[0])
    heads = predictor._prediction_heads["class_predictions_with_background"]
    add(_CLASS_HEAD, heads._class_predictor_layers[0])
    return found


def resolve(path: str | os.PathLike) -> str:
    """The checkpoint prefix (`.../ckpt-0`) that `path` means.

    `path` may be the prefix itself, one of its files, or a folder that holds a checkpoint directly,
    in `checkpoint/` (the published archive's layout), or as a run does (its best before its last). Of
    several, the one that TensorFlow's file `checkpoint` names is meant, else that of the highest number.
    Raises InputError where there is none.
    """
    given = Path(path)
    prefix = _FILE_ENDING.sub("", str(given))
    if Path(prefix + ".index").is_file():
        return prefix
    for inside in ("", "checkpoint", "checkpoints/best", "checkpoints/last", "best", "last"):
        folder = given / inside
        if folder.is_dir():
            latest = tf.train.latest_checkpoint(str(folder))
            if latest:
                return latest
            newest = files.newest(folder)
            if newest:
                return str(newest)
            indexes = sorted(folder.glob("*.index"))
            if len(indexes) == 1:
                return str(indexes[0]).removesuffix(".index")
    raise InputError(f"{given}: no checkpoint here; give a folder that holds ckpt-*.index and ckpt-*.data-*")


def is_file_of_one(path: str | os.PathLike) -> bool:
    """Whether `path` is named as one of a checkpoint's own files, `ckpt-0.index` say."""
    return bool(_FILE_ENDING.search(str(path)))


def _reader(path: str | os.PathLike) -> tuple[str, tf.train.CheckpointReader]:
    prefix = resolve(path)
    try:
        return prefix, tf.train.load_checkpoint(prefix)
    except UNREADABLE as error:
        raise unreadable(prefix, error) from error


def unreadable(prefix: str | os.PathLike, error: Exception) -> InputError:
    """`error`, one of `UNREADABLE`, as one line for the user."""
    first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{prefix}: cannot be read as a checkpoint: {first_line}")


def value_of(path: str | os.PathLike, name: str) -> np.ndarray | bytes | None:
    """What the checkpoint at `path` holds under `name`, the key without its suffix; None where it has no such key."""
    prefix, reader = _reader(path)
    key = f"{name}{_SUFFIX}"
    try:
        return reader.get_tensor(key) if reader.has_tensor(key) else None
    except UNREADABLE as error:
        raise unreadable(prefix, error) from error


def classes_of(path: str | os.PathLike) -> int:
    """How many classes (background not counted) the checkpoint at `path` was made for."""
    prefix, reader = _reader(path)
    shapes = reader.get_variable_to_shape_map()
    key = f"{_PREFIX}{_CLASS_HEAD}/bias{_SUFFIX}"
    if key not in shapes:
        raise InputError(f"{prefix}: not a checkpoint of SSD MobileNet v2 FPNLite: it has no {key}")
    return shapes[key][0] // 6 - 1


def load(model: Detector, path: str | os.PathLike, *, whole: bool = False) -> Loaded:
    """Fills `model` from the checkpoint at `path` and reports what was taken.

    The class head's pointwise kernel and bias are left out where the checkpoint was made for
    another number of classes, or where the label sets differ in size; everything else must be
    there in the model's own shape. float16 values are widened.

    Args:
      whole: refuse a checkpoint that cannot fill every variable.

    Raises:
      InputError: no checkpoint at `path`, or one of another network.
    """
    prefix, reader = _reader(path)
    shapes = reader.get_variable_to_shape_map()
    taken, left_out, missing = [], [], []
    values = {}
    for stem, variable in variables(model).items():
        key = f"{_PREFIX}{stem}{_SUFFIX}"
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
    return Loaded(Path(prefix), tuple(taken), tuple(left_out), classes_of(prefix))


def save(
    model: Detector, folder: str | os.PathLike, *, half: bool = False, number: int = 0, **options: Any
) -> str:
    """Writes the model's variables as `folder/ckpt-number` under the published keys; returns the prefix.

    Args:
      half: write float16, half the size; `load` widens it again.
      number: what `checkpoint_files.next_number` gives keeps the folder whole at every instant.
      options: those of `checkpoint_files.put`; the folder's other checkpoints stay unless `alone` is true.
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
        return str(files.put(target, whole, number, **{"alone": False, **options}))


def equal(a: str | os.PathLike, b: str | os.PathLike) -> Iterator[str]:
    """Keys on which two checkpoints differ; nothing where they hold the same values."""
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

"""Reading and writing the detector's variables under the published keys.

`load` reads the published checkpoints, those of training, and those that `save` wrote. Their keys are object-based,
`model/.../.ATTRIBUTES/VARIABLE_VALUE`, or name-based, as TensorFlow 1 wrote them. It also reads the variables of a
SavedModel that the Object Detection API's exporter wrote, in which the same objects hang below `_model`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from runtime.common.errors import InputError
from train import models
from train.checkpoints import files
from train.checkpoints.object_graph import GRAPH, ObjectGraph
from train.layers.keras_types import Model
from train.network.network import Network

_PREFIX = "model/"
# The attribute that holds the network in what the Object Detection API's exporter saves (exporter_lib_v2.py).
_EXPORTED_ROOT = "_model"
_FILE_ENDING = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
# What TensorFlow raises for files that are truncated (IndexError), changed or missing.
UNREADABLE = (ValueError, RuntimeError, IndexError, tf.errors.OpError)
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
# Where a folder may hold a checkpoint, the best first.
_PLACES = ("", "checkpoint", "checkpoints/best", "checkpoints/last", "best", "last", "variables", "saved_model/variables")
# The name of the network, which only the kit's own checkpoints hold.
_NETWORK = f"network{_SUFFIX}"


@dataclass(frozen=True)
class LoadedVariables:
    """Result of `load`.

    `taken` and `left_out` are keys without prefix and suffix, such as `_box_predictor/.../bias`. `path` is the prefix
    of the checkpoint and `classes` the number of classes it was made for. `extended` are those of which the values for
    these classes were taken, and which have more classes.
    """

    path: Path
    taken: tuple[str, ...]
    left_out: tuple[str, ...]
    classes: int
    extended: tuple[str, ...] = ()

    def __str__(self) -> str:
        total = len(self.taken) + len(self.left_out) + len(self.extended)
        text = f"{self.path}: {len(self.taken) + len(self.extended)} of {total} variables taken"
        if self.extended:
            text += f"; those of the class heads for its {self.classes} classes, new classes begin anew"
        if not self.left_out:
            return text
        # The last three parts identify them: `_class_predictor_layers/0/bias`.
        names = ", ".join("/".join(stem.split("/")[-3:]) for stem in self.left_out)
        return f"{text}; left out, being for {self.classes} classes: {names}"


def variables(model: Model) -> dict[str, tf.Variable]:
    """The variables of `model` by key, without `model/` and the suffix (see `Network.variables`)."""
    return model.network.variables(model)


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
            indexes = sorted(folder.glob("*.index"), key=_step)
            if len(indexes) == 1 or (indexes and _step(indexes[-1]) >= 0):
                return str(indexes[-1]).removesuffix(".index")
    raise InputError(f"{given}: no checkpoint here; give a folder that holds ckpt-*.index and ckpt-*.data-*")


def _step(index: Path) -> int:
    """The number of a checkpoint that TensorFlow 1's training wrote, `model.ckpt-1200.index`; -1 for others."""
    match = re.fullmatch(r"model\.ckpt-(\d+)\.index", index.name)
    return int(match[1]) if match else -1


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


def variable_of(path: str | os.PathLike[str], stem: str) -> np.ndarray | None:
    """The value of the variable `stem`, a name in `variables`, at `path`; None if the checkpoint has no such variable."""
    prefix, reader = _reader(path)
    key = _keys(prefix, reader)(stem)
    try:
        value: np.ndarray | None = reader.get_tensor(key) if reader.has_tensor(key) else None
        return value
    except UNREADABLE as error:
        raise unreadable(prefix, error) from error


def _keys(prefix: str, reader: tf.train.CheckpointReader) -> Callable[[str], str]:
    """What gives the key of a variable in this checkpoint for its name in `variables`, whether it has one or not."""

    def direct(stem: str) -> str:
        return f"{_PREFIX}{stem}{_SUFFIX}"

    shapes = reader.get_variable_to_shape_map()
    if any(key.startswith(_PREFIX) for key in shapes):
        return direct
    if not reader.has_tensor(GRAPH):
        # Name-based, as TensorFlow 1 wrote them.
        return lambda stem: stem
    graph = ObjectGraph(reader, prefix)
    return lambda stem: graph.key([_EXPORTED_ROOT, *stem.split("/")]) or direct(stem)


class _Shapes(Mapping[str, Sequence[int]]):
    """The shapes of a checkpoint's variables by their names in `Network.variables`, as far as these are asked for."""

    def __init__(self, prefix: str, reader: tf.train.CheckpointReader):
        self._shapes = reader.get_variable_to_shape_map()
        self._key = _keys(prefix, reader)

    def __getitem__(self, stem: str) -> Sequence[int]:
        shape: Sequence[int] = self._shapes[self._key(stem)]
        return shape

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def network_of(path: str | os.PathLike[str]) -> Network:
    """The network whose weights are at `path`. Raises InputError if the kit does not have it."""
    return _network(*_reader(path))


def _network(prefix: str, reader: tf.train.CheckpointReader) -> Network:
    if reader.has_tensor(_NETWORK):
        return models.find(reader.get_tensor(_NETWORK).decode())
    shapes = _Shapes(prefix, reader)
    for name in models.names():
        network = models.find(name)
        if network.classes_in(shapes) is not None:
            return network
    raise InputError(f"{prefix}: not a checkpoint of a network of this kit, which has {', '.join(models.names())}")


def classes_of(path: str | os.PathLike[str]) -> int:
    """The number of classes, without the background, of the checkpoint at `path`."""
    prefix, reader = _reader(path)
    network = _network(prefix, reader)
    classes = network.classes_in(_Shapes(prefix, reader))
    if classes is None:
        raise InputError(f"{prefix}: not a whole checkpoint of {network.facts.title}: it has no class head")
    return classes


def load(model: Model, path: str | os.PathLike[str], *, whole: bool = False, more_classes: bool = False) -> LoadedVariables:
    """Assigns the values of the checkpoint at `path` to the variables of `model`.

    What depends on the classes is left out if the checkpoint has another number of them. All other
    variables must be in the checkpoint with the model's shapes. Values in float16 are converted to float32.

    Args:
      model: the network, already built.
      path: anything that `resolve` accepts.
      whole: raise an error if a variable would be left out.
      more_classes: the checkpoint's classes are the first ones of `model`, and their values are taken.

    Raises:
      InputError: no checkpoint at `path`, a damaged one, or one of another network.
    """
    prefix, reader = _reader(path)
    shapes = reader.get_variable_to_shape_map()
    taken, left_out, missing = [], [], []
    values = {}
    key_of = _keys(prefix, reader)
    targets = variables(model)
    for stem, variable in targets.items():
        key = key_of(stem)
        if key not in shapes and (other := model.network.also_called(stem)) is not None:
            key = key_of(other)
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
    foreign = [stem for stem in left_out if not stem.startswith(model.network.class_stems)]
    if missing or foreign:
        named = (missing or foreign)[0]
        what = "has no" if missing else "has another shape for"
        count = len(missing) + len(foreign)
        raise InputError(
            f"{prefix}: not a checkpoint of {model.network.facts.title}: it {what} {named} ({count} such variables)"
            + _advice(prefix, reader, model.network)
        )
    if whole and left_out:
        raise InputError(f"{prefix}: made for another number of classes than {model.classes}: {', '.join(left_out)}")
    classes = model.network.classes_in(_Shapes(prefix, reader))
    extended: list[str] = []
    if more_classes and left_out and classes is not None:
        for stem in left_out:
            try:
                old = reader.get_tensor(key_of(stem))
            except UNREADABLE as error:
                raise unreadable(prefix, error) from error
            if not np.isfinite(old).all():
                raise InputError(f"{prefix}: {stem} holds values that are not finite; the checkpoint is spoilt")
            values[stem] = _extended(old, targets[stem].numpy(), classes, model)
        extended, left_out = left_out, []
    for stem, value in values.items():
        targets[stem].assign(value.astype(np.float32))
    found = model.classes if classes is None else classes
    return LoadedVariables(Path(prefix), tuple(taken), tuple(left_out), found, tuple(extended))


def _extended(old: np.ndarray, new: np.ndarray, classes: int, model: Model) -> np.ndarray:
    """`new` with the values of `old`, a variable of a head for fewer `classes`, where the columns are the same.

    The last axis has the columns of one anchor after the other, the background in front of the classes.
    """
    background = model.network.background
    before, after = background + classes, background + model.classes
    result = new.reshape(*new.shape[:-1], -1, after).copy()
    result[..., :before] = old.reshape(*old.shape[:-1], -1, before)
    return result.reshape(new.shape)


def _advice(prefix: str, reader: tf.train.CheckpointReader, wanted: Network) -> str:
    try:
        found = _network(prefix, reader)
    except InputError:
        return ""
    return f"; it is one of {found.facts.title}: --model {found.name}" if found is not wanted else ""


def save(
    model: Model,
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
            tensor_names=[_NETWORK, *(f"{_PREFIX}{stem}{_SUFFIX}" for stem, _ in items)],
            shape_and_slices=[""] * (1 + len(items)),
            tensors=[tf.constant(model.network.name), *(tf.cast(variable, dtype) for _, variable in items)],
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

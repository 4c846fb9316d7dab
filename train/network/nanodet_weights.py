"""The variables of NanoDet-Plus, and its weights in the files that its authors and others published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from runtime.common.errors import InputError
from train.foreign import ncnn_file, onnx_file
from train.foreign.folded_layers import Operation, by_structure, ends, fed_by
from train.foreign.torch_file import TorchFile
from train.graph.graph import Graph
from train.layers.conv_norm import ConvNorm, units
from train.layers.nanodet import NanoDet
from train.layers.nanodet_head import BINS, STRIDES

# Of the weights in a checkpoint of training, the moving averages are the better ones.
_AVERAGED, _RAW = "avg_model.", "model."
# The published network takes blue, green and red.
_STEM = "backbone.conv1.0"
# The published last convolution of a level is for classes and boxes; here it is two, of which these are the names.
_OUTPUT = "head.gfl_cls."
_CLASSES, _BOXES = "classes", "boxes"
_GUIDANCE = "aux_"
_GUIDANCE_CLASSES = "aux_head.gfl_cls"


def variables(model: NanoDet) -> dict[str, tf.Variable]:
    """The variables of `model` by their names in the published checkpoints, without the prefix of one."""
    found: dict[str, tf.Variable] = {}
    for unit in (*model.units, *units(model.aux_fpn)):
        kernel, norm = unit.keys
        found |= {
            f"{kernel}.weight": unit.kernel,
            f"{norm}.weight": unit.norm.gamma,
            f"{norm}.bias": unit.norm.beta,
            f"{norm}.running_mean": unit.norm.moving_mean,
            f"{norm}.running_var": unit.norm.moving_variance,
        }
    for part in (*model.aux_head.class_tower, *model.aux_head.box_tower):
        found |= {
            f"{part.key}.conv.weight": part.convolution.kernel,
            f"{part.key}.gn.weight": part.norm.gamma,
            f"{part.key}.gn.bias": part.norm.beta,
        }
    outputs = {_GUIDANCE_CLASSES: model.aux_head.class_output, "aux_head.gfl_reg": model.aux_head.box_output}
    for level, pair in enumerate(zip(model.head.class_outputs, model.head.box_outputs)):
        outputs |= {f"{_OUTPUT}{level}.{kind}": layer for kind, layer in zip((_CLASSES, _BOXES), pair)}
    for key, layer in outputs.items():
        found |= {f"{key}.weight": layer.kernel, f"{key}.bias": layer.bias}
    return found | {f"aux_head.scales.{level}.scale": scale for level, scale in enumerate(model.aux_head.scales)}


def from_published(path: Path, new: Callable[[int], NanoDet], fold: Callable[[NanoDet], Graph]) -> NanoDet:
    """A model with the weights in the published file `path`, and for as many classes.

    `path` ends with .ckpt or .pth (PyTorch), .onnx, or .param (ncnn, with a .bin of the same name). `new` makes a model
    for a number of classes, and `fold` its graph. A file for inference has no batch norms: those of the model become such
    that only add the bias. It has no guidance module either, whose neck becomes a copy of the other one.

    Raises InputError for a file that cannot be read or is of another network.
    """
    if path.suffix in (".ckpt", ".pth"):
        values = _of_checkpoint(path)
        model = new(_classes(values.get(f"{_OUTPUT}0.bias"), path))
    else:
        operations = onnx_file.read(path) if path.suffix == ".onnx" else ncnn_file.read(path)
        last = ends(operations)
        model = new(_classes(last[0].weights[1] if last else None, path))
        values = _of_folded(model, fold(model), operations, path)
    _assign(model, values, path)
    return model


def _classes(bias: np.ndarray | None, path: Path) -> int:
    """The number of classes of a last convolution with this bias."""
    classes = 0 if bias is None else len(bias) - 4 * BINS
    if classes < 1:
        raise InputError(f"{path}: not NanoDet-Plus-m: it has no last convolution for classes and boxes")
    return classes


def _assign(model: NanoDet, values: dict[str, np.ndarray], path: Path) -> None:
    _split_outputs(values)
    targets = variables(model)
    if not any(name.startswith(_GUIDANCE) for name in values):
        values |= {f"{_GUIDANCE}{name}": value for name, value in values.items() if name.startswith("fpn.")}
        targets = {name: variable for name, variable in targets.items() if not name.startswith("aux_head.")}
    for name, variable in targets.items():
        value = values.get(name)
        if value is not None and value.ndim == 4:
            value = _kernel(value, variable)
        if value is None or value.shape != tuple(variable.shape):
            what = "has no" if value is None else "has other channels for"
            raise InputError(f"{path}: not NanoDet-Plus-m: it {what} {name}")
        if not np.isfinite(value).all():
            raise InputError(f"{path}: {name} holds values that are not finite; the file is spoilt")
        variable.assign(value[:, :, ::-1] if name == f"{_STEM}.weight" else value)


def _of_checkpoint(path: Path) -> dict[str, np.ndarray]:
    file = TorchFile(path)
    prefix = next((prefix for prefix in (_AVERAGED, _RAW, "") if f"{prefix}{_STEM}.weight" in file.tensors), None)
    if prefix is None:
        raise InputError(f"{path}: not a checkpoint of NanoDet-Plus: it has no {_STEM}.weight")
    names = [name for name in file.tensors if name.startswith(prefix)]
    return file.read({name.removeprefix(prefix): name for name in names})


def _of_folded(model: NanoDet, graph: Graph, operations: Sequence[Operation], path: Path) -> dict[str, np.ndarray]:
    """The values of convolutions and biases as those of convolutions and batch norms, in PyTorch's order."""
    try:
        found = by_structure(operations)
    except InputError as error:
        raise InputError(f"{path}: not NanoDet-Plus-m: {error}") from error
    heads = (*graph.box_heads, *graph.class_heads)
    own = by_structure([_operation(graph, node.name) for node in graph.nodes if node.name not in heads])
    texts = {operation.outputs[0]: text for text, operation in own.items()}
    missing = [unit.keys[0] for unit in model.units if texts[unit.name] not in found]
    if missing:
        raise InputError(
            f"{path}: not NanoDet-Plus-m: no convolution in it has the place of {missing[0]} ({len(missing)} such)"
        )
    values: dict[str, np.ndarray] = {}
    for unit in model.units:
        values |= _unit_values(unit, found[texts[unit.name]])
    for level, tower in enumerate(model.head.towers):
        after = fed_by(found, texts[tower[-1].units[-1].name])
        if len(after) != 1:
            raise InputError(f"{path}: not NanoDet-Plus-m: no convolution for classes and boxes at stride {STRIDES[level]}")
        kernel, bias = found[after[0]].weights
        values |= {f"{_OUTPUT}{level}.weight": kernel.transpose(3, 2, 0, 1), f"{_OUTPUT}{level}.bias": bias}
    return values


def _operation(graph: Graph, name: str) -> Operation:
    node = graph[name]
    if node.kernel is None:
        return Operation(node.inputs, (name,))
    return Operation(node.inputs, (name,), (np.asarray(node.kernel), np.asarray(node.bias)), node.stride)


def _unit_values(unit: ConvNorm, given: Operation) -> dict[str, np.ndarray]:
    kernel, bias = given.weights
    ones, zeros = np.ones_like(bias), np.zeros_like(bias)
    name, norm = unit.keys
    return {
        f"{name}.weight": kernel.transpose(2, 3, 0, 1) if unit.is_depthwise else kernel.transpose(3, 2, 0, 1),
        f"{norm}.weight": ones,
        f"{norm}.bias": bias,
        f"{norm}.running_mean": zeros,
        f"{norm}.running_var": ones - np.float32(unit.norm.epsilon),
    }


def _split_outputs(values: dict[str, np.ndarray]) -> None:
    for name in [name for name in values if name.startswith(_OUTPUT)]:
        value = values.pop(name)
        key, kind = name.rsplit(".", 1)
        for part, rows in ((_CLASSES, value[: -4 * BINS]), (_BOXES, value[-4 * BINS :])):
            values[f"{key}.{part}.{kind}"] = rows


def _kernel(value: np.ndarray, variable: tf.Variable) -> np.ndarray:
    """A kernel of PyTorch, [out, in, kh, kw] or [channels, 1, kh, kw], in TensorFlow's order of axes."""
    depthwise = value.shape[1] == 1 and variable.shape[3] == 1
    return value.transpose(2, 3, 0, 1) if depthwise else value.transpose(2, 3, 1, 0)

"""Reads convolutional networks from ONNX files, through the package `onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from runtime.common.errors import InputError, KitError
from train.foreign.folded_layers import Operation

# The files of interest have 5 to 10 MB.
_MOST_BYTES = 1 << 28


def read(path: Path) -> list[Operation]:
    """The operations of the network at `path`, in the order of execution.

    Raises InputError for a file that is no ONNX network, or whose convolutions are of a kind that the kit does not know;
    KitError where the package `onnx` is missing.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise KitError(
            f'{path}: to read an ONNX file, the package onnx is needed: pip install "edge-detection-kit[onnx]"'
        ) from error
    from google.protobuf.message import DecodeError

    try:
        content = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
        # Weights in other files would be read from wherever this one says.
        graph = onnx.load_model_from_string(content).graph
        constants = {item.name: item for item in graph.initializer}
        arrays = {
            node.output[0]: attribute.t
            for node in graph.node
            if node.op_type == "Constant"
            for attribute in node.attribute
            if attribute.name == "value"
        }
        tensors = {**constants, **arrays}
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors.values()):
            raise InputError(f"{path}: its weights are in another file; export it with all weights inside")
        values = {name: numpy_helper.to_array(tensor) for name, tensor in tensors.items()}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (DecodeError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not an ONNX file: {error}") from error
    if not graph.node:
        raise InputError(f"{path}: not an ONNX file of a network")
    return [_operation(node, values, path) for node in graph.node if node.op_type != "Constant"]


def _operation(node: Any, values: Mapping[str, np.ndarray], path: Path) -> Operation:
    inputs, outputs = tuple(name for name in node.input if name not in values), tuple(node.output)
    if node.op_type != "Conv":
        return Operation(inputs, outputs)
    attributes = {attribute.name: attribute for attribute in node.attribute}
    weights = [values.get(name) for name in node.input[1:]]
    kernel = weights[0] if weights else None
    strides = list(attributes["strides"].ints) if "strides" in attributes else [1, 1]
    groups = attributes["group"].i if "group" in attributes else 1
    if kernel is None or kernel.ndim != 4 or len(set(strides)) != 1 or groups not in (1, kernel.shape[0]):
        raise InputError(f"{path}: the convolution {node.name or outputs[0]} is of a kind that the kit does not know")
    bias = weights[1] if len(weights) > 1 and weights[1] is not None else np.zeros(kernel.shape[0], np.float32)
    # [out, in, kh, kw], and [channels, 1, kh, kw] of a depthwise one.
    kernel = kernel.transpose(2, 3, 1, 0) if groups == 1 else kernel.transpose(2, 3, 0, 1)
    weights_found = np.ascontiguousarray(kernel, np.float32), bias.astype(np.float32)
    return Operation(inputs, outputs, weights_found, int(strides[0]))

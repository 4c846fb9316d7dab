"""What is said of the layers of each kind of file, and of what the first of them are fed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.contract.violation import Violation
from convert.file import anatomy
from convert.file.anatomy import OddOperation
from convert.file.kinds import DYNAMIC_RANGE, INT16X8, Kind
from runtime.model.tflite import Model, Operator
from train.geometry.normalization import NETWORK, Normalization

# Operations named in a message before it only counts the rest.
_NAMED = 3

# The converter leaves smaller kernels as they are: tf.lite's minimum of elements for quantized weights.
_SMALL = 1024

# Scale and offset of the input are stored in 16 bits.
_TOLERANCE = 2e-3


def violations(model: Model, kind: Kind) -> Iterator[Violation]:
    """What is wrong with the layers of a file of this `kind`."""
    if kind.int8:
        odd = describe_odd(model)
        if odd:
            yield Violation("int8", f"not every operation is int8: {odd}")
        shared = anatomy.shared_range(model)
        if shared:
            yield Violation("ranges", f"box codes and class scores share the tensor {shared}")
    elif kind in (INT16X8, DYNAMIC_RANGE):
        odd = _described(anatomy.not_of(model, kind.activations))
        if odd:
            yield Violation(kind.name, f"not every operation is {kind.activations}: {odd}")
        floats = [step for step in model.main.operators if _float_kernel(model, step, kind)]
        if floats:
            where = anatomy.layer(model, floats[0])
            yield Violation("weights", f"{len(floats)} kernels are not int8, the first that of layer {where}")


def describe_odd(model: Model) -> str:
    """The operations that are not int8, the first few by name; empty where all are."""
    return _described(anatomy.not_int8(model))


def fed(model: Model) -> str:
    """The normalization that the first layers are made for, in words."""
    scale, offset = _scaling(model)
    mean, std = (offset + 1) * NETWORK, scale * NETWORK
    return f"mean {[round(float(value), 3) for value in mean]}, std {[round(float(value), 3) for value in std]}"


def feeds(model: Model, normalization: Normalization) -> bool:
    """Whether a `model` that is fed by this `normalization` gives the network x / 127.5 - 1 of bytes x.

    Integer inputs take bytes, whatever is said: it must then be the normalization of the network.
    """
    if any(len(values) not in (1, 3) for values in (normalization.mean, normalization.std)):
        return False
    scale, offset = _scaling(model)
    near = np.abs(normalization.scale - scale) <= _TOLERANCE * np.abs(scale)
    return bool(np.all(near) and np.all(np.abs(normalization.offset - offset) <= _TOLERANCE))


def _described(odd: Sequence[OddOperation]) -> str:
    text = "; ".join(str(operation) for operation in odd[:_NAMED])
    rest = len(odd) - _NAMED
    return f"{text}; and {rest} more" if rest > 0 else text


def _float_kernel(model: Model, step: Operator, kind: Kind) -> bool:
    if step.name not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return False
    kernel = model.main.tensors[step.inputs[1]]
    return kernel.type != "int8" and (kind == INT16X8 or int(np.prod(kernel.shape)) > _SMALL)


def _scaling(model: Model) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What the input is multiplied by, and what is added to it then, before the first convolution; float64 [3] each."""
    scale, offset = np.ones(3), np.zeros(3)
    index = model.main.inputs[0] if model.main.inputs else -1
    for _ in range(3):
        users = [step for step in model.main.operators if index in step.inputs]
        if len(users) != 1 or users[0].name not in ("QUANTIZE", "MUL", "ADD"):
            break
        (step,) = users
        if step.name != "QUANTIZE":
            values = _constant(model, next((other for other in step.inputs if other != index), -1))
            if values is None:
                break
            scale, offset = (scale * values, offset * values) if step.name == "MUL" else (scale, offset + values)
        index = step.outputs[0]
    return scale, offset


def _constant(model: Model, index: int) -> npt.NDArray[np.float64] | None:
    """The three real values of a constant, or of what unpacks one; None where it is neither."""
    makers = {output: step for step in model.main.operators for output in step.outputs}
    if index in makers and makers[index].name == "DEQUANTIZE":
        index = makers[index].inputs[0]
    if index < 0 or not anatomy.is_constant(model, index):
        return None
    tensor = model.main.tensors[index]
    stored: npt.NDArray[Any] = anatomy.values(model, index).astype(np.float64).reshape(-1)
    if tensor.quantization:
        stored = (stored - tensor.quantization.zero_points) * tensor.quantization.scales
    return np.broadcast_to(stored, 3).astype(np.float64) if stored.size in (1, 3) else None

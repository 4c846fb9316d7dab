"""The published rules for operations on the Edge TPU.

They are the vendor's model requirements for `edgetpu_compiler` 16. The compiler has further, unpublished
rules, so that what follows from these is only a prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np

from convert.file import anatomy
from runtime.common.errors import InputError
from runtime.model.tflite import Model, Operator, Tensor

UNSUPPORTED = "Operation not supported"
WRONG_TYPE = "Operation is working on an unsupported data type"
ONE_SUBGRAPH = "More than one subgraph is not supported"
LIMITED = "Operation is otherwise supported, but not mapped due to some unspecified limitation"
WRONG_RANK = "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
WRONG_VERSION = "Operation version not supported"

_SOFTMAX_ELEMENTS = 16_000

# Tensors of at least this many bytes count as large; the rules name no size.
_LARGE = 1 << 20


@dataclass(frozen=True)
class Fault:
    """Why an operation cannot be mapped: the compiler's status, the reason, and what to change."""

    status: str
    reason: str
    fix: str


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of `model` with its options, as the rules need it."""

    model: Model
    operator: Operator
    options: Any

    def input(self, number: int) -> Tensor:
        """Input tensor `number`. Raises InputError where the operation has none, which the schema forbids."""
        index = self._input_index(number)
        if index is None:
            raise InputError(f"{self.model.where}: damaged: a {self.operator.name} has no input {number}")
        return self.model.main.tensors[index]

    def constant(self, number: int) -> Optional[np.ndarray]:
        """The values of input `number`, None where it is left out, not constant, or not of an integer type."""
        index = self._input_index(number)
        if index is None or not anatomy.is_constant(self.model, index):
            return None
        tensor = self.model.main.tensors[index]
        kinds = {"int32": "<i4", "int64": "<i8", "int8": "i1", "uint8": "u1"}
        if tensor.type not in kinds:
            return None
        values = np.frombuffer(self.model.buffers[tensor.buffer], kinds[tensor.type])
        return values.reshape(tensor.shape) if values.size == np.prod(tensor.shape) else None

    def is_constant(self, number: int) -> bool:
        """Whether the file holds the values of input `number`."""
        index = self._input_index(number)
        return index is not None and anatomy.is_constant(self.model, index)

    def option(self, name: str, default: Any = 0) -> Any:
        """The option `name`, or `default` where the operation has none."""
        return getattr(self.options, name, default)

    def _input_index(self, number: int) -> Optional[int]:
        inputs = self.operator.inputs
        return inputs[number] if number < len(inputs) and inputs[number] >= 0 else None


def fault(operation: Operation) -> Optional[Fault]:
    """Why the rules forbid to map `operation`, or None where they allow it."""
    name = operation.operator.name
    tensors = list(anatomy.changing(operation.model, operation.operator))
    for rule in (_type_fault, _rank_fault, _size_fault):
        found = rule(name, tensors)
        if found:
            return found
    if name not in _LIMITS:
        return Fault(
            UNSUPPORTED,
            f"{anatomy.operation_name(operation.operator)} is not among the operations of the TPU",
            "build the layer from operations that the TPU has",
        )
    limit = _LIMITS[name]
    return limit(operation) if limit else None


def doubt(operation: Operation) -> str:
    """Why the compiler may refuse an operation that the rules allow; empty where no reason is known."""
    name = operation.operator.name
    if name == "RESHAPE" and any(
        np.prod(tensor.shape) >= _LARGE
        for tensor in anatomy.changing(operation.model, operation.operator)
    ):
        return "some reshapes of large tensors are not mapped"
    if name.startswith("RESIZE_"):
        return "at some sizes it stays on the CPU, to avoid a loss of precision"
    return ""


def _type_fault(name: str, tensors: list[Tensor]) -> Optional[Fault]:
    for tensor in tensors:
        if tensor.type not in ("int8", "uint8") or not tensor.quantization:
            return Fault(
                WRONG_TYPE,
                f"{tensor.name} is {tensor.type}, not quantized int8 or uint8",
                "convert to int8 with TFLITE_BUILTINS_INT8 only",
            )
    return None


def _rank_fault(name: str, tensors: list[Tensor]) -> Optional[Fault]:
    for tensor in tensors:
        if any(side > 1 for side in tensor.shape[:-3]):
            fix = "keep tensors to [1, height, width, channels]"
            if name in ("PACK", "RESHAPE") and len(tensor.shape) == 5:
                fix = "upsample with a 4-D RESIZE_NEAREST_NEIGHBOR in place of PACK and RESHAPE"
            return Fault(
                WRONG_RANK, f"a tensor is {list(tensor.shape)}, of rank {len(tensor.shape)}", fix
            )
    return None


def _size_fault(name: str, tensors: list[Tensor]) -> Optional[Fault]:
    for tensor in tensors:
        if any(side < 0 for side in tensor.signature):
            return Fault(
                LIMITED, f"the size of {tensor.name} may change", "convert with a fixed input size"
            )
    return None


def _limited(reason: str, fix: str) -> Fault:
    return Fault(LIMITED, reason, fix)


def _no_activation(operation: Operation) -> Optional[Fault]:
    if operation.option("fusedActivationFunction"):
        return _limited("it has a fused activation", "put the activation in a layer of its own")
    return None


def _concatenation(operation: Operation) -> Optional[Fault]:
    found = _no_activation(operation)
    if found:
        return found
    count = len(operation.operator.inputs)
    for number in range(count):
        if operation.is_constant(number):
            values = operation.constant(number)
            if count != 2 or values is None or values.any():
                return _limited(
                    "an input is constant, which may only be one of two, all zeros",
                    "pad in place of joining constants",
                )
    return None


def _constant_weights(operation: Operation) -> Optional[Fault]:
    if not operation.is_constant(1):
        return _limited("its weights are not constant", "use constant weights")
    return None


def _convolution(operation: Operation) -> Optional[Fault]:
    across, down = operation.option("dilationWFactor", 1), operation.option("dilationHFactor", 1)
    if across != down:
        return _limited(f"its dilation is {down} x {across}", "dilate x and y equally")
    return _constant_weights(operation)


def _depthwise(operation: Operation) -> Optional[Fault]:
    if (operation.option("dilationWFactor", 1), operation.option("dilationHFactor", 1)) != (1, 1):
        return _limited("its kernel is dilated", "use a kernel without dilation")
    return _constant_weights(operation)


def _fully_connected(operation: Operation) -> Optional[Fault]:
    if operation.option("weightsFormat"):
        return _limited("its weights are in a shuffled format", "convert without weight shuffling")
    return _constant_weights(operation)


def _pack(operation: Operation) -> Optional[Fault]:
    rank = len(operation.input(0).shape)
    if operation.option("axis") in (-1, rank):
        return _limited("it packs along the last dimension", "concatenate along it")
    return None


def _softmax(operation: Operation) -> Optional[Fault]:
    shape = operation.input(0).shape
    if any(side > 1 for side in shape[:-1]) or (shape and shape[-1] > _SOFTMAX_ELEMENTS):
        return _limited(
            f"its input is {list(shape)}: only 1-D of at most {_SOFTMAX_ELEMENTS} is taken",
            "leave the softmax to the CPU, or use a sigmoid",
        )
    return None


def _along_x_and_y(operation: Operation) -> Optional[Fault]:
    axes = operation.constant(1)
    rank = len(operation.input(0).shape)
    if axes is None or not {int(axis) % rank for axis in axes.ravel()} <= {rank - 3, rank - 2}:
        return _limited("it reduces along other axes than x and y", "reduce along x and y only")
    return None


def _pad(operation: Operation) -> Optional[Fault]:
    padding = operation.constant(1)
    rank = len(operation.input(0).shape)
    if padding is None or (rank == 4 and padding.reshape(-1, 2)[0].any()):
        return _limited("it pads the batch dimension", "pad height, width or channels only")
    return None


def _resize(operation: Operation) -> Optional[Fault]:
    # Half-pixel centers came with version 3.
    if operation.option("halfPixelCenters", False) or operation.operator.version > 2:
        return Fault(
            WRONG_VERSION,
            f"version {operation.operator.version}, with half-pixel centers",
            "resize with half_pixel_centers=False (equal for nearest-neighbor x2)",
        )
    return None


def _slice(operation: Operation) -> Optional[Fault]:
    begin, size = operation.constant(1), operation.constant(2)
    batch = operation.input(0).shape[0]
    if begin is None or size is None or begin[0] != 0 or size[0] not in (-1, batch):
        return _limited("it slices the batch, or its bounds are not constant", "slice other dimensions")
    return None


def _strided_slice(operation: Operation) -> Optional[Fault]:
    strides = operation.constant(3)
    if strides is None or (strides != 1).any():
        return _limited("its strides are not all 1", "use strides of 1")
    begin, end = operation.constant(1), operation.constant(2)
    batch = operation.input(0).shape[0]
    takes_all = begin is not None and end is not None and (
        (operation.option("beginMask") & 1 or begin[0] == 0)
        and (operation.option("endMask") & 1 or end[0] in (batch, 0))
    )
    if not takes_all:
        return _limited("it slices the batch", "slice other dimensions")
    return None


def _split(operation: Operation) -> Optional[Fault]:
    axis = operation.constant(0 if operation.operator.name == "SPLIT" else 2)
    if axis is None or int(axis.ravel()[0]) == 0:
        return _limited("it splits the batch", "split other dimensions")
    return None


# The operations of the TPU, each with the check of its limits beyond types, sizes and ranks.
_LIMITS: dict[str, Optional[Callable[[Operation], Optional[Fault]]]] = {
    **dict.fromkeys(
        ["ADD", "MAXIMUM", "MINIMUM", "MUL", "SUB", "LOGISTIC", "RELU", "RELU6", "RELU_N1_TO_1", "TANH", "SQUEEZE", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RSQRT", "TRANSPOSE_CONV", "PRELU", "SQUARED_DIFFERENCE", "L2_NORMALIZATION", "EXPAND_DIMS", "SPACE_TO_DEPTH", "RESHAPE", "LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"]
    ),
    "AVERAGE_POOL_2D": _no_activation,
    "MAX_POOL_2D": _no_activation,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "MEAN": _along_x_and_y,
    "PACK": _pack,
    "PAD": _pad,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SLICE": _slice,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _along_x_and_y,
}

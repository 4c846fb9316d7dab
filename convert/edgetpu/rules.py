"""The published rules for operations on the Edge TPU.

They are the vendor's table of supported operations as of `edgetpu_compiler` 16 and runtime 14, the last that were
published (https://coral.ai/docs/edgetpu/models-intro#supported-operations). What a runtime before that cannot do, the
table says by row; so does this one. The compiler has further, unpublished rules, so that what follows from these is
only a prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

import numpy as np

from convert.edgetpu.operation import LIMITED, UNSUPPORTED, WRONG_RANK, WRONG_TYPE, WRONG_VERSION, Fault, Operation
from convert.file import anatomy
from runtime.model.tflite import Tensor

# The oldest runtime that the table tells apart from others: what it lists for "All", this one has too.
OLDEST = 12

_SOFTMAX_ELEMENTS = 16_000

# Tensors of at least this many bytes count as large; the rules name no size.
_LARGE = 1 << 20

_Limit = Callable[[Operation], Optional[Fault]]


@dataclass(frozen=True)
class _Row:
    """A row of the table: what holds of an operation from the runtime `since` on, up to the next row's."""

    since: int = OLDEST
    limit: Optional[_Limit] = None

    def fault(self, operation: Operation) -> Optional[Fault]:
        return self.limit(operation) if self.limit else None


def fault(operation: Operation) -> Optional[Fault]:
    """Why the newest rules forbid to map `operation`, or None where they allow it."""
    name = operation.operator.name
    tensors = list(anatomy.changing(operation.model, operation.operator))
    found = _type_fault(operation, tensors) or _rank_fault(name, tensors) or _size_fault(name, tensors)
    if found:
        return found
    if name not in _ROWS:
        return Fault(
            UNSUPPORTED,
            f"{anatomy.operation_name(operation.operator)} is not among the operations of the TPU",
            "build the layer from operations that the TPU has",
        )
    return _ROWS[name][-1].fault(operation)


def runtime(operation: Operation) -> int:
    """The oldest Edge TPU runtime that runs `operation`, which `fault` allows: `OLDEST`, 13 or 14."""
    return next(row.since for row in _ROWS[operation.operator.name] if row.fault(operation) is None)


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
    if name == "TRANSPOSE":
        # https://github.com/google-coral/edgetpu/issues/433
        return "compiler 16 is known to leave some transposes on the CPU"
    return ""


def _type_fault(operation: Operation, tensors: list[Tensor]) -> Optional[Fault]:
    for tensor in tensors:
        if tensor.type not in ("int8", "uint8") or not tensor.quantization:
            return Fault(
                WRONG_TYPE, f"{tensor.name} is {tensor.type}, not quantized int8 or uint8", _type_fix(operation)
            )
    return None


def _type_fix(operation: Operation) -> str:
    """What to change so that `operation` works on int8, by what kind of file it is in."""
    if operation.quantizes_input:
        return "set inference_input_type to uint8 or int8 in the converter"
    if operation.dequantizes_output:
        return "set inference_output_type to uint8 or int8 in the converter"
    types = operation.constant_types
    if "float16" in types:
        return "its weights are float16: convert the float model to int8 instead, with a representative data set"
    if "int8" in types:
        return "only its weights are int8 (dynamic range): convert again with a representative data set"
    return "convert to int8 with TFLITE_BUILTINS_INT8 only"


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


def _dilation(operation: Operation) -> tuple[int, int]:
    return operation.option("dilationHFactor", 1), operation.option("dilationWFactor", 1)


def _evenly_dilated(operation: Operation) -> Optional[Fault]:
    down, across = _dilation(operation)
    if across != down:
        return _limited(f"its dilation is {down} x {across}", "dilate x and y equally")
    return _constant_weights(operation)


def _not_dilated(operation: Operation) -> Optional[Fault]:
    if _dilation(operation) != (1, 1):
        return _limited("its kernel is dilated", "use a kernel without dilation")
    return _constant_weights(operation)


def _fully_connected(operation: Operation) -> Optional[Fault]:
    if operation.option("weightsFormat"):
        return _limited("its weights are in a shuffled format", "convert without weight shuffling")
    made = operation.output().shape
    if any(side > 1 for side in made[:-1]):
        return _limited(f"its output is {list(made)}, not one-dimensional", "use a 1x1 convolution")
    return _constant_weights(operation)


def _prelu(operation: Operation) -> Optional[Fault]:
    shape = operation.input(1).shape
    if any(side > 1 for side in shape[:-1]):
        return _limited(
            f"its slopes are {list(shape)}: only the innermost dimension may be greater than 1",
            "share the slopes over x and y (Keras: shared_axes=[1, 2])",
        )
    return None


def _pack(operation: Operation) -> Optional[Fault]:
    if _batch([operation.option("axis")], len(operation.output().shape)):
        return _limited("it packs along the batch dimension", "concatenate along another one")
    return None


def _softmax(operation: Operation) -> Optional[Fault]:
    shape = operation.input(0).shape
    if any(side > 1 for side in shape[:-1]) or (shape and shape[-1] > _SOFTMAX_ELEMENTS):
        return _limited(
            f"its input is {list(shape)}: only 1-D of at most {_SOFTMAX_ELEMENTS} is taken",
            "leave the softmax to the CPU, or use a sigmoid",
        )
    return None


def _squeeze_leading(operation: Operation) -> Optional[Fault]:
    before, after = operation.input(0).shape, operation.output().shape
    if _without_leading_ones(before) != _without_leading_ones(after):
        return _limited("it removes a dimension behind one greater than 1", "reshape instead")
    return None


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    first = next((axis for axis, side in enumerate(shape) if side > 1), len(shape))
    return tuple(shape[first:])


def _batch(axes: list[int], rank: int) -> bool:
    """Whether one of `axes` is a batch dimension: one before the innermost three, y, x and z."""
    return any(axis % rank < rank - 3 for axis in axes)


def _reduction(operation: Operation) -> Optional[Fault]:
    axes = operation.constant(1)
    if axes is None:
        return _limited("its axes are not constant", "use constant axes")
    if _batch([int(axis) for axis in axes.ravel()], operation.rank):
        return _limited("it reduces the batch dimension", "reduce other dimensions")
    return None


def _reduces_z(operation: Operation) -> bool:
    axes = operation.constant(1)
    return axes is not None and any(int(axis) % operation.rank == operation.rank - 1 for axis in axes.ravel())


def _mean_of_x_and_y(operation: Operation) -> Optional[Fault]:
    if _reduces_z(operation):
        return _limited("it reduces along other axes than x and y", "reduce along x and y only")
    return _reduction(operation)


def _mean(operation: Operation) -> Optional[Fault]:
    depth = operation.input(0).shape[-1]
    if _reduces_z(operation) and depth % 4:
        return _limited(f"it reduces along z, of {depth}, which is not a multiple of 4", "use a multiple of 4 channels")
    return _reduction(operation)


def _pad(operation: Operation) -> Optional[Fault]:
    axes = _padded_axes(operation)
    if axes is None or _batch(axes, operation.rank):
        return _limited("it pads the batch dimension", "pad height, width or channels only")
    return None


def _pad_of_x_and_y(operation: Operation) -> Optional[Fault]:
    axes = _padded_axes(operation)
    if axes is not None and operation.rank - 1 in axes:
        return _limited("it pads channels", "pad height and width only")
    return _pad(operation)


def _padded_axes(operation: Operation) -> Optional[list[int]]:
    padding = operation.constant(1)
    return None if padding is None else [axis for axis, sides in enumerate(padding.reshape(-1, 2)) if sides.any()]


def _resize(operation: Operation) -> Optional[Fault]:
    # Half-pixel centers came with version 3. The table does not mention them; compilers up to 16 report this.
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
    if operation.option("ellipsisMask") or operation.option("newAxisMask"):
        return _limited("it has an ellipsis or a new axis", "slice by plain bounds, and reshape afterwards")
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
    number, source = (0, 1) if operation.operator.name == "SPLIT" else (2, 0)
    axis = operation.constant(number)
    if axis is None or int(axis.ravel()[0]) % len(operation.input(source).shape) == 0:
        return _limited("it splits the batch", "split other dimensions")
    return None


# The operations of the TPU, each with the rows of the table. Limits are those beyond types, sizes and ranks.
_ROWS: dict[str, tuple[_Row, ...]] = {
    **dict.fromkeys(
        (
            *("ADD", "MAXIMUM", "MINIMUM", "MUL", "SUB", "LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1"),
            *("L2_NORMALIZATION", "SPACE_TO_DEPTH", "RESHAPE"),
        ),
        (_Row(),),
    ),
    **dict.fromkeys(("EXPAND_DIMS", "QUANTIZE", "TRANSPOSE_CONV"), (_Row(13),)),
    **dict.fromkeys(
        ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "RSQRT", "SQUARED_DIFFERENCE", "TRANSPOSE"), (_Row(14),)
    ),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), (_Row(limit=_no_activation),)),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), (_Row(limit=_resize),)),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), (_Row(limit=_split),)),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), (_Row(14, _reduction),)),
    "CONCATENATION": (_Row(limit=_concatenation),),
    "CONV_2D": (_Row(limit=_evenly_dilated),),
    "DEPTHWISE_CONV_2D": (_Row(limit=_not_dilated), _Row(13, _evenly_dilated)),
    "FULLY_CONNECTED": (_Row(limit=_fully_connected),),
    "MEAN": (_Row(limit=_mean_of_x_and_y), _Row(13, _mean)),
    "PACK": (_Row(13, _pack),),
    "PAD": (_Row(limit=_pad_of_x_and_y), _Row(13, _pad)),
    "PRELU": (_Row(13, _prelu),),
    "SLICE": (_Row(limit=_slice),),
    "SOFTMAX": (_Row(limit=_softmax),),
    "SQUEEZE": (_Row(limit=_squeeze_leading), _Row(13)),
    "STRIDED_SLICE": (_Row(limit=_strided_slice),),
    "SUM": (_Row(13, _reduction),),
}

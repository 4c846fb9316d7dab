"""What a detection .tflite is made of: its post-processing, which output is which, what is not int8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from flatbuffers import flexbuffers

from runtime.common.errors import KitError
from runtime.model.tflite import Model, Operator, Tensor

OPERATION = "TFLite_Detection_PostProcess"

# What the Edge TPU compiler makes of everything that it maps.
EDGE_TPU_OPERATION = "edgetpu-custom-op"

# The order in which the operation itself gives them.
ROLES = ("boxes", "classes", "scores", "count")

# Operations that pass values on without computing: a tensor and what they make of it share a scale.
_PASSING = frozenset(
    ["RESHAPE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "GATHER", "UNPACK", "DEQUANTIZE"]
)

# The file stores 1/127.5 as float32, and converters reach it through (1 - -1) / 255.
_SCALE_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Postprocess:
    """The four-output operation. `index` counts operations from 0; `options` are its attributes."""

    index: int
    operator: Operator
    options: Mapping[str, Any]

    @property
    def detections(self) -> int:
        """How many detections it has room for: N of the output shapes."""
        each = int(self.options.get("max_classes_per_detection", 1))
        return int(self.options.get("max_detections", 0)) * each

    @property
    def classes(self) -> int:
        """How many classes it tells apart, background not counted."""
        return int(self.options.get("num_classes", 0))

    @property
    def roles(self) -> dict[str, int]:
        """boxes, classes, scores, count -> tensor index."""
        return dict(zip(ROLES, self.operator.outputs))


@dataclass(frozen=True)
class OddOperation:
    """An operation that is not int8. `types` are those of its changing tensors that are not."""

    index: int
    name: str
    layer: str
    types: tuple[str, ...]

    def __str__(self) -> str:
        """As in `operation 12 SOFTMAX (float32) of layer head/softmax`."""
        return f"operation {self.index} {self.name} ({', '.join(self.types)}) of layer {self.layer}"


def postprocess(model: Model) -> Optional[Postprocess]:
    """The post-processing of `model`, or None where there is none in the main graph."""
    for index, operator in enumerate(model.main.operators):
        if operator.name == "CUSTOM" and operator.custom_name == OPERATION:
            return Postprocess(index, operator, _options(operator.custom_options))
    return None


def required_postprocess(model: Model) -> Postprocess:
    """The post-processing of `model`. Raises KitError where there is none in the main graph."""
    found = postprocess(model)
    if found is None:
        raise KitError(f"{model.where} has no {OPERATION}")
    return found


def output_roles(model: Model) -> tuple[Optional[str], ...]:
    """For each output of the main graph, the role that its tensor has, or None where unknown."""
    found = postprocess(model)
    roles = {index: role for role, index in found.roles.items()} if found else {}
    return tuple(roles.get(index) for index in model.main.outputs)


def operation_name(operator: Operator) -> str:
    """`CONV_2D`, or the custom operation's own name."""
    return operator.custom_name if operator.name == "CUSTOM" else operator.name


def layer(model: Model, operator: Operator) -> str:
    """The layer an operation came from, as its first output's name tells.

    The converter joins the names of everything it fused with `;`; the first is the one that a
    reader of the training code would recognise.
    """
    if not operator.outputs:
        return "?"
    return model.main.tensors[operator.outputs[0]].name.split(";")[0] or "?"


def is_constant(model: Model, index: int) -> bool:
    """Whether the file holds the values of tensor `index`."""
    buffer = model.main.tensors[index].buffer
    return buffer < len(model.buffers) and len(model.buffers[buffer]) > 0


def changing(model: Model, operator: Operator) -> Iterator[Tensor]:
    """The inputs and outputs of an operation whose values the file does not hold."""
    for index in (*operator.inputs, *operator.outputs):
        if index >= 0 and not is_constant(model, index):
            yield model.main.tensors[index]


def not_int8(model: Model) -> tuple[OddOperation, ...]:
    """The operations that are not int8.

    Left out are the post-processing, the dequantization in front of it, and the step from a uint8
    input to int8. What the Edge TPU runs may be uint8 as well.
    """
    found = postprocess(model)
    wanted = set(found.operator.inputs) if found else set()
    odd = []
    for index, operator in enumerate(model.main.operators):
        if found and index == found.index:
            continue
        if operator.name == "DEQUANTIZE" and wanted.issuperset(operator.outputs):
            tensors = [model.main.tensors[i] for i in operator.inputs]
        elif operator.name == "QUANTIZE" and set(operator.inputs) <= set(model.main.inputs):
            tensors = [model.main.tensors[i] for i in operator.outputs]
            tensors += [t for t in _inputs(model) if t.type not in ("uint8", "int8")]
        elif operator.custom_name == EDGE_TPU_OPERATION:
            tensors = [t for t in changing(model, operator) if t.type != "uint8"]
        else:
            tensors = list(changing(model, operator))
        types = tuple(dict.fromkeys(t.type for t in tensors if t.type != "int8"))
        if types:
            odd.append(OddOperation(index, operation_name(operator), layer(model, operator), types))
    return tuple(odd)


def shared_range(model: Model) -> Optional[str]:
    """The name of a quantised tensor that holds both box codes and class scores, or None."""
    found = postprocess(model)
    if found is None or len(found.operator.inputs) < 2:
        return None
    boxes, scores = (_same_values(model, index) for index in found.operator.inputs[:2])
    shared = [i for i in boxes if i in scores and model.main.tensors[i].quantization]
    return model.main.tensors[shared[0]].name if shared else None


def input_range(tensor: Tensor) -> Optional[tuple[float, float]]:
    """What the least and the greatest stored value of an integer input stand for, or None."""
    limits = {"uint8": (0, 255), "int8": (-128, 127)}.get(tensor.type)
    if limits is None or not tensor.quantization:
        return None
    scale = float(tensor.quantization.scales[0])
    zero = int(tensor.quantization.zero_points[0])
    least, greatest = limits
    return (least - zero) * scale, (greatest - zero) * scale


def takes_camera_bytes(tensor: Tensor) -> bool:
    """Whether a uint8 input means x / 127.5 - 1 by byte x: scale 1/127.5, zero point 127 or 128."""
    if tensor.type != "uint8" or tensor.quantization.scales.size != 1:
        return False
    off = abs(float(tensor.quantization.scales[0]) * 127.5 - 1)
    return off <= _SCALE_TOLERANCE and int(tensor.quantization.zero_points[0]) in (127, 128)


def _inputs(model: Model) -> list[Tensor]:
    return [model.main.tensors[index] for index in model.main.inputs]


def _same_values(model: Model, index: int) -> list[int]:
    """`index` and the tensors before it whose values it carries unchanged."""
    makers = {i: operator for operator in model.main.operators for i in operator.outputs}
    chain = [index]
    while index in makers and makers[index].name in _PASSING:
        # SPLIT has its axis in front of its data.
        index = next((i for i in makers[index].inputs if not is_constant(model, i)), -1)
        if index < 0 or index in chain:
            break
        chain.append(index)
    return chain


def _options(data: bytes) -> dict[str, Any]:
    try:
        options = flexbuffers.Loads(data) if data else {}
    except (ValueError, IndexError, TypeError, UnicodeDecodeError):
        options = {}
    return options if isinstance(options, dict) else {}

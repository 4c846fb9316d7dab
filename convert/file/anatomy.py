"""What a detection .tflite is made of: its post-processing, which output is which, what is not int8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence

import numpy as np
import numpy.typing as npt
from flatbuffers import flexbuffers

from runtime.common.errors import KitError
from runtime.model import output_order
from runtime.model.output_order import SUPPRESSION
from runtime.model.tflite import Model, Operator, Subgraph, Tensor

OPERATION = "TFLite_Detection_PostProcess"

# What the Edge TPU compiler makes of everything that it maps.
EDGE_TPU_OPERATION = "edgetpu-custom-op"

# The order in which the operation itself gives them.
ROLES = ("boxes", "classes", "scores", "count")

# Operations that pass values on without computing: a tensor and what they make of it share a scale.
_PASSING = frozenset(
    [
        *("RESHAPE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "SQUEEZE"),
        *("EXPAND_DIMS", "TRANSPOSE", "GATHER", "UNPACK", "DEQUANTIZE"),
    ]
)

# Operations of built-in post-processing that it has once each.
_ONCE = ("TOPK_V2", "GREATER_EQUAL", SUPPRESSION)

# The file stores 1/127.5 as float32, and converters reach it through (1 - -1) / 255.
_SCALE_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Postprocess:
    """What makes four outputs of box codes and class scores: one custom operation, or built-in operations.

    `steps` are its operations, counted from 0, with the dequantisation in front of a custom one; `inputs` the tensors
    of box codes and class scores (of class logits, where it is built in) and `outputs` those of boxes, classes, scores
    and count; `detections` is the N of the output shapes, `classes` how many it tells apart, background not counted.
    `options` are the numbers that it was made with, by the names of the custom operation's attributes.
    """

    custom: bool
    steps: frozenset[int]
    inputs: tuple[int, int]
    outputs: tuple[int, ...]
    detections: int
    classes: int
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return OPERATION if self.custom else "built-in post-processing"

    @property
    def roles(self) -> dict[str, int]:
        """boxes, classes, scores, count -> tensor index."""
        return dict(zip(ROLES, self.outputs))


@dataclass(frozen=True)
class OddOperation:
    """An operation of another type than wanted, mostly int8. `types` are those of its changing tensors that are."""

    index: int
    name: str
    layer: str
    types: tuple[str, ...]

    def __str__(self) -> str:
        """As in `operation 12 SOFTMAX (float32) of layer head/softmax`."""
        return f"operation {self.index} {self.name} ({', '.join(self.types)}) of layer {self.layer}"


def postprocess(model: Model) -> Optional[Postprocess]:
    """The post-processing of `model`, or None where there is none in the main graph."""
    return _custom(model) or _built_in(model)


def required_postprocess(model: Model) -> Postprocess:
    """The post-processing of `model`. Raises KitError where there is none in the main graph."""
    found = postprocess(model)
    if found is None:
        raise KitError(f"{model.where} has no post-processing")
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
    odd = []
    for index, operator in enumerate(model.main.operators):
        if operator.name == "DEQUANTIZE" and found and index in found.steps:
            tensors = [model.main.tensors[i] for i in operator.inputs]
        elif found and index in found.steps:
            continue
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


def not_of(model: Model, activations: str) -> tuple[OddOperation, ...]:
    """The operations whose changing values are not of the type `activations`, which is "int16" or "float32".

    Left out are the post-processing, and the steps from and to float32 at both ends.
    """
    found = postprocess(model)
    odd = []
    for index, operator in enumerate(model.main.operators):
        if (found and index in found.steps) or operator.name in ("QUANTIZE", "DEQUANTIZE"):
            continue
        types = dict.fromkeys(tensor.type for tensor in changing(model, operator))
        if set(types) - {activations}:
            others = tuple(kind for kind in types if kind != activations)
            odd.append(OddOperation(index, operation_name(operator), layer(model, operator), others))
    return tuple(odd)


def shared_range(model: Model) -> Optional[str]:
    """The name of a quantised tensor that holds both box codes and class scores, or None."""
    found = postprocess(model)
    if found is None:
        return None
    boxes, scores = (_same_values(model, index) for index in found.inputs)
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
    """Whether an input means x / 127.5 - 1 by byte x: scale 1/127.5, zero point 127 or 128.

    An int8 input takes x - 128, so that its zero point is -1 or 0.
    """
    middle = {"uint8": 128, "int8": 0}.get(tensor.type)
    if middle is None or tensor.quantization.scales.size != 1:
        return False
    off = abs(float(tensor.quantization.scales[0]) * 127.5 - 1)
    return off <= _SCALE_TOLERANCE and int(tensor.quantization.zero_points[0]) in (middle - 1, middle)


def _custom(model: Model) -> Optional[Postprocess]:
    for index, operator in enumerate(model.main.operators):
        if operator.custom_name == OPERATION and len(operator.inputs) >= 2:
            options = _options(operator.custom_options)
            each = int(options.get("max_classes_per_detection", 1))
            steps = {index}
            for number, step in enumerate(model.main.operators):
                if step.name == "DEQUANTIZE" and set(operator.inputs).issuperset(step.outputs):
                    steps.add(number)
            return Postprocess(
                True,
                frozenset(steps),
                (operator.inputs[0], operator.inputs[1]),
                operator.outputs,
                int(options.get("max_detections", 0)) * each,
                int(options.get("num_classes", 0)),
                options,
            )
    return None


def _built_in(model: Model) -> Optional[Postprocess]:
    """As `convert.file.builtin_postprocessing` writes it: everything from the sorting of the logits on."""
    graph = model.main
    order = output_order.from_graph(graph)
    start = _start(graph)
    if order is None or start is None:
        return None
    tail = graph.operators[start:]
    once = {name: [step for step in tail if step.name == name] for name in _ONCE}
    rows = _gathered_rows(model, tail)
    box_code = _box_code(model, tail)
    if rows is None or box_code is None or any(len(steps) != 1 for steps in once.values()):
        return None
    sorting, least, suppression = (steps[0] for steps in once.values())
    numbers = (sorting.inputs[1], least.inputs[1], *suppression.inputs[2:4])
    if not all(is_constant(model, index) for index in numbers):
        return None
    logits = graph.operators[start].inputs[0]
    candidates, score, most, iou = (values(model, index).reshape(-1) for index in numbers)
    classes = graph.tensors[logits].shape[-1]
    return Postprocess(
        False,
        frozenset(range(start, len(graph.operators))),
        (rows, logits),
        tuple(graph.outputs[getattr(order, role)] for role in ROLES),
        int(most[0]),
        classes,
        {
            "max_detections": int(most[0]),
            "max_candidates": int(candidates[0]),
            "nms_score_threshold": float(score[0]),
            "nms_iou_threshold": float(iou[0]),
            "num_classes": classes,
            **box_code,
        },
    )


def _box_code(model: Model, tail: Sequence[Operator]) -> Optional[dict[str, float]]:
    """What box codes are divided by, or how many bins their distributions have; None where `tail` does neither, or both."""
    divisions = [step for step in tail if step.name == "DIV"]
    distributions = [step for step in tail if step.name == "SOFTMAX"]
    if len(divisions) == 1 and not distributions and is_constant(model, divisions[0].inputs[1]):
        scales = values(model, divisions[0].inputs[1]).reshape(-1)
        return {f"{name}_scale": float(scale) for name, scale in zip("yxhw", scales)}
    if len(distributions) == 1 and not divisions:
        return {"bins": model.main.tensors[distributions[0].inputs[0]].shape[-1]}
    return None


def _start(graph: Subgraph) -> Optional[int]:
    """The number of the operation that makes one row of the logits, for TOPK_V2 to sort; None where there is none."""
    makers = {index: number for number, step in enumerate(graph.operators) for index in step.outputs}
    sorting = [step for step in graph.operators if step.name == "TOPK_V2"]
    return makers.get(sorting[-1].inputs[0]) if sorting else None


def _gathered_rows(model: Model, tail: Sequence[Operator]) -> Optional[int]:
    """The box codes; None where no operation of `tail` picks rows of them, or none picks anchors."""
    makers = {index: step for step in tail for index in step.outputs}
    sources = [step.inputs[0] for step in tail if step.name == "GATHER"]
    if not any(is_constant(model, index) for index in sources):
        return None
    maker = makers.get(sources[0])
    return maker.inputs[0] if maker else None


def values(model: Model, index: int) -> npt.NDArray[Any]:
    """The constant that tensor `index` holds, in its own shape."""
    tensor = model.main.tensors[index]
    return np.frombuffer(bytes(model.buffers[tensor.buffer]), tensor.type).reshape(tensor.shape)


def anchors(model: Model, found: Postprocess) -> npt.NDArray[np.float32]:
    """The anchors of the built-in post-processing `found`, float32 [A, 4] as (yc, xc, h, w)."""
    steps = (model.main.operators[number] for number in sorted(found.steps))
    return next(values(model, s.inputs[0]) for s in steps if s.name == "GATHER" and is_constant(model, s.inputs[0]))


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

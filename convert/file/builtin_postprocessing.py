"""Post-processing of built-in operations only: the published evaluation's semantics, inside the file.

From the raw outputs of the network, box codes [1, A, 4] and class logits [1, A, C]:

1. The best `candidates` of all A x C logits, each an anchor and a class (TOPK_V2; among equal logits
   the lower anchor first, then the lower class).
2. Box codes and anchors of these candidates alone, decoded (GATHER and arithmetic in float32; of codes that are
   distributions, SOFTMAX and a matrix give the offsets and sides).
3. Non-maximum suppression within each class: the boxes of class c are moved down by 4 c, farther than
   any box reaches, so that boxes of two classes never meet (NON_MAX_SUPPRESSION_V4).
4. Boxes, classes and scores of what stays, the highest score first, and zeros behind the count.

Scores that are given to the suppression are the candidates' ranks, which are all different: with equal
scores its order would hang on the C++ library that the interpreter was built with.

An anchor may be found once for each class, which COCO AP counts. No thread count changes the result:
every operation runs on one thread. In an int8 file the logits are sorted as int8, and only the
candidates become floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from convert.file import flatbuffer_objects
from convert.file.postprocessing import Postprocessing

# Where boxes end that are held against each other, in widths of the image: it has 0 to 1.
NEAREST, FARTHEST = -1.0, 2.0
# From one class to the next; farther than FARTHEST - NEAREST, and exact in float32 for any number of classes.
CLASS_STEP = 4.0

# What names of the tensors begin with; nothing goes by it but the reader's eye.
PREFIX = "postprocessing/"

_Op = schema.BuiltinOperator
_Type = schema.TensorType
_TYPES = {"float32": _Type.FLOAT32, "int32": _Type.INT32, "int8": _Type.INT8, "bool": _Type.BOOL}
# The first version of an operator that takes int8, where that is not 1.
_INT8_VERSIONS = {_Op.TOPK_V2: 2, _Op.GATHER: 2, _Op.DEQUANTIZE: 2}


def with_postprocessing(
    model: bytes,
    *,
    anchors: npt.NDArray[np.float32],
    scales: Sequence[float],
    bins: int = 0,
    options: Postprocessing,
) -> bytes:
    """`model`, whose two outputs are box codes [1, A, 4] and class logits [1, A, C], with detections in their place.

    `anchors` are float32 [A, 4] as (yc, xc, h, w), `scales` what the four codes (ty, tx, th, tw) are divided by. With
    `bins`, codes are distributions, [1, A, 4 * bins] (see `train.targets.distribution`), and there are no scales. Both
    outputs are float32 or int8. The new outputs are boxes [1, N, 4] as (ymin, xmin, ymax, xmax) relative to the image
    and not clipped to it, classes [1, N], scores [1, N] and the count [1], all float32; N is `options.detections`.
    """
    objects = flatbuffer_objects.unpack(model)
    tail = _Tail(objects)
    codes, logits = (int(index) for index in objects.subgraphs[0].outputs)
    count, classes = tail.shape(logits)[1:]
    candidates = min(options.candidates, count * classes)

    best, place = tail.top(tail.reshape(logits, [count * classes], "logits"), candidates)
    scores = tail.unary(_Op.LOGISTIC, tail.dequantized(best), "candidate_scores")
    anchor, label = tail.divided(place, classes)
    rows = tail.reshape(codes, [count, tail.shape(codes)[2]], "box_codes")
    boxes = _decoded(tail, rows, anchor, anchors, bins, scales)
    kept, found = tail.suppressed(_apart(tail, boxes, label), _ranks(tail, scores, options.score), options)

    outputs = _slots(tail, {"boxes": boxes, "classes": label, "scores": scores}, kept, found)
    objects.subgraphs[0].outputs = np.array(outputs, np.int32)
    return flatbuffer_objects.pack(objects)


def _slots(tail: _Tail, values: Mapping[str, int], kept: int, found: int) -> list[int]:
    """The four outputs: of `values`, which have a row for each candidate, those that are kept, and their number."""
    number = tail.shape(kept)[0]
    used = tail.compared(_Op.LESS, tail.constant(np.arange(number, dtype=np.int32), "slots"), found, "used")
    used = tail.cast(used, "used_slots")
    outputs = []
    for name, tensor in values.items():
        columns = tail.shape(tensor)[1:]
        mask = tail.reshape(used, [number, 1], "used_rows") if columns else used
        picked = tail.binary(_Op.MUL, tail.gathered(tensor, kept, f"kept_{name}"), mask, f"used_{name}")
        outputs.append(tail.reshape(picked, [1, number, *columns], name))
    return [*outputs, tail.reshape(tail.cast(found, "found"), [1], "count")]


def _decoded(
    tail: _Tail, codes: int, anchor: int, anchors: npt.NDArray[np.float32], bins: int, scales: Sequence[float]
) -> int:
    """Boxes [K, 4] of the candidates, each step rounded to float32.

    Codes of four numbers are those of Faster R-CNN: the last two are logarithms.
    """
    numbers = tail.dequantized(tail.gathered(codes, anchor, "candidate_codes"))
    if bins:
        scaled = _means_of_bins(tail, numbers, bins)
    else:
        scaled = tail.binary(_Op.DIV, numbers, tail.constant(np.array([scales], np.float32), "scales"), "scaled_codes")
    table = tail.constant(np.ascontiguousarray(anchors, np.float32), "anchors")
    centers, sizes = tail.split(tail.gathered(table, anchor, "candidate_anchors"), 2, "anchor")
    offsets, sides = tail.split(scaled, 2, "code")
    center = tail.binary(_Op.ADD, tail.binary(_Op.MUL, offsets, sizes, "moved"), centers, "centers")
    growth = sides if bins else tail.unary(_Op.EXP, sides, "growth")
    grown = tail.binary(_Op.MUL, growth, sizes, "grown")
    # Exact, whenever it is done.
    half = tail.binary(_Op.MUL, grown, tail.constant(np.array(0.5, np.float32), "one_half"), "halves")
    corners = [tail.binary(code, center, half, name) for code, name in ((_Op.SUB, "near"), (_Op.ADD, "far"))]
    return tail.concatenated(corners, "candidate_boxes")


def _means_of_bins(tail: _Tail, codes: int, bins: int) -> int:
    """Of distributions [K, 4 * bins] over the distances to left, top, right and bottom, what they mean: [K, 4].

    That is how far the center is from the anchor's, and how long the sides are, y before x, in sides of the anchor.
    """
    count, columns = tail.shape(codes)
    shares = tail.softmax(tail.reshape(codes, [4 * count, bins], "codes_by_side"), "shares_of_bins")
    sums = np.array([[0, -0.5, 0, 0.5], [-0.5, 0, 0.5, 0], [0, 1, 0, 1], [1, 0, 1, 0]], np.float32)
    matrix = tail.constant(np.kron(sums, np.arange(bins, dtype=np.float32)), "sums_of_bins")
    return tail.multiplied(tail.reshape(shares, [count, columns], "shares"), matrix, "means_of_bins")


def _apart(tail: _Tail, boxes: int, label: int) -> int:
    """The boxes, those of each class at a place of their own."""
    inside = tail.binary(_Op.MAXIMUM, boxes, tail.constant(np.array(NEAREST, np.float32), "nearest"), "not_too_near")
    inside = tail.binary(_Op.MINIMUM, inside, tail.constant(np.array(FARTHEST, np.float32), "farthest"), "inside")
    step = tail.constant(np.array([[CLASS_STEP, 0, CLASS_STEP, 0]], np.float32), "class_step")
    column = tail.reshape(label, [tail.shape(label)[0], 1], "class_column")
    return tail.binary(_Op.ADD, inside, tail.binary(_Op.MUL, column, step, "class_offsets"), "boxes_apart")


def _ranks(tail: _Tail, scores: int, least: float) -> int:
    """K for the best candidate down to 1, and 0 for those below `least`."""
    limit = tail.constant(np.array(least, np.float32), "least")
    taken = tail.cast(tail.compared(_Op.GREATER_EQUAL, scores, limit, "enough"), "taken")
    falling = tail.constant(np.arange(tail.shape(scores)[0], 0, -1).astype(np.float32), "falling")
    return tail.binary(_Op.MUL, taken, falling, "ranks")


class _Tail:
    """Operations that are added behind those of a graph. Tensors are given and returned by their index."""

    def __init__(self, objects: schema.ModelT) -> None:
        self._objects = objects
        self._graph = objects.subgraphs[0]

    def shape(self, tensor: int) -> list[int]:
        return [int(side) for side in self._graph.tensors[tensor].shape]

    def constant(self, values: npt.NDArray[Any], name: str) -> int:
        index = self._tensor(list(values.shape), _TYPES[values.dtype.name], name)
        self._graph.tensors[index].buffer = len(self._objects.buffers)
        self._objects.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        return index

    def reshape(self, tensor: int, shape: list[int], name: str) -> int:
        wanted = self.constant(np.array(shape, np.int32), f"{name}_shape")
        made = schema.ReshapeOptionsT(newShape=np.array(shape, np.int32))
        out = self._copy(tensor, shape, name)
        return self._add(_Op.RESHAPE, [tensor, wanted], [out], (schema.BuiltinOptions.ReshapeOptions, made))[0]

    def top(self, tensor: int, count: int) -> tuple[int, int]:
        """The greatest `count` values of a vector, falling, and their places in it."""
        size = self.constant(np.array(count, np.int32), "candidates")
        values = self._copy(tensor, [count], "best_logits")
        places = self._tensor([count], _Type.INT32, "best_places")
        made = (schema.BuiltinOptions.TopKV2Options, schema.TopKV2OptionsT())
        self._add(_Op.TOPK_V2, [tensor, size], [values, places], made)
        return values, places

    def divided(self, places: int, classes: int) -> tuple[int, int]:
        """Anchor (int32) and class (float32) of each place in [A x C]."""
        by = self.constant(np.array(classes, np.int32), "classes_of_an_anchor")
        anchor = self._tensor(self.shape(places), _Type.INT32, "anchor_of_candidate")
        self._add(_Op.FLOOR_DIV, [places, by], [anchor])
        label = self._tensor(self.shape(places), _Type.INT32, "class_of_candidate")
        self._add(_Op.FLOOR_MOD, [places, by], [label])
        return anchor, self.cast(label, "candidate_classes")

    def dequantized(self, tensor: int) -> int:
        if self._graph.tensors[tensor].type == _Type.FLOAT32:
            return tensor
        name = flatbuffer_objects.text(self._graph.tensors[tensor].name).removeprefix(PREFIX)
        out = self._tensor(self.shape(tensor), _Type.FLOAT32, f"{name}_float")
        made = (schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT())
        return self._add(_Op.DEQUANTIZE, [tensor], [out], made)[0]

    def gathered(self, tensor: int, places: int, name: str) -> int:
        """The rows of `tensor` at `places`."""
        out = self._copy(tensor, [*self.shape(places), *self.shape(tensor)[1:]], name)
        made = (schema.BuiltinOptions.GatherOptions, schema.GatherOptionsT())
        return self._add(_Op.GATHER, [tensor, places], [out], made)[0]

    def split(self, tensor: int, parts: int, name: str) -> list[int]:
        """Equal parts of the columns."""
        rows, columns = self.shape(tensor)
        axis = self.constant(np.array(1, np.int32), f"{name}_axis")
        outs = [self._copy(tensor, [rows, columns // parts], f"{name}_{part}") for part in range(parts)]
        made = (schema.BuiltinOptions.SplitOptions, schema.SplitOptionsT(numSplits=parts))
        return self._add(_Op.SPLIT, [axis, tensor], outs, made)

    def concatenated(self, tensors: list[int], name: str) -> int:
        shape = [self.shape(tensors[0])[0], sum(self.shape(tensor)[1] for tensor in tensors)]
        made = (schema.BuiltinOptions.ConcatenationOptions, schema.ConcatenationOptionsT(axis=1))
        return self._add(_Op.CONCATENATION, tensors, [self._copy(tensors[0], shape, name)], made)[0]

    def cast(self, tensor: int, name: str) -> int:
        """The same values as float32."""
        made = schema.CastOptionsT(inDataType=self._graph.tensors[tensor].type, outDataType=_Type.FLOAT32)
        out = self._tensor(self.shape(tensor), _Type.FLOAT32, name)
        return self._add(_Op.CAST, [tensor], [out], (schema.BuiltinOptions.CastOptions, made))[0]

    def softmax(self, tensor: int, name: str) -> int:
        """The softmax of each row; float32."""
        made = (schema.BuiltinOptions.SoftmaxOptions, schema.SoftmaxOptionsT(beta=1.0))
        return self._add(_Op.SOFTMAX, [tensor], [self._tensor(self.shape(tensor), _Type.FLOAT32, name)], made)[0]

    def multiplied(self, tensor: int, matrix: int, name: str) -> int:
        """The product of each row [I] and the matrix [O, I]; float32."""
        out = self._tensor([self.shape(tensor)[0], self.shape(matrix)[0]], _Type.FLOAT32, name)
        made = (schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT())
        return self._add(_Op.FULLY_CONNECTED, [tensor, matrix, -1], [out], made)[0]

    def unary(self, code: int, tensor: int, name: str) -> int:
        """A function of each value; float32."""
        return self._add(code, [tensor], [self._tensor(self.shape(tensor), _Type.FLOAT32, name)])[0]

    def binary(self, code: int, one: int, other: int, name: str) -> int:
        """A function of two values, float32, where shapes that differ are broadcast."""
        return self._pairwise(code, one, other, _Type.FLOAT32, name)

    def compared(self, code: int, one: int, other: int, name: str) -> int:
        """As `binary`, but bool."""
        return self._pairwise(code, one, other, _Type.BOOL, name)

    def suppressed(self, boxes: int, ranks: int, options: Postprocessing) -> tuple[int, int]:
        """Places of what stays, int32 [N], zeros behind it; and how many those are, int32 []."""
        numbers = [
            self.constant(np.array(value, type), name)
            for value, type, name in (
                (options.detections, np.int32, "most"),
                (options.iou, np.float32, "iou"),
                (0.5, np.float32, "least_rank"),
            )
        ]
        kept = self._tensor([options.detections], _Type.INT32, "kept")
        found = self._tensor([], _Type.INT32, "number_kept")
        made = (schema.BuiltinOptions.NonMaxSuppressionV4Options, schema.NonMaxSuppressionV4OptionsT())
        self._add(_Op.NON_MAX_SUPPRESSION_V4, [boxes, ranks, *numbers], [kept, found], made)
        return kept, found

    def _pairwise(self, code: int, one: int, other: int, type: int, name: str) -> int:
        shape = list(np.broadcast_shapes(tuple(self.shape(one)), tuple(self.shape(other))))
        return self._add(code, [one, other], [self._tensor(shape, type, name)], _PAIRWISE[code]())[0]

    def _copy(self, source: int, shape: list[int], name: str) -> int:
        index = self._tensor(shape, self._graph.tensors[source].type, name)
        self._graph.tensors[index].quantization = self._graph.tensors[source].quantization
        return index

    def _tensor(self, shape: list[int], type: int, name: str) -> int:
        made = schema.TensorT(shape=np.array(shape, np.int32), type=type, name=PREFIX + name, hasRank=True)
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def _add(self, code: int, inputs: list[int], outputs: list[int], options: Any = None) -> list[int]:
        int8 = any(self._graph.tensors[index].type == _Type.INT8 for index in inputs)
        version = _INT8_VERSIONS.get(code, 1) if int8 else 1
        step = schema.OperatorT(
            opcodeIndex=self._code(code, version),
            inputs=np.array(inputs, np.int32),
            outputs=np.array(outputs, np.int32),
        )
        if options is not None:
            step.builtinOptionsType, step.builtinOptions = options
        self._graph.operators.append(step)
        return outputs

    def _code(self, code: int, version: int) -> int:
        for index, known in enumerate(self._objects.operatorCodes):
            if known.builtinCode == code and known.version == version and not known.customCode:
                return index
        self._objects.operatorCodes.append(
            schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version)
        )
        return len(self._objects.operatorCodes) - 1


_PAIRWISE = {
    _Op.ADD: lambda: (schema.BuiltinOptions.AddOptions, schema.AddOptionsT()),
    _Op.SUB: lambda: (schema.BuiltinOptions.SubOptions, schema.SubOptionsT()),
    _Op.MUL: lambda: (schema.BuiltinOptions.MulOptions, schema.MulOptionsT()),
    _Op.DIV: lambda: (schema.BuiltinOptions.DivOptions, schema.DivOptionsT()),
    _Op.MAXIMUM: lambda: (schema.BuiltinOptions.MaximumMinimumOptions, schema.MaximumMinimumOptionsT()),
    _Op.MINIMUM: lambda: (schema.BuiltinOptions.MaximumMinimumOptions, schema.MaximumMinimumOptionsT()),
    _Op.LESS: lambda: (schema.BuiltinOptions.LessOptions, schema.LessOptionsT()),
    _Op.GREATER_EQUAL: lambda: (schema.BuiltinOptions.GreaterEqualOptions, schema.GreaterEqualOptionsT()),
}

"""The twin of a detector that ends before the post-processing: box codes and class logits.

It is cut out of the finished file, so that both run the same kernels on the same numbers, and what
the operation was set to, its anchors among it, goes into `raw_head.bin` (see `runtime.model.raw_head`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as tflite

from convert.contract.contract import INPUT_NAME, KEPT_METADATA, SIGNATURE
from convert.file import anatomy, flatbuffer_objects
from convert.file.metadata import RAW_TENSORS, with_metadata_of, with_raw_metadata
from runtime.common.errors import KitError
from runtime.common.values import Labels
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model, Operator
from train.geometry.normalization import Normalization


def twin(
    model: bytes,
    *,
    labels: Labels,
    version: str | None = None,
    score_threshold: float | None = None,
    normalization: Normalization = Normalization(),
    int8_input: bool = False,
) -> bytes:
    """`model`, a finished detector, without its post-processing, in the form of the contract.

    Both outputs are as the network leaves them: int8 in an int8 file. `normalization` is that of a float input; with
    `int8_input` a uint8 input becomes int8, whose values are the bytes less 128. Raises KitError where `model`
    has no post-processing, or one that `runtime.model.raw_head` has no words for.
    """
    read = Model.parse(model, "the file with post-processing")
    found = anatomy.postprocess(read)
    if found is None:
        raise KitError(f"{read.where} has no post-processing, so that nothing can be cut off")
    objects = flatbuffer_objects.unpack(model)
    if found.custom:
        makers = {tensor: step for step in read.main.operators for tensor in step.outputs}
        codes, scores = found.inputs
        outputs = (_before(makers, codes, "DEQUANTIZE"), _logits(objects, makers, scores))
        head = _custom_head(read, found, _values(read, makers, _operation(read, found).inputs[2]))
    else:
        outputs = found.inputs
        head = _head(found, anatomy.anchors(read, found))
    return described(
        _cut(objects, outputs),
        head,
        labels=labels,
        version=version,
        score_threshold=score_threshold,
        normalization=normalization,
        int8_input=int8_input,
    )


def described(
    model: bytes,
    head: RawHead,
    *,
    labels: Labels,
    version: str | None = None,
    score_threshold: float | None = None,
    normalization: Normalization = Normalization(),
    int8_input: bool = False,
) -> bytes:
    """`model`, whose outputs are box codes and class logits already, in the form of the contract; else as `twin`."""
    objects = flatbuffer_objects.unpack(model)
    if int8_input:
        _take_int8(objects)
    _name(objects)
    flatbuffer_objects.drop_unused(objects, KEPT_METADATA)
    return with_raw_metadata(
        flatbuffer_objects.pack(objects),
        head,
        labels=labels,
        version=version,
        score_threshold=score_threshold,
        normalization=normalization,
    )


def with_twins_metadata_of(source: bytes, model: bytes) -> bytes:
    """`model`, compiled from the twin `source`, with the metadata and the output names of `source`."""
    objects = flatbuffer_objects.unpack(model)
    _name(objects)
    return with_metadata_of(source, flatbuffer_objects.pack(objects))


def _head(found: anatomy.Postprocess, anchors: np.ndarray) -> RawHead:
    options = found.options
    return RawHead(
        anchors=anchors,
        classes=found.classes,
        first=0,
        detections=found.detections,
        score=options["nms_score_threshold"],
        iou=options["nms_iou_threshold"],
        scales=tuple(options.get(f"{name}_scale", 1.0) for name in "yxhw"),
        candidates=options["max_candidates"],
        bins=options.get("bins", 0),
    )


def _operation(model: Model, found: anatomy.Postprocess) -> Operator:
    return next(step for step in model.main.operators if step.custom_name == anatomy.OPERATION)


def _custom_head(model: Model, found: anatomy.Postprocess, anchors: np.ndarray) -> RawHead:
    options = found.options
    if options.get("use_regular_nms") or options.get("max_classes_per_detection", 1) != 1:
        raise KitError(
            f"{model.where} suppresses each class by itself or finds an anchor more than once, "
            "which a raw head has no description for"
        )
    y, x, h, w = (float(options[f"{name}_scale"]) for name in "yxhw")
    columns = model.main.tensors[found.inputs[1]].shape[-1]
    return RawHead(
        anchors=anchors.reshape(-1, 4).astype(np.float32),
        classes=found.classes,
        first=columns - found.classes,
        detections=found.detections,
        score=float(options["nms_score_threshold"]),
        iou=float(options["nms_iou_threshold"]),
        scales=(y, x, h, w),
    )


def _values(model: Model, makers: dict[int, Operator], index: int) -> np.ndarray:
    """The constant that tensor `index` holds, or that it is unpacked from."""
    index = _before(makers, index, "DEQUANTIZE")
    tensor = model.main.tensors[index]
    data = bytes(model.buffers[tensor.buffer])
    if not data:
        raise KitError(f"{model.where}: its anchors are computed")
    values: np.ndarray = np.frombuffer(data, tensor.type).astype(np.float32)
    if tensor.quantization:
        values = (values - tensor.quantization.zero_points.astype(np.float32)) * tensor.quantization.scales
    return values


def _before(makers: dict[int, Operator], index: int, name: str) -> int:
    """The tensor that an operation of that name makes `index` of; `index` itself where none does."""
    step = makers.get(index)
    return step.inputs[0] if step is not None and step.name == name else index


def _logits(objects: tflite.ModelT, makers: dict[int, Operator], scores: int) -> int:
    """The tensor that holds logits once the LOGISTIC on the way to `scores` is bypassed."""
    scores = _before(makers, scores, "DEQUANTIZE")
    chain = [scores]
    while makers.get(scores) is not None and makers[scores].name == "RESHAPE":
        scores = makers[scores].inputs[0]
        chain.append(scores)
    logits = _before(makers, scores, "LOGISTIC")
    if logits == scores:
        raise KitError("its class scores are not the sigmoid of anything, so that it has no logits to end with")
    graph = objects.subgraphs[0]
    for step in graph.operators:
        if step.outputs[0] in chain[:-1]:
            step.inputs = np.array([logits if index == scores else index for index in step.inputs], np.int32)
            graph.tensors[step.outputs[0]].quantization = graph.tensors[logits].quantization
    return logits if len(chain) == 1 else chain[0]


def _cut(objects: tflite.ModelT, outputs: Sequence[int]) -> bytes:
    graph = objects.subgraphs[0]
    makers = {int(tensor): step for step in graph.operators for tensor in step.outputs}
    needed, waiting = set(), list(outputs)
    while waiting:
        tensor = int(waiting.pop())
        if tensor >= 0 and tensor not in needed:
            needed.add(tensor)
            waiting += makers[tensor].inputs.tolist() if tensor in makers else ()
    graph.operators = [step for step in graph.operators if needed.intersection(step.outputs.tolist())]
    graph.outputs = np.array(outputs, np.int32)
    _drop_tensors(graph, needed)
    _drop_codes(objects)
    return flatbuffer_objects.pack(objects)


def _take_int8(objects: tflite.ModelT) -> None:
    """Lets the image in behind the step from uint8 to int8, which only takes 128 off."""
    graph = objects.subgraphs[0]
    steps = [step for step in graph.operators if graph.inputs[0] in step.inputs]
    tensors = [graph.tensors[index] for step in steps for index in (step.inputs[0], step.outputs[0])]
    if [tensor.type for tensor in tensors] != [tflite.TensorType.UINT8, tflite.TensorType.INT8]:
        raise KitError("its input is not uint8 that one operation makes int8 of, so that no int8 input can be made")
    (before, after) = (tensor.quantization for tensor in tensors)
    if before.scale[0] != after.scale[0] or before.zeroPoint[0] - after.zeroPoint[0] != 128:
        raise KitError("its first operation changes more than the type of the input, so that no int8 input can be made")
    graph.operators = [step for step in graph.operators if step is not steps[0]]
    graph.inputs = np.array([steps[0].outputs[0]], np.int32)
    kept = {int(index) for step in graph.operators for index in (*step.inputs, *step.outputs)}
    _drop_tensors(graph, kept)
    _drop_codes(objects)


def _drop_tensors(graph: tflite.SubGraphT, needed: set[int]) -> None:
    used = sorted(needed.union(graph.inputs.tolist()) - {-1})
    moved = {-1: -1, **{old: new for new, old in enumerate(used)}}
    graph.tensors = [graph.tensors[index] for index in used]
    for owner in (graph, *graph.operators):
        owner.inputs = np.array([moved[index] for index in owner.inputs], np.int32)
        owner.outputs = np.array([moved[index] for index in owner.outputs], np.int32)


def _drop_codes(objects: tflite.ModelT) -> None:
    # An interpreter looks for every operation that is listed, used or not.
    steps = objects.subgraphs[0].operators
    used = sorted({step.opcodeIndex for step in steps})
    objects.operatorCodes = [objects.operatorCodes[index] for index in used]
    for step in steps:
        step.opcodeIndex = used.index(step.opcodeIndex)


def _name(objects: tflite.ModelT) -> None:
    graph = objects.subgraphs[0]
    graph.tensors[graph.inputs[0]].name = INPUT_NAME
    for index, name in zip(graph.outputs, RAW_TENSORS):
        graph.tensors[index].name = name
        graph.tensors[index].shapeSignature = None
    objects.signatureDefs = [
        tflite.SignatureDefT(
            inputs=[tflite.TensorMapT(INPUT_NAME, int(graph.inputs[0]))],
            outputs=[tflite.TensorMapT(name, int(index)) for name, index in zip(RAW_TENSORS, graph.outputs)],
            signatureKey=SIGNATURE,
            subgraphIndex=0,
        )
    ]

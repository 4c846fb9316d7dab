"""Builds .tflite files of a few kilobytes with constant outputs, for tests of the runtime."""

from __future__ import annotations

import io
import zipfile
from typing import Dict, Mapping, Optional, Sequence, Tuple

import flatbuffers
import numpy as np
import pytest

BOXES = np.array([[[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [-0.2, 0.5, 0.4, 1.3]]], np.float32)
CLASSES = np.array([[1, 0, 2]], np.float32)
SCORES = np.array([[0.9, 0.75, 0.25]], np.float32)
COUNT = np.array([3], np.float32)

OUTPUTS = (("a", BOXES), ("b", CLASSES), ("c", SCORES), ("d", COUNT))

_TYPES = {"float32": 0, "uint8": 3, "int8": 9, "int32": 2, "int16": 7}


def build(
    outputs: Sequence[Tuple[str, np.ndarray]] = OUTPUTS,
    *,
    input_shape: Sequence[int] = (1, 8, 8, 3),
    input_signature: Optional[Sequence[int]] = None,
    input_type: str = "uint8",
    signature: Optional[Mapping[str, int]] = None,
    metadata: Optional[bytes] = None,
    files: Optional[Mapping[str, bytes]] = None,
    compiled: bool = False,
    quantization: Optional[Mapping[str, Tuple[float, int]]] = None,
) -> bytes:
    """The bytes of a .tflite with the given input, outputs and their constant values.

    `quantization` maps names of outputs to scale and zero point.

    `signature` maps names to positions in `outputs`; `files` are appended as zip entries. With `compiled` the file
    looks like one compiled for the Edge TPU.
    """
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    graph.tensors, graph.operators, graph.outputs = [], [], []

    def tensor(name: str, shape: Sequence[int], kind: str, data: Optional[bytes] = None) -> int:
        value = schema.TensorT()
        value.name, value.shape, value.type = name, list(shape), _TYPES[kind]
        if data is not None:
            value.buffer = len(model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            model.buffers.append(buffer)
        if quantization and name.partition("/")[0] in quantization and kind != "int32":
            scale, zero_point = quantization[name.partition("/")[0]]
            value.quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero_point])
        graph.tensors.append(value)
        return len(graph.tensors) - 1

    graph.inputs = [tensor("image", input_shape, input_type)]
    if input_signature:
        graph.tensors[0].shapeSignature = list(input_signature)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    model.operatorCodes = [code]
    for name, array in outputs:
        constant = tensor(f"{name}/constant", array.shape, str(array.dtype), array.tobytes())
        size = np.array(array.shape, np.int32)
        shape = tensor(f"{name}/shape", size.shape, "int32", size.tobytes())
        step = schema.OperatorT()
        step.opcodeIndex = 0
        step.inputs = [constant, shape]
        step.outputs = [tensor(name, array.shape, str(array.dtype))]
        graph.operators.append(step)
        graph.outputs.append(step.outputs[0])
    if compiled:
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = "edgetpu-custom-op"
        step = schema.OperatorT()
        step.opcodeIndex = 0
        step.inputs = [*graph.inputs, *(made.inputs[0] for made in graph.operators)]
        step.outputs = list(graph.outputs)
        graph.operators = [step]
    if signature:
        entry = schema.SignatureDefT()
        entry.signatureKey, entry.subgraphIndex = "serving_default", 0
        entry.inputs = [_map(schema, "image", 0)]
        entry.outputs = [_map(schema, name, graph.outputs[place]) for name, place in signature.items()]
        model.signatureDefs = [entry]
    if metadata is not None:
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(metadata, np.uint8)
        entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers)
        model.buffers.append(buffer)
        model.metadata = [entry]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    data = bytes(builder.Output())
    return data + zipped(files) if files else data


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive with uncompressed entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def metadata(
    *,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    outputs: Sequence[str] = (),
    label_files: Sequence[Tuple[str, str]] = (),
    threshold: Optional[float] = None,
    box_index: Sequence[int] = (),
    custom: Optional[Mapping[str, bytes]] = None,
) -> bytes:
    """TFLite Metadata, with `custom` entries of other formats by name.

    `mean` and `std` belong to the input; `box_index` to the first output, `label_files`, as (name, locale), to the
    second, and `threshold` to the third.
    """
    builder = flatbuffers.Builder(512)

    def table(fields: Dict[int, Tuple[str, object]]) -> int:
        builder.StartObject(max(fields, default=0) + 1)
        for number, (kind, value) in fields.items():
            if kind == "offset":
                builder.PrependUOffsetTRelativeSlot(number, value, 0)
            else:
                getattr(builder, f"Prepend{kind}Slot")(number, value, 0)
        return builder.EndObject()

    def offsets(values: Sequence[int]) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependUOffsetTRelative(value)
        return builder.EndVector()

    def vector(values: Sequence[float], dtype: str) -> int:
        return builder.CreateNumpyVector(np.array(values, dtype))

    image = {0: ("offset", builder.CreateString("image"))}
    if mean or std:
        options = table({0: ("offset", vector(mean, "f4")), 1: ("offset", vector(std, "f4"))})
        image[4] = ("offset", offsets([table({0: ("Uint8", 1), 1: ("offset", options)})]))
    inputs = offsets([table(image)])
    described = []
    for place, name in enumerate(outputs):
        fields = {0: ("offset", builder.CreateString(name))}
        if place == 0 and box_index:
            layout = table({0: ("offset", vector(box_index, "u4")), 1: ("Int8", 1)})
            fields[3] = ("offset", table({0: ("Uint8", 3), 1: ("offset", layout)}))
        if place == 1 and label_files:
            entries = []
            for file, locale in label_files:
                entry = {0: ("offset", builder.CreateString(file)), 2: ("Int8", 3)}
                if locale:
                    entry[3] = ("offset", builder.CreateString(locale))
                entries.append(table(entry))
            fields[6] = ("offset", offsets(entries))
        if place == 2 and threshold is not None:
            options = table({0: ("Float32", threshold)})
            fields[4] = ("offset", offsets([table({0: ("Uint8", 3), 1: ("offset", options)})]))
        described.append(table(fields))
    entries = []
    for name, content in (custom or {}).items():
        data = builder.CreateByteVector(content)
        entries.append(table({0: ("offset", builder.CreateString(name)), 1: ("offset", data)}))
    fields = {2: ("offset", inputs), 3: ("offset", offsets(described))}
    if entries:
        fields[9] = ("offset", offsets(entries))
    graph = table(fields)
    root = table({0: ("offset", builder.CreateString("Tiny")), 3: ("offset", offsets([graph]))})
    builder.Finish(root, b"M001")
    return bytes(builder.Output())


def _map(schema, name: str, tensor: int):
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry

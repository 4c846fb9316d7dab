"""One .tflite for every consumer: `finish` makes a converted file so, `check` says where one is not."""

from __future__ import annotations

from typing import Optional

import numpy as np
from ai_edge_litert import schema_py_generated as tflite

from convert.contract import raw_rules, rules
from convert.contract.violation import Violation
from convert.file import anatomy, flatbuffer_objects, kinds
from convert.file.metadata import ModelInfo, with_metadata
from runtime.common.errors import KitError
from runtime.common.values import Labels
from runtime.model.metadata import ENTRY
from runtime.model.tflite import Model

__all__ = ["Violation", "arranged", "check", "finish", "violations"]

INPUT_NAME = "images"
SIGNATURE = "serving_default"

# Metadata of the converter that tools on devices read; the rest only says how the file was made,
# which the manifest says better.
KEPT_METADATA = (ENTRY, "min_runtime_version")


def finish(model: bytes, *, labels: Labels, info: ModelInfo = ModelInfo()) -> bytes:
    """`model` as the converter returned it, in the form of the contract.

    That is `arranged`, and metadata with `labels` inside. The same arguments give the same bytes.
    Raises KitError as `arranged` does.
    """
    return with_metadata(arranged(model, classes=len(labels)), labels=labels, info=info)


def arranged(model: bytes, *, classes: int) -> bytes:
    """`model` with order, names and shapes of the outputs, signature and input as the contract says.

    Buffers that nothing uses and files behind the FlatBuffer are left out. What the file computes
    stays the same. Raises KitError where `model` has no post-processing, more than
    one graph or input, an input that is not [1, H, W, 3], or tells another number of classes apart.
    """
    found = _editable(Model.parse(model, "the converted file"), classes)
    objects = flatbuffer_objects.unpack(model)
    graph = objects.subgraphs[0]
    _name_input(graph)
    _name_outputs(graph, found)
    objects.signatureDefs = [_signature(int(graph.inputs[0]), found)]
    flatbuffer_objects.drop_unused(objects, KEPT_METADATA)
    return flatbuffer_objects.pack(objects)


def check(
    model: bytes, *, where: str = "model", expect: Optional[str] = None
) -> tuple[Violation, ...]:
    """Every line of the contract that `model` breaks, in the order of the contract; empty if none.

    `expect` is the name of a kind (see `convert.file.kinds`), or for a twin without post-processing such a
    name and "_raw"; without it a file is held to what the contract says of the kind that its input and its
    layers look like, as a twin where its metadata says that it is one. Raises InputError where `model` is not
    a whole .tflite.
    """
    return violations(Model.parse(model, where), expect)


def violations(model: Model, expect: Optional[str] = None) -> tuple[Violation, ...]:
    """As `check`, for a file that is read already."""
    kind, twin = kinds.named(expect) if expect else kind_of(model)
    return raw_rules.violations(model, kind) if twin else rules.violations(model, kind)


def kind_of(model: Model) -> tuple[kinds.Kind, bool]:
    """The kind that `model` looks like, and whether its metadata says that it ends before its post-processing."""
    twin = raw_rules.is_twin(model)
    return kinds.of(model, twin), twin


def _editable(read: Model, classes: int) -> anatomy.Postprocess:
    found = anatomy.postprocess(read)
    if found is None or len(found.outputs) != 4:
        raise KitError(
            f"{read.where} has no post-processing with four outputs, neither {anatomy.OPERATION} nor that of "
            "convert.file.builtin_postprocessing; build it with one of them, the first with allow_custom_ops"
        )
    if len(read.subgraphs) != 1 or len(read.main.inputs) != 1:
        raise KitError(
            f"{read.where} has {len(read.subgraphs)} graphs and {len(read.main.inputs)} inputs; "
            "a detector has one of each"
        )
    if found.classes != classes:
        raise KitError(
            f"{read.where} tells {found.classes} classes apart, but there are {classes} labels"
        )
    shape = read.main.tensors[read.main.inputs[0]].shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
        raise KitError(f"the input of {read.where} is {list(shape)}, not [1, H, W, 3]")
    return found


def _name_input(graph: tflite.SubGraphT) -> None:
    tensor = graph.tensors[graph.inputs[0]]
    tensor.name = INPUT_NAME
    tensor.shapeSignature = None


def _name_outputs(graph: tflite.SubGraphT, found: anatomy.Postprocess) -> None:
    shapes = rules.output_shapes(found.detections)
    for index, name, shape in zip(found.outputs, rules.OUTPUT_NAMES, shapes):
        tensor = graph.tensors[index]
        tensor.name = name
        tensor.shape = np.array(shape, np.int32)
        tensor.shapeSignature = None
    graph.outputs = np.array(found.outputs, np.int32)


def _signature(image: int, found: anatomy.Postprocess) -> tflite.SignatureDefT:
    outputs = rules.signature_outputs(found)
    return tflite.SignatureDefT(
        inputs=[tflite.TensorMapT(INPUT_NAME, image)],
        outputs=[tflite.TensorMapT(name, index) for name, index in outputs.items()],
        signatureKey=SIGNATURE,
        subgraphIndex=0,
    )

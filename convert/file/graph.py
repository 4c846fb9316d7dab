"""Writes the folded detector as a .tflite."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from convert.file import flatbuffer_objects
from convert.file.builtin_postprocessing import with_postprocessing
from convert.file.postprocessing import Postprocessing
from convert.file.postprocessing_op import detection_postprocess
from runtime.common.errors import KitError
from runtime.common.opencv import silence_native_output
from train.models.anchors import anchors
from train.models.box_coder import SCALES
from train.models.folding import Graph
from train.quantization import fake_quantization
from train.quantization.quantization import SCORE_RANGE, Range


def detector(graph: Graph, postprocessing: Postprocessing, ranges: Mapping[str, Range] | None = None) -> bytes:
    """The detector with its post-processing: float16 weights, or int8 throughout where `ranges` are given."""
    if postprocessing.custom:
        return _with_custom_operation(graph, postprocessing, ranges)
    return with_postprocessing(
        raw_detector(graph, ranges), anchors=anchors(graph.size), scales=SCALES, options=postprocessing
    )


def raw_detector(graph: Graph, ranges: Mapping[str, Range] | None = None) -> bytes:
    """The detector up to box codes [1, A, 4] and class logits [1, A, C]: float32, or int8 where `ranges` are given."""
    model = _convert(lambda image: _raw_outputs(graph, image, ranges), graph.size, ranges is not None, raw=True)
    # The converter has an order of its own; only the signature still says which output is which.
    objects = flatbuffer_objects.unpack(model)
    (signature,) = objects.signatureDefs
    named = {flatbuffer_objects.text(entry.name): entry.tensorIndex for entry in signature.outputs}
    objects.subgraphs[0].outputs = np.array([named["output_0"], named["output_1"]], np.int32)
    return flatbuffer_objects.pack(objects)


def _with_custom_operation(graph: Graph, postprocessing: Postprocessing, ranges: Mapping[str, Range] | None) -> bytes:
    def build(image: tf.Tensor) -> tuple[tf.Tensor, ...]:
        codes, logits = _raw_outputs(graph, image, ranges)
        scores = tf.sigmoid(logits)
        return detection_postprocess(
            codes,
            scores if ranges is None else fake_quantization.activation(scores, SCORE_RANGE),
            anchors(graph.size),
            num_classes=graph.columns,
            max_detections=postprocessing.detections,
            score_threshold=postprocessing.score,
            iou_threshold=postprocessing.iou,
            scales=SCALES,
        )

    model = _convert(build, graph.size, ranges is not None)
    return model if ranges is not None else _with_whole_anchors(model, anchors(graph.size))


def _raw_outputs(
    graph: Graph, image: tf.Tensor, ranges: Mapping[str, Range] | None
) -> tuple[tf.Tensor, tf.Tensor]:
    if ranges is None:
        codes, logits = graph.run(image)
    else:
        mark = fake_quantization.hook(graph, lambda tensor, owner: fake_quantization.activation(tensor, ranges[owner]))
        codes, logits = graph.run(image, mark)
    return tf.concat(codes, axis=1), tf.concat(logits, axis=1)


def _convert(
    build: Callable[[tf.Tensor], tuple[tf.Tensor, ...]], size: int, int8: bool, raw: bool = False
) -> bytes:
    owner = tf.Module()
    # Autograph has nothing to translate here, and renames the composite's arguments.
    owner.build = tf.function(
        build, input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32, "images")], autograph=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([owner.build.get_concrete_function()], owner)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.allow_custom_ops = True
    if int8:
        # Every tensor is marked, so that nothing is left to calibrate, and TFLITE_BUILTINS_INT8, which
        # asks for images to do it, is not named; the gate checks that each operation is int8.
        converter.inference_input_type = tf.uint8
        if raw:
            converter.inference_output_type = tf.int8
    else:
        converter.target_spec.supported_types = [tf.float16]
    try:
        # The converter's notes on its own passes come from native code, past every log level.
        with silence_native_output():
            model: bytes = converter.convert()
            return model
    except Exception as error:  # The converter raises whatever its passes raise; none of it is the user's fault.
        raise KitError(f"TensorFlow's converter failed: {str(error).strip().splitlines()[0]}") from error


def _with_whole_anchors(model: bytes, table: np.ndarray) -> bytes:
    """`model` with its anchors as they are: rounded to float16 like weights, boxes move by up to 0.3 pixels."""
    objects = flatbuffer_objects.unpack(model)
    graph = objects.subgraphs[0]
    (operation,) = (step for step in graph.operators if step.customOptions is not None)
    index = int(operation.inputs[2])
    graph.operators = [step for step in graph.operators if index not in step.outputs]
    graph.tensors[index].buffer = len(objects.buffers)
    objects.buffers.append(schema.BufferT(data=np.frombuffer(table.astype("<f4").tobytes(), np.uint8)))
    return flatbuffer_objects.pack(objects)

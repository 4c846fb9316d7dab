"""Writes the folded detector as a .tflite of any kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from convert.file import flatbuffer_objects, kinds
from convert.file.builtin_postprocessing import with_postprocessing
from convert.file.kinds import Kind
from convert.file.postprocessing import Postprocessing
from convert.file.postprocessing_op import detection_postprocess
from runtime.common.errors import KitError
from runtime.common.opencv import silence_native_output
from runtime.inference import preprocessing
from train.geometry.normalization import Normalization
from train.geometry.size import InputSize
from train.graph.graph import Graph
from train.quantization import fake_quantization
from train.quantization.quantization import SCORE_RANGE, Range
from train.targets import distribution


@dataclass(frozen=True, eq=False)
class Form:
    """How the network is stored and fed.

    `ranges` has one for each tensor where `kind` is int8, else None. `images`, uint8 [M, height, width, 3] in RGB, are
    those to calibrate int16x8 on. `normalization` is that of a float input, `batch` the number of images it takes.
    """

    kind: Kind
    ranges: Mapping[str, Range] | None = None
    images: npt.NDArray[np.uint8] | None = None
    normalization: Normalization = Normalization()
    batch: int = 1


def detector(graph: Graph, postprocessing: Postprocessing, form: Form) -> bytes:
    """The detector with its post-processing, for one image."""
    if postprocessing.custom:
        return _with_custom_operation(graph, postprocessing, form)
    head = graph.head
    return with_postprocessing(
        raw_detector(graph, form), anchors=head.anchors, scales=head.scales, bins=head.bins, options=postprocessing
    )


def raw_detector(graph: Graph, form: Form) -> bytes:
    """The detector up to box codes [N, A, 4] and class logits [N, A, C]: int8 where `form` is, else float32."""
    graph = _with_distinct_biases(graph) if form.kind == kinds.INT16X8 else graph
    model = _convert(lambda image: _raw_outputs(graph, image, form), graph.size, form, raw=True)
    # The converter has an order of its own; only the signature still says which output is which.
    objects = flatbuffer_objects.unpack(model)
    (signature,) = objects.signatureDefs
    named = {flatbuffer_objects.text(entry.name): entry.tensorIndex for entry in signature.outputs}
    objects.subgraphs[0].outputs = np.array([named["output_0"], named["output_1"]], np.int32)
    return flatbuffer_objects.pack(objects)


def _with_custom_operation(graph: Graph, postprocessing: Postprocessing, form: Form) -> bytes:
    def build(image: tf.Tensor) -> tuple[tf.Tensor, ...]:
        codes, logits = _raw_outputs(graph, image, form)
        scores = tf.sigmoid(logits)
        if graph.head.bins:
            codes = distribution.codes(codes, graph.head.bins)
        return detection_postprocess(
            codes,
            scores if form.ranges is None else fake_quantization.activation(scores, SCORE_RANGE),
            graph.head.anchors,
            num_classes=graph.columns,
            max_detections=postprocessing.detections,
            score_threshold=postprocessing.score,
            iou_threshold=postprocessing.iou,
            scales=graph.head.scales,
        )

    model = _convert(build, graph.size, form)
    return _with_whole_anchors(model, graph.head.anchors) if form.kind == kinds.FP16 else model


def _raw_outputs(graph: Graph, image: tf.Tensor, form: Form) -> tuple[tf.Tensor, tf.Tensor]:
    if not form.normalization.usual:
        # Not folded into the first kernel, which is exact inside of the image, but not at its edge: there the network
        # was trained to see 0, which is the mean of the bytes that it takes, not that of the file's.
        image = image * form.normalization.scale + form.normalization.offset
    if form.ranges is None:
        codes, logits = graph.run(image)
    else:
        ranges = form.ranges
        mark = fake_quantization.hook(graph, lambda tensor, owner: fake_quantization.activation(tensor, ranges[owner]))
        codes, logits = graph.run(image, mark)
    return tf.concat(codes, axis=1), tf.concat(logits, axis=1)


def _convert(build: Callable[[tf.Tensor], tuple[tf.Tensor, ...]], size: InputSize, form: Form, raw: bool = False) -> bytes:
    owner = tf.Module()
    # Autograph has nothing to translate here, and renames the composite's arguments.
    owner.build = tf.function(
        build, input_signature=[tf.TensorSpec([form.batch, *size, 3], tf.float32, "images")], autograph=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([owner.build.get_concrete_function()], owner)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.allow_custom_ops = True
    if form.kind.int8:
        # Every tensor is marked, so that nothing is left to calibrate, and TFLITE_BUILTINS_INT8, which
        # asks for images to do it, is not named; the gate checks that each operation is int8.
        converter.inference_input_type = tf.uint8
        if raw:
            converter.inference_output_type = tf.int8
    elif form.kind == kinds.FP16:
        converter.target_spec.supported_types = [tf.float16]
    elif form.kind == kinds.INT16X8:
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        converter.representative_dataset = lambda: _fed(form)
    # Without any of these, DEFAULT stores the weights as int8 and leaves the rest: dynamic range.
    try:
        # The converter's notes on its own passes come from native code, past every log level.
        with silence_native_output():
            model: bytes = converter.convert()
            return model
    except Exception as error:  # The converter raises whatever its passes raise; none of it is the user's fault.
        raise KitError(f"TensorFlow's converter failed: {str(error).strip().splitlines()[0]}") from error


def _with_distinct_biases(graph: Graph) -> Graph:
    """`graph` with no two biases that are the same: the heads of all levels share theirs.

    The converter of TensorFlow 2.20 merges equal constants before it quantizes for int16x8. A stored bias has the scale
    of its layer's input, of which the merged one is given one: on drawn shapes AP fell from 0.63 to 0.09. The last
    bit of a float32 tells them apart.
    """
    seen: Counter[bytes] = Counter()
    changed = {}
    for node in graph.nodes:
        if node.bias is None:
            continue
        bias = np.asarray(node.bias, np.float32)
        key = bias.tobytes()
        for _ in range(seen[key]):
            bias = np.nextafter(bias, np.float32(np.inf))
        seen[key] += 1
        changed[node.name] = replace(node, bias=bias)
    return graph.with_nodes(changed)


def _fed(form: Form) -> Iterator[list[npt.NDArray[np.float32]]]:
    """The images to calibrate on, as the file takes them."""
    assert form.images is not None
    for image in form.images:
        fed = preprocessing.normalize(image, form.normalization.mean, form.normalization.std)
        yield [np.repeat(fed[None], form.batch, axis=0)]


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

"""The rules of the Edge TPU, held against the vendor's table, and tried on files of the converter."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from convert.edgetpu import rules
from convert.edgetpu.prediction import as_dict, as_text, predict
from runtime.model.tflite import Model
from tests.support.operation_graph import INT8, INT32, Graph

# The vendor's table of supported operations, in its words: operation, runtimes, known limitations
# (https://coral.ai/docs/edgetpu/models-intro#supported-operations, compiler 16 and runtime 14; without runtimes also
# https://developer.axis.com/computer-vision/on-device/system-on-chip/artpec-7/supported-ops/). Transpose:
# https://github.com/google-coral/edgetpu/issues/193.
PUBLISHED = """
Add | All |
AveragePool2d | All | No fused activation function.
Concatenation | All | No fused activation function. If any input is a compile-time constant tensor, there must be only 2 inputs, and this constant tensor must be all zeros (effectively, a zero-padding op).
Conv2d | All | Must use the same dilation in x and y dimensions.
DepthwiseConv2d | <=12 | Dilated conv kernels are not supported.
DepthwiseConv2d | >=13 | Must use the same dilation in x and y dimensions.
ExpandDims | >=13 |
FullyConnected | All | Only the default format is supported for fully-connected weights. Output tensor is one-dimensional.
L2Normalization | All |
Logistic | All |
LSTM | >=14 | Unidirectional LSTM only.
Maximum | All |
MaxPool2d | All | No fused activation function.
Mean | <=12 | No reduction in batch dimension. Supports reduction along x- and/or y-dimensions only.
Mean | >=13 | No reduction in batch dimension. If a z-reduction, the z-dimension must be multiple of 4.
Minimum | All |
Mul | All |
Pack | >=13 | No packing in batch dimension.
Pad | <=12 | No padding in batch dimension. Supports padding along x- and/or y-dimensions only.
Pad | >=13 | No padding in batch dimension.
PReLU | >=13 | Alpha must be 1-dimensional (only the innermost dimension can be >1 size). If using Keras PReLU with 4D input (batch, height, width, channels), then shared_axes must be [1,2] so each filter has only one set of parameters.
Quantize | >=13 |
ReduceMax | >=14 | Cannot operate on the batch dimension.
ReduceMin | >=14 | Cannot operate on the batch dimension.
ReLU | All |
ReLU6 | All |
ReLUN1To1 | All |
Reshape | All | Certain reshapes might not be mapped for large tensor sizes.
ResizeBilinear | All | Input/output is a 3-dimensional tensor. Depending on input/output size, this operation might not be mapped to the Edge TPU to avoid loss in precision.
ResizeNearestNeighbor | All | Input/output is a 3-dimensional tensor. Depending on input/output size, this operation might not be mapped to the Edge TPU to avoid loss in precision.
Rsqrt | >=14 |
Slice | All |
Softmax | All | Supports only 1-D input tensor with a max of 16,000 elements.
SpaceToDepth | All |
Split | All | No splitting in batch dimension.
Squared-difference | >=14 |
Squeeze | <=12 | Supported only when input tensor dimensions that have leading 1s (that is, no relayout needed). For example input tensor with [y][x][z] = 1,1,10 or 1,5,10 is ok. But [y][x][z] = 5,1,10 is not supported.
Squeeze | >=13 | None.
StridedSlice | All | Supported only when all strides are equal to 1 (that is, effectively a Stride op), and with ellipsis-axis-mask == 0, and new-axis-max == 0.
Sub | All |
Sum | >=13 | Cannot operate on the batch dimension.
Tanh | All |
Transpose | >=14 |
TransposeConv | >=13 |
"""

IMAGE = (1, 8, 8, 4)
# What the table leaves open of a size is tried with these.
ALL, NEVER = rules.OLDEST, 0


def published() -> dict[str, int]:
    """The first runtime that has an operation in any form, by its name in the schema."""
    special = {
        "lstm": ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
        "split": ("SPLIT", "SPLIT_V"),
        "depthwiseconv2d": ("DEPTHWISE_CONV_2D",),
    }
    known = {code.replace("_", "").lower(): code for code in vars(schema.BuiltinOperator) if not code.startswith("_")}
    first: dict[str, int] = {}
    for line in PUBLISHED.strip().splitlines():
        name, runtimes, _ = (part.strip() for part in line.split("|"))
        plain = name.replace("-", "").lower()
        since = int(runtimes.removeprefix(">=")) if runtimes.startswith(">=") else ALL
        for code in special.get(plain, (known.get(plain),)):
            first[code] = min(since, first.get(code, since))
    return first


def one(name, shape, out_shape, constants=lambda graph: (), options=None, version=1):
    """The prediction for one operation with one changing input."""
    graph = Graph()
    source = graph.tensor(shape)
    constant = constants(graph)
    # A split has its axis before its input.
    inputs = [*constant, source] if name == "SPLIT" else [source, *constant]
    made = graph.tensor(out_shape)
    graph.add(name, inputs, made, options, version)
    return predict(graph.model([source], [made]))


def weights(*shape):
    return lambda graph: (graph.weights(*shape),)


def zeros(*shape):
    return lambda graph: (graph.tensor(shape, INT8, np.zeros(shape, np.int8)),)


def ints(*values):
    return lambda graph: (graph.ints(*values),)


def axis(value):
    return lambda graph: (graph.tensor((), INT32, np.array(value, np.int32)),)


def ranges(*vectors):
    return lambda graph: tuple(graph.ints(*vector) for vector in vectors)


def padding(*each):
    values = np.array([[side, side] for side in each], np.int32)
    return lambda graph: (graph.tensor(values.shape, INT32, values),)


def none(graph):
    return ()


CONV, DEPTHWISE, POOL = schema.Conv2DOptionsT, schema.DepthwiseConv2DOptionsT, schema.Pool2DOptionsT
REDUCED = schema.ReducerOptionsT
STRIDED, RESIZE = schema.StridedSliceOptionsT, schema.ResizeNearestNeighborOptionsT
WHOLE = ((0, 0, 0, 0), (1, 4, 8, 4), (1, 1, 1, 1))

# What follows from the table: an operation, and the runtime that runs it, `NEVER` for none, with a part of the reason.
CASES = {
    "relu6": (("RELU6", IMAGE, IMAGE), ALL, ""),
    "leading ones": (("RELU6", (1, 1, 1, 8, 8, 4), (1, 1, 1, 8, 8, 4)), ALL, ""),
    "rank 5": (("RELU6", (1, 2, 8, 8, 4), (1, 2, 8, 8, 4)), NEVER, "rank 5"),
    "batch of 2": (("RELU6", (2, 8, 8, 4), (2, 8, 8, 4)), NEVER, "rank 4"),
    "not in the table": (("TOPK_V2", IMAGE, IMAGE), NEVER, "not among the operations"),
    "hard swish": (("HARD_SWISH", IMAGE, IMAGE), NEVER, "not among the operations"),
    "leaky relu": (("LEAKY_RELU", IMAGE, IMAGE), NEVER, "not among the operations"),
    "conv": (("CONV_2D", IMAGE, IMAGE, weights(4, 3, 3, 4), CONV()), ALL, ""),
    "conv without weights": (("CONV_2D", IMAGE, IMAGE, lambda graph: (0,), CONV()), NEVER, "not constant"),
    "conv dilated": (
        ("CONV_2D", IMAGE, IMAGE, weights(4, 3, 3, 4), CONV(dilationHFactor=2, dilationWFactor=2)), ALL, "",
    ),
    "conv dilated in x": (
        ("CONV_2D", IMAGE, IMAGE, weights(4, 3, 3, 4), CONV(dilationWFactor=2)), NEVER, "dilation is 1 x 2",
    ),
    "depthwise": (("DEPTHWISE_CONV_2D", IMAGE, IMAGE, weights(1, 3, 3, 4), DEPTHWISE()), ALL, ""),
    "depthwise dilated": (
        ("DEPTHWISE_CONV_2D", IMAGE, IMAGE, weights(1, 3, 3, 4), DEPTHWISE(dilationHFactor=2, dilationWFactor=2)),
        13, "",
    ),
    "depthwise dilated in y": (
        ("DEPTHWISE_CONV_2D", IMAGE, IMAGE, weights(1, 3, 3, 4), DEPTHWISE(dilationHFactor=2)),
        NEVER, "dilation is 2 x 1",
    ),
    "pool": (("MAX_POOL_2D", IMAGE, (1, 4, 4, 4), none, POOL()), ALL, ""),
    "average pool with relu": (
        ("AVERAGE_POOL_2D", IMAGE, (1, 4, 4, 4), none, POOL(fusedActivationFunction=1)), NEVER, "fused activation",
    ),
    "pool with relu": (
        ("MAX_POOL_2D", IMAGE, (1, 4, 4, 4), none, POOL(fusedActivationFunction=1)), NEVER, "fused activation",
    ),
    "concatenation with zeros": (
        ("CONCATENATION", IMAGE, (1, 8, 8, 8), zeros(*IMAGE), schema.ConcatenationOptionsT(axis=3)), ALL, "",
    ),
    "concatenation with ones": (
        ("CONCATENATION", IMAGE, (1, 8, 8, 8), weights(*IMAGE), schema.ConcatenationOptionsT(axis=3)),
        NEVER, "constant",
    ),
    "fully connected": (
        ("FULLY_CONNECTED", (1, 8), (1, 16), weights(16, 8), schema.FullyConnectedOptionsT()), ALL, "",
    ),
    "fully connected in rows": (
        ("FULLY_CONNECTED", (1, 4, 8), (1, 4, 16), weights(16, 8), schema.FullyConnectedOptionsT()),
        NEVER, "one-dimensional",
    ),
    "fully connected, shuffled": (
        ("FULLY_CONNECTED", (1, 8), (1, 16), weights(16, 8), schema.FullyConnectedOptionsT(weightsFormat=1)),
        NEVER, "shuffled",
    ),
    "pack along the last": (
        ("PACK", (1, 8, 4), (1, 8, 4, 1), none, schema.PackOptionsT(valuesCount=1, axis=3)), 13, "",
    ),
    "pack along the last, from the end": (
        ("PACK", (1, 8, 4), (1, 8, 4, 1), none, schema.PackOptionsT(valuesCount=1, axis=-1)), 13, "",
    ),
    "pack along the batch": (
        ("PACK", (1, 8, 4), (1, 1, 8, 4), none, schema.PackOptionsT(valuesCount=1, axis=0)), NEVER, "batch",
    ),
    "pack along the batch, from the end": (
        ("PACK", (1, 8, 4), (1, 1, 8, 4), none, schema.PackOptionsT(valuesCount=1, axis=-4)), NEVER, "batch",
    ),
    "prelu": (("PRELU", IMAGE, IMAGE, weights(1, 1, 4)), 13, ""),
    "prelu with slopes of each place": (("PRELU", IMAGE, IMAGE, weights(8, 8, 4)), NEVER, "slopes"),
    "resize": (("RESIZE_NEAREST_NEIGHBOR", IMAGE, (1, 16, 16, 4), ints(16, 16), RESIZE(), 2), ALL, ""),
    "resize with half-pixel centers": (
        ("RESIZE_NEAREST_NEIGHBOR", IMAGE, (1, 16, 16, 4), ints(16, 16), RESIZE(halfPixelCenters=True), 3),
        NEVER, "half-pixel",
    ),
    "mean of x and y": (("MEAN", IMAGE, (1, 4), ints(1, 2), REDUCED()), ALL, ""),
    "mean of z": (("MEAN", IMAGE, (1, 8, 8), ints(3), REDUCED()), 13, ""),
    "mean of z, from the end": (("MEAN", IMAGE, (1, 8, 8), ints(-1), REDUCED()), 13, ""),
    "mean of all": (("MEAN", IMAGE, (1,), ints(1, 2, 3), REDUCED()), 13, ""),
    "mean of z, 6 channels": (("MEAN", (1, 8, 8, 6), (1, 8, 8), ints(3), REDUCED()), NEVER, "multiple of 4"),
    "mean of x, 6 channels": (("MEAN", (1, 8, 8, 6), (1, 8, 6), ints(2), REDUCED()), ALL, ""),
    "mean of the batch": (("MEAN", IMAGE, (8, 8, 4), ints(0), REDUCED()), NEVER, "batch"),
    "sum of z": (("SUM", IMAGE, (1, 8, 8), ints(3), REDUCED()), 13, ""),
    "sum of the batch": (("SUM", IMAGE, (8, 8, 4), ints(0), REDUCED()), NEVER, "batch"),
    "maximum of z": (("REDUCE_MAX", IMAGE, (1, 8, 8), ints(3), REDUCED()), 14, ""),
    "minimum of the batch": (("REDUCE_MIN", IMAGE, (8, 8, 4), ints(-4), REDUCED()), NEVER, "batch"),
    "pad": (("PAD", IMAGE, (1, 10, 10, 4), padding(0, 1, 1, 0)), ALL, ""),
    "pad z": (("PAD", IMAGE, (1, 8, 8, 6), padding(0, 0, 0, 1)), 13, ""),
    "pad the batch": (("PAD", IMAGE, (3, 8, 8, 4), padding(1, 0, 0, 0)), NEVER, "rank"),
    "softmax": (("SOFTMAX", (1, 16000), (1, 16000), none, schema.SoftmaxOptionsT()), ALL, ""),
    "softmax of rows": (("SOFTMAX", (1, 9, 9), (1, 9, 9), none, schema.SoftmaxOptionsT()), NEVER, "1-D"),
    "softmax too long": (("SOFTMAX", (1, 16001), (1, 16001), none, schema.SoftmaxOptionsT()), NEVER, "1-D"),
    "squeeze 1,1,10": (("SQUEEZE", (1, 1, 1, 10), (1, 10)), ALL, ""),
    "squeeze 1,5,10": (("SQUEEZE", (1, 1, 5, 10), (1, 5, 10)), ALL, ""),
    "squeeze 5,1,10": (("SQUEEZE", (1, 5, 1, 10), (1, 5, 10)), 13, ""),
    "split": (("SPLIT", IMAGE, (1, 8, 8, 2), axis(3), schema.SplitOptionsT(numSplits=2)), ALL, ""),
    "split the batch": (("SPLIT", IMAGE, IMAGE, axis(-4), schema.SplitOptionsT(numSplits=1)), NEVER, "batch"),
    "strides": (
        ("STRIDED_SLICE", IMAGE, (1, 4, 8, 4), ranges((0, 0, 0, 0), (1, 8, 8, 4), (1, 2, 1, 1)), STRIDED()),
        NEVER, "strides",
    ),
    "strided slice": (("STRIDED_SLICE", IMAGE, (1, 4, 8, 4), ranges(*WHOLE), STRIDED()), ALL, ""),
    "strided slice with ellipsis": (
        ("STRIDED_SLICE", IMAGE, (1, 4, 8, 4), ranges(*WHOLE), STRIDED(ellipsisMask=2)), NEVER, "ellipsis",
    ),
    "strided slice with a new axis": (
        ("STRIDED_SLICE", IMAGE, (1, 4, 8, 4), ranges(*WHOLE), STRIDED(newAxisMask=1)), NEVER, "new axis",
    ),
    # Parameters have to be constant, whatever the operation.
    "slice with computed bounds": (("SLICE", IMAGE, (1, 4, 8, 4), lambda graph: (0, 0)), NEVER, "not constant"),
    "slice": (("SLICE", IMAGE, (1, 4, 8, 4), ranges((0, 0, 0, 0), (-1, 4, 8, 4))), ALL, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_limit(name):
    arguments, runtime, reason = CASES[name]
    prediction = one(*arguments)
    (operation,) = prediction.operations
    assert operation.mapped == (runtime != NEVER)
    assert operation.runtime == runtime
    assert reason in (operation.fault.reason if operation.fault else "")


def test_the_operations_and_their_runtimes_are_those_of_the_table():
    """Every operation of the schema, plain: what the table does not name is refused."""
    # Of these, the plain form needs more than an input.
    plain = {
        "CONV_2D": CASES["conv"], "DEPTHWISE_CONV_2D": CASES["depthwise"], "MEAN": CASES["mean of x and y"],
        "FULLY_CONNECTED": CASES["fully connected"], "PACK": CASES["pack along the last"], "PAD": CASES["pad"],
        "PRELU": CASES["prelu"], "SLICE": CASES["slice"], "SOFTMAX": CASES["softmax"], "SPLIT": CASES["split"],
        "STRIDED_SLICE": CASES["strided slice"], "SUM": CASES["sum of z"],
        "REDUCE_MAX": (("REDUCE_MAX", IMAGE, (1, 8, 8), ints(3)),), "SQUEEZE": CASES["squeeze 1,1,10"],
        "REDUCE_MIN": (("REDUCE_MIN", IMAGE, (1, 8, 8), ints(3)),),
        "SPLIT_V": (("SPLIT_V", IMAGE, (1, 8, 8, 2), lambda g: (g.ints(2, 2), *axis(3)(g))),),
    }  # fmt: skip
    codes = [code for code in vars(schema.BuiltinOperator) if not code.startswith("_")]
    found = {}
    for code in codes:
        if code in ("CUSTOM", "DELEGATE"):
            continue
        arguments = plain[code][0] if code in plain else (code, IMAGE, IMAGE)
        (operation,) = one(*arguments).operations
        if operation.mapped:
            found[code] = operation.runtime
    assert found == published()


@pytest.fixture(scope="module")
def converted() -> Model:
    """A file of the converter with operations on both sides of limits, all of them on the input."""

    class Branches(tf.Module):
        def __init__(self):
            draw = np.random.default_rng(0)
            shapes = ((3, 3, 8, 1), (1, 1, 8), (16, 16, 8))
            self.kernel, self.shared, self.each = (
                tf.constant(draw.uniform(0.1, 0.9, shape), tf.float32) for shape in shapes
            )

        @tf.function(input_signature=[tf.TensorSpec([1, 16, 16, 8])])
        def __call__(self, x):
            return {
                "plain": tf.nn.depthwise_conv2d(x, self.kernel, [1, 1, 1, 1], "VALID"),
                "shared": prelu(x, self.shared),
                # Of one tensor, the two would share operations, and neither would be recognized.
                "each": prelu(tf.tanh(x), self.each),
                "dilated": tf.nn.depthwise_conv2d(x, self.kernel, [1, 1, 1, 1], "VALID", dilations=[2, 2]),
                "mean_xy": tf.reduce_mean(x, [1, 2]),
                "mean_z": tf.reduce_mean(x, 3),
                "mean_z_of_6": tf.reduce_mean(x[..., :6], 3),
                "maximum": tf.reduce_max(x, [1, 2]),
                "transposed": tf.transpose(x, [0, 2, 1, 3]),
                "padded": tf.pad(x, [[0, 0], [0, 0], [0, 0], [0, 2]]),
                "softmax": tf.nn.softmax(x),
            }

    module = Branches()
    draw = np.random.default_rng(1)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([draw.normal(size=(1, 16, 16, 8)).astype(np.float32)] for _ in range(2))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return Model.parse(converter.convert())


def prelu(x, slopes):
    """As Keras writes it, from which the converter makes one operation."""
    return tf.nn.relu(x) + -slopes * tf.nn.relu(-x)


def test_files_of_the_converter(converted):
    """The same limits on operations as the converter writes them, with its options, axes and versions."""
    operations = predict(converted).operations
    found = {(op.name, op.runtime, op.fault.reason if op.fault else "") for op in operations}
    expected = [
        ("DEPTHWISE_CONV_2D", ALL, ""),
        ("DEPTHWISE_CONV_2D", 13, ""),
        ("PRELU", 13, ""),
        ("PRELU", NEVER, "its slopes are [16, 16, 8]: only the innermost dimension may be greater than 1"),
        ("MEAN", ALL, ""),
        ("MEAN", 13, ""),
        ("MEAN", NEVER, "it reduces along z, of 6, which is not a multiple of 4"),
        ("REDUCE_MAX", 14, ""),
        ("TRANSPOSE", 14, ""),
        ("PAD", 13, ""),
    ]
    assert [row for row in expected if row not in found] == []
    (softmax,) = (op for op in operations if op.name == "SOFTMAX")
    assert "1-D" in softmax.fault.reason
    prediction = predict(converted)
    assert prediction.runtime == as_dict(prediction)["runtime"] == 14
    assert "Needs Edge TPU runtime 14 or newer, for REDUCE_MAX, TRANSPOSE." in as_text(prediction)


def test_a_file_for_every_runtime_names_none():
    prediction = one(*CASES["conv"][0])
    assert prediction.runtime == ALL and "Needs Edge TPU runtime" not in as_text(prediction)

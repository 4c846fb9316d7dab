"""The rules of the Edge TPU, on graphs of a few operations."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.contract import raw_twin
from convert.edgetpu import rules
from convert.edgetpu.prediction import ON_CHIP, as_text, predict
from convert.file import flatbuffer_objects
from runtime.model.tflite import Model
from tests.support.small_detector import LABELS, small_detector

CODES = schema.BuiltinOperator
INT8, INT32, FLOAT32 = schema.TensorType.INT8, schema.TensorType.INT32, schema.TensorType.FLOAT32


class Graph:
    """Builds a .tflite operation by operation."""

    def __init__(self) -> None:
        self.tensors, self.operators, self.codes = [], [], []
        self.buffers = [schema.BufferT()]

    def tensor(self, shape, kind=INT8, values=None, signature=None) -> int:
        buffer = 0
        if values is not None:
            data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            buffer = len(self.buffers)
            self.buffers.append(schema.BufferT(data=data))
        made = schema.TensorT(
            shape=np.array(shape, np.int32), type=kind, buffer=buffer, name=f"t{len(self.tensors)}"
        )
        if signature:
            made.shapeSignature = np.array(signature, np.int32)
        if kind == INT8:
            made.quantization = schema.QuantizationParametersT(
                scale=np.array([0.1], np.float32), zeroPoint=np.array([0], np.int64)
            )
        self.tensors.append(made)
        return len(self.tensors) - 1

    def ints(self, *values) -> int:
        values = np.array(values, np.int32)
        return self.tensor(values.shape, INT32, values)

    def weights(self, *shape) -> int:
        return self.tensor(shape, INT8, np.ones(shape, np.int8))

    def add(self, name, inputs, output, options=None, version=1) -> int:
        code = schema.OperatorCodeT(builtinCode=getattr(CODES, name), version=version)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        self.codes.append(code)
        made = schema.OperatorT(
            opcodeIndex=len(self.codes) - 1,
            inputs=np.array(inputs, np.int32),
            outputs=np.array([output], np.int32),
        )
        if options is not None:
            kind = type(options).__name__[:-1]
            made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            made.builtinOptions = options
        self.operators.append(made)
        return output

    def model(self, inputs, outputs) -> Model:
        graph = schema.SubGraphT(
            tensors=self.tensors,
            inputs=np.array(inputs, np.int32),
            outputs=np.array(outputs, np.int32),
            operators=self.operators,
        )
        objects = schema.ModelT(
            version=3, operatorCodes=self.codes, subgraphs=[graph], buffers=self.buffers
        )
        return Model.parse(flatbuffer_objects.pack(objects))


def one(name, shape, out_shape, constants=lambda graph: (), options=None, version=1):
    """The prediction for one operation with one changing input."""
    graph = Graph()
    source = graph.tensor(shape)
    inputs = [source, *constants(graph)]
    graph.add(name, inputs, graph.tensor(out_shape), options, version)
    (operation,) = predict(graph.model([source], [len(graph.tensors) - 1])).operations
    return operation


IMAGE = (1, 8, 8, 4)


def pads(*each) -> np.ndarray:
    return np.array([[side, side] for side in each], np.int32)


def cases() -> dict:
    """name -> (arguments of `one`, a part of the reason why it is not mapped; empty where it is)."""
    conv = schema.Conv2DOptionsT
    return {
        "relu6": (("RELU6", IMAGE, IMAGE), ""),
        "leading ones": (("RELU6", (1, 1, 1, 8, 8, 4), (1, 1, 1, 8, 8, 4)), ""),
        "rank 5": (("RELU6", (1, 2, 8, 8, 4), (1, 2, 8, 8, 4)), "rank 5"),
        "batch of 2": (("RELU6", (2, 8, 8, 4), (2, 8, 8, 4)), "rank 4"),
        "unknown": (("TOPK_V2", IMAGE, IMAGE), "not among the operations"),
        "conv": (("CONV_2D", IMAGE, IMAGE, weights(4, 3, 3, 4), conv()), ""),
        "conv without weights": (("CONV_2D", IMAGE, IMAGE, lambda g: (0,), conv()), "not constant"),
        "conv dilated": (
            ("CONV_2D", IMAGE, IMAGE, weights(4, 3, 3, 4), conv(dilationHFactor=2, dilationWFactor=2)), "",
        ),
        "conv dilated in x": (
            ("CONV_2D", IMAGE, IMAGE, weights(4, 3, 3, 4), conv(dilationWFactor=2)), "dilation is 1 x 2",
        ),
        "depthwise dilated": (
            (
                "DEPTHWISE_CONV_2D", IMAGE, IMAGE, weights(1, 3, 3, 4),
                schema.DepthwiseConv2DOptionsT(dilationHFactor=2, dilationWFactor=2),
            ),
            "dilated",
        ),
        "pool": (("MAX_POOL_2D", IMAGE, (1, 4, 4, 4), none, schema.Pool2DOptionsT()), ""),
        "pool with relu": (
            ("MAX_POOL_2D", IMAGE, (1, 4, 4, 4), none, schema.Pool2DOptionsT(fusedActivationFunction=1)),
            "fused activation",
        ),
        "concatenation with zeros": (
            ("CONCATENATION", IMAGE, (1, 8, 8, 8), zeros(*IMAGE), schema.ConcatenationOptionsT(axis=3)), "",
        ),
        "concatenation with ones": (
            ("CONCATENATION", IMAGE, (1, 8, 8, 8), weights(*IMAGE), schema.ConcatenationOptionsT(axis=3)),
            "constant",
        ),
        "pack last": (
            ("PACK", (1, 8, 4), (1, 8, 4, 1), none, schema.PackOptionsT(valuesCount=1, axis=3)), "last",
        ),
        "pack first": (
            ("PACK", (1, 8, 4), (1, 1, 8, 4), none, schema.PackOptionsT(valuesCount=1, axis=1)), "",
        ),
        "resize": (
            ("RESIZE_NEAREST_NEIGHBOR", IMAGE, (1, 16, 16, 4), ints(16, 16),
             schema.ResizeNearestNeighborOptionsT(), 2), "",
        ),
        "resize with half-pixel centers": (
            ("RESIZE_NEAREST_NEIGHBOR", IMAGE, (1, 16, 16, 4), ints(16, 16),
             schema.ResizeNearestNeighborOptionsT(halfPixelCenters=True), 3), "half-pixel",
        ),
        "mean": (("MEAN", IMAGE, (1, 4), ints(1, 2), schema.ReducerOptionsT()), ""),
        "mean over channels": (("MEAN", IMAGE, (1, 8, 8), ints(3), schema.ReducerOptionsT()), "x and y"),
        "pad": (("PAD", IMAGE, (1, 10, 10, 4), padding(0, 1, 1, 0)), ""),
        "pad the batch": (("PAD", IMAGE, (3, 8, 8, 4), padding(1, 0, 0, 0)), "rank"),
        "softmax": (("SOFTMAX", (1, 100), (1, 100), none, schema.SoftmaxOptionsT()), ""),
        "softmax of rows": (("SOFTMAX", (1, 9, 9), (1, 9, 9), none, schema.SoftmaxOptionsT()), "1-D"),
        "softmax too long": (("SOFTMAX", (1, 16001), (1, 16001), none, schema.SoftmaxOptionsT()), "1-D"),
        "strides": (
            ("STRIDED_SLICE", IMAGE, (1, 4, 8, 4), ranges((0, 0, 0, 0), (1, 8, 8, 4), (1, 2, 1, 1)),
             schema.StridedSliceOptionsT()), "strides",
        ),
        "strided slice": (
            ("STRIDED_SLICE", IMAGE, (1, 4, 8, 4), ranges((0, 0, 0, 0), (1, 4, 8, 4), (1, 1, 1, 1)),
             schema.StridedSliceOptionsT()), "",
        ),
        "slice": (("SLICE", IMAGE, (1, 4, 8, 4), ranges((0, 0, 0, 0), (-1, 4, 8, 4))), ""),
    }  # fmt: skip


def none(graph):
    return ()


def weights(*shape):
    return lambda graph: (graph.weights(*shape),)


def zeros(*shape):
    return lambda graph: (graph.tensor(shape, INT8, np.zeros(shape, np.int8)),)


def ints(*values):
    return lambda graph: (graph.ints(*values),)


def ranges(*vectors):
    return lambda graph: tuple(graph.ints(*vector) for vector in vectors)


def padding(*each):
    return lambda graph: (graph.tensor((4, 2), INT32, pads(*each)),)


@pytest.mark.parametrize("name", cases())
def test_rule(name):
    arguments, reason = cases()[name]
    operation = one(*arguments)
    assert operation.mapped == (not reason)
    assert reason in (operation.fault.reason if operation.fault else "")


def test_float_is_not_mapped():
    graph = Graph()
    source, made = graph.tensor(IMAGE, FLOAT32), graph.tensor(IMAGE, FLOAT32)
    graph.add("RELU6", [source], made)
    (operation,) = predict(graph.model([source], [made])).operations
    assert operation.status == rules.WRONG_TYPE


def test_a_size_that_may_change_is_not_mapped():
    graph = Graph()
    source = graph.tensor(IMAGE, signature=(1, -1, -1, 4))
    made = graph.add("RELU6", [source], graph.tensor(IMAGE))
    (operation,) = predict(graph.model([source], [made])).operations
    assert not operation.mapped and "may change" in operation.fault.reason


def test_what_follows_an_unmapped_operation_runs_on_the_cpu_on_that_path_only():
    graph = Graph()
    source = graph.tensor(IMAGE)
    odd = graph.add("TOPK_V2", [source], graph.tensor(IMAGE))
    after = graph.add("RELU6", [odd], graph.tensor(IMAGE))
    beside = graph.add("RELU6", [source], graph.tensor(IMAGE))
    graph.add("ADD", [after, beside], graph.tensor(IMAGE), schema.AddOptionsT())
    prediction = predict(graph.model([source], [len(graph.tensors) - 1]))
    assert [op.status for op in prediction.operations] == [
        rules.UNSUPPORTED, rules.ONE_SUBGRAPH, "Mapped to Edge TPU",
        rules.ONE_SUBGRAPH,
    ]  # fmt: skip
    assert [op.name for op, _ in prediction.breaks] == ["TOPK_V2"]
    assert prediction.share == 0.25


def test_parameters_beyond_the_chip_are_streamed():
    graph = Graph()
    source = graph.tensor(IMAGE)
    heavy = graph.weights(4, 1, 1 << 20, 4)
    made = graph.add("CONV_2D", [source, heavy], graph.tensor(IMAGE), schema.Conv2DOptionsT())
    prediction = predict(graph.model([source], [made]))
    assert prediction.on_chip == ON_CHIP
    assert prediction.parameters == 16 << 20
    assert prediction.streamed > (16 << 20) - ON_CHIP


def test_the_exporters_file_breaks_at_its_rank_5_upsampling(shared):
    model = Model.read(shared / "models" / "fpnlite320_odapi_export_cat.tflite")
    prediction = predict(model)
    first, fault = prediction.breaks[0]
    assert (first.name, first.status) == ("PACK", rules.WRONG_RANK)
    assert {op.name for op, _ in prediction.breaks} == {"PACK", "RESHAPE"}
    assert "RESIZE_NEAREST_NEIGHBOR" in fault.fix
    # Reports of the published graph: 112 operations on the TPU, and the rest on the CPU.
    assert prediction.mapped == 112


def test_a_uint8_detector_maps_up_to_its_post_processing(shared):
    model = Model.read(shared / "models" / "coco_ssd_mobilenet_v1_quant.tflite")
    prediction = predict(model)
    assert prediction.share == 1.0
    assert not prediction.operations[-1].mapped


@pytest.mark.parametrize("kind", ["int8", "built_in_int8"])
def test_what_is_behind_the_network_is_post_processing(small_detector, kind):
    """Of either kind: the share before it is that of the same network without any."""
    model = Model.parse(getattr(small_detector, kind))
    predicted = predict(model)
    bare = predict(Model.parse(raw_twin.twin(model.data, labels=LABELS)))
    network = [operation for operation in predicted.network if operation.name != "LOGISTIC"]
    assert [operation.name for operation in network] == [operation.name for operation in bare.operations]
    assert predicted.share == bare.share == 1
    assert predicted.mapped == len(predicted.network) and predicted.breaks == ()
    after = [operation for operation in predicted.operations if operation.postprocessing]
    assert len(after) == len(predicted.operations) - len(predicted.network) and not any(step.mapped for step in after)
    # Where the file is cut, a logistic of the custom kind is left out.
    assert predicted.parameters == bare.parameters
    assert f"the {len(after)} of the post-processing run on the CPU" in as_text(predicted)
    assert "TOPK_V2" in {step.name for step in after} or kind == "int8"

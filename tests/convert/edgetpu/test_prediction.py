"""The rules of the Edge TPU, on graphs of a few operations."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.contract import raw_twin
from convert.edgetpu import operation as rules
from convert.edgetpu.prediction import ON_CHIP, as_text, predict
from runtime.model.tflite import Model
from tests.support.operation_graph import FLOAT32, INT8, Graph
from tests.support.small_detector import LABELS, small_detector

IMAGE = (1, 8, 8, 4)


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


def between_floats(inputs=1, outputs=1):
    """An int8 network that takes and gives float32, as the converter makes it by default."""
    graph = Graph()
    fed = [graph.tensor(IMAGE, FLOAT32) for _ in range(inputs)]
    inside = [graph.add("QUANTIZE", [index], graph.tensor(IMAGE)) for index in fed]
    made = inside[0]
    for other in inside[1:]:
        made = graph.add("ADD", [made, other], graph.tensor(IMAGE), schema.AddOptionsT())
    made = graph.add("RELU6", [made], graph.tensor(IMAGE))
    given = [graph.add("DEQUANTIZE", [made], graph.tensor(IMAGE, FLOAT32)) for _ in range(outputs)]
    return graph.model(fed, given)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (2, 1), (3, 2)])
def test_what_quantizes_inputs_and_dequantizes_outputs_stays_on_the_cpu_and_the_rest_is_mapped(inputs, outputs):
    prediction = predict(between_floats(inputs, outputs))
    status = {(op.name, op.status) for op in prediction.operations}
    mapped = {(name, "Mapped to Edge TPU") for name in (["ADD"] if inputs > 1 else []) + ["RELU6"]}
    assert status == mapped | {("QUANTIZE", rules.WRONG_TYPE), ("DEQUANTIZE", rules.WRONG_TYPE)}
    assert prediction.mapped == inputs and len(prediction.edges) == inputs + outputs and not prediction.breaks
    text = as_text(prediction)
    assert "set inference_input_type to uint8 or int8" in text and "set inference_output_type to uint8 or int8" in text
    assert "TFLITE_BUILTINS_INT8" not in text and "The part on the TPU ends at" not in text


def test_an_island_of_floats_ends_the_part_on_the_tpu():
    graph = Graph()
    source = graph.tensor(IMAGE)
    before = graph.add("RELU6", [source], graph.tensor(IMAGE))
    real = graph.add("DEQUANTIZE", [before], graph.tensor(IMAGE, FLOAT32))
    odd = graph.add("TANH", [real], graph.tensor(IMAGE, FLOAT32))
    again = graph.add("QUANTIZE", [odd], graph.tensor(IMAGE))
    graph.add("RELU6", [again], graph.tensor(IMAGE))
    prediction = predict(graph.model([source], [len(graph.tensors) - 1]))
    assert [op.mapped for op in prediction.operations] == [True, False, False, False, False]
    assert prediction.breaks[0][0].name == "DEQUANTIZE" and not prediction.edges


def test_other_scales_or_signs_of_8_bits_are_mapped():
    graph = Graph()
    source = graph.tensor(IMAGE, schema.TensorType.UINT8)
    graph.tensors[source].quantization = graph.tensors[graph.tensor(IMAGE)].quantization
    made = graph.add("QUANTIZE", [source], graph.tensor(IMAGE))
    (operation,) = predict(graph.model([source], [made])).operations
    assert operation.mapped and not operation.at_edge


@pytest.mark.parametrize(
    ("weights", "words"), [(INT8, "dynamic range"), (schema.TensorType.FLOAT16, "weights are float16"), (FLOAT32, "TFLITE_BUILTINS_INT8")]
)
def test_of_networks_in_floats_the_advice_is_by_what_their_weights_are(weights, words):
    graph = Graph()
    source, made = graph.tensor(IMAGE, FLOAT32), graph.tensor(IMAGE, FLOAT32)
    used = stored = graph.tensor((4, 1, 1, 4), weights, np.ones(16, np.float32))
    if weights == schema.TensorType.FLOAT16:
        used = graph.add("DEQUANTIZE", [stored], graph.tensor((4, 1, 1, 4), FLOAT32))
    graph.add("CONV_2D", [source, used], made, schema.Conv2DOptionsT())
    prediction = predict(graph.model([source], [made]))
    assert prediction.mapped == 0 and not prediction.edges
    assert prediction.breaks and all(words in fault.fix for _, fault in prediction.breaks)


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

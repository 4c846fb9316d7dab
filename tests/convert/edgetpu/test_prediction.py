"""The rules of the Edge TPU, on graphs of a few operations."""

from __future__ import annotations

import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.contract import raw_twin
from convert.edgetpu import operation as rules
from convert.edgetpu.prediction import ON_CHIP, as_text, predict
from runtime.model.tflite import Model
from tests.support.operation_graph import FLOAT32, Graph
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

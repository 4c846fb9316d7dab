"""Post-processing of built-in operations: what it finds is what the published evaluation finds, however it is run."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.inference.decoders.raw_head import RawDecoder
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model
from tests.support.raw_outputs import RawOutputs, by_the_rules, drawn

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
litert = pytest.importorskip("ai_edge_litert.interpreter")

from convert.file import anatomy, flatbuffer_objects  # noqa: E402
from convert.file.builtin_postprocessing import with_postprocessing  # noqa: E402
from convert.file.postprocessing import Postprocessing  # noqa: E402

OPTIONS = Postprocessing(detections=12, score=0.3, iou=0.5, candidates=200)
KERNELS = {
    "with XNNPACK": litert.OpResolverType.AUTO,
    "without": litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


def raw_file(raw: RawOutputs) -> bytes:
    """A .tflite that hands on box codes and class logits as they are given."""
    tensors = []
    for values, port in zip((raw.codes, raw.logits), raw.ports):
        int8 = values.dtype == np.int8
        tensor = schema.TensorT(
            shape=np.array(values.shape, np.int32),
            type=schema.TensorType.INT8 if int8 else schema.TensorType.FLOAT32,
            name=port.name,
            hasRank=True,
        )
        if int8:
            tensor.quantization = schema.QuantizationParametersT(
                scale=np.array([port.scale], np.float32), zeroPoint=np.array([port.zero_point], np.int64)
            )
        tensors.append(tensor)
    ends = np.array([0, 1], np.int32)
    graph = schema.SubGraphT(tensors=tensors, inputs=ends, outputs=ends, operators=[], name="main")
    return flatbuffer_objects.pack(
        schema.ModelT(version=3, operatorCodes=[], subgraphs=[graph], buffers=[schema.BufferT()], description="raw")
    )


def detector(raw: RawOutputs, options: Postprocessing = OPTIONS) -> bytes:
    return with_postprocessing(
        raw_file(raw), anchors=raw.anchors, scales=raw.scales, bins=raw.bins, options=options
    )


def run(model: bytes, raw: RawOutputs, threads: int = 1, kernels: str = "with XNNPACK") -> list[np.ndarray]:
    interpreter = litert.Interpreter(
        model_content=model, num_threads=threads, experimental_op_resolver_type=KERNELS[kernels]
    )
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), (raw.codes, raw.logits)):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def expected(raw: RawOutputs, options: Postprocessing = OPTIONS):
    return by_the_rules(
        raw, candidates=options.candidates, detections=options.detections, score=options.score, iou=options.iou
    )


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("classes", [1, 3, 4, 13, 90])
@pytest.mark.parametrize("kernels", KERNELS)
def test_it_finds_what_the_rules_say(kind, classes, kernels):
    raw = drawn(kind, classes, seed=classes)
    boxes, labels, scores, count = run(detector(raw), raw, kernels=kernels)
    wanted = expected(raw)
    number = len(wanted)
    assert number > 2 and count.tolist() == [number]
    assert (boxes.shape, labels.shape, scores.shape) == ((1, 12, 4), (1, 12), (1, 12))
    assert labels[0, :number].tolist() == [label for _, label, _ in wanted]
    np.testing.assert_allclose(scores[0, :number], [score for score, _, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(boxes[0, :number], [box for *_, box in wanted], rtol=1e-4, atol=1e-5)
    assert not boxes[0, number:].any() and not labels[0, number:].any() and not scores[0, number:].any()


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("kernels", KERNELS)
def test_it_finds_what_distributions_say(kind, kernels):
    raw = drawn(kind, 4, seed=2, bins=8)
    boxes, labels, scores, count = run(detector(raw), raw, kernels=kernels)
    wanted = expected(raw)
    number = len(wanted)
    assert number > 2 and count.tolist() == [number]
    assert labels[0, :number].tolist() == [label for _, label, _ in wanted]
    np.testing.assert_allclose(scores[0, :number], [score for score, _, _ in wanted], rtol=1e-5)
    np.testing.assert_allclose(boxes[0, :number], [box for *_, box in wanted], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 8])
def test_threads_change_nothing(threads):
    raw = drawn("int8", 13, seed=1)
    model = detector(raw)
    for one, other in zip(run(model, raw), run(model, raw, threads)):
        np.testing.assert_array_equal(one, other)
    # Every class of the outputs is found whatever its number: the custom operation lost the one of the thread count.
    found = run(detector(raw, Postprocessing(detections=100, score=0.01, candidates=1000)), raw, threads)[1]
    assert set(found[0].astype(int)) == set(range(13))


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("threads", range(1, 10))
def test_the_class_whose_index_is_the_number_of_threads_is_found(threads, kind):
    raw = drawn(kind, 12, anchors=40)
    raw.logits[...] = -128 if kind == "int8" else -20
    raw.logits[0, 7, threads] = 100 if kind == "int8" else 3
    _, labels, scores, count = run(detector(raw), raw, threads)
    assert count.tolist() == [1] and labels[0, 0] == threads and scores[0, 0] > 0.9


def test_no_candidate_is_good_enough():
    raw = drawn("int8", 3)
    raw.logits[...] = -128
    assert not any(output.any() for output in run(detector(raw), raw))


def test_boxes_of_two_classes_never_meet():
    raw = drawn("float32", 3, anchors=6)
    raw.codes[...] = 0
    raw.anchors[:] = [0.5, 0.5, 0.4, 0.4]
    raw.logits[...] = [[3.0, 2.0, 1.0]]
    boxes, labels, _, count = run(detector(raw), raw)
    assert count.tolist() == [3] and labels[0, :3].tolist() == [0, 1, 2]
    np.testing.assert_allclose(boxes[0, :3], [[0.3, 0.3, 0.7, 0.7]] * 3, atol=1e-6)


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("bins", [0, 8])
def test_a_reader_of_the_raw_outputs_finds_the_same(kind, bins):
    raw = drawn(kind, 5, seed=5, bins=bins)
    head = RawHead(
        raw.anchors, 5, 0, OPTIONS.detections, OPTIONS.score, OPTIONS.iou, raw.scales, OPTIONS.candidates, bins
    )
    boxes, labels, scores = RawDecoder(head, raw.ports)([raw.codes, raw.logits])
    inside = run(detector(raw), raw, kernels="without")
    number = len(scores)
    assert inside[3].tolist() == [number] and inside[1][0, :number].tolist() == labels.tolist()
    np.testing.assert_allclose(inside[0][0, :number], boxes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(inside[2][0, :number], scores, rtol=1e-6)


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_a_file_says_how_it_was_made(kind):
    raw = drawn(kind, 4)
    model = Model.parse(detector(raw), "the file")
    found = anatomy.postprocess(model)
    assert found is not None and not found.custom and (found.detections, found.classes) == (12, 4)
    assert found.inputs == (0, 1) and found.outputs == model.main.outputs
    assert anatomy.output_roles(model) == ("boxes", "classes", "scores", "count")
    assert len(found.steps) == len(model.main.operators)
    np.testing.assert_array_equal(anatomy.anchors(model, found), raw.anchors)
    numbers = ("max_candidates", "nms_score_threshold", "nms_iou_threshold", "y_scale", "w_scale")
    assert [found.options[name] for name in numbers] == pytest.approx([200, 0.3, 0.5, 10, 5])
    assert not any(step.custom_name for step in model.main.operators)


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_a_file_of_distributions_says_how_it_was_made(kind):
    raw = drawn(kind, 4, bins=8)
    model = Model.parse(detector(raw), "the file")
    found = anatomy.postprocess(model)
    assert found is not None and found.inputs == (0, 1) and len(found.steps) == len(model.main.operators)
    assert (found.options["bins"], found.options["max_candidates"]) == (8, 200) and "y_scale" not in found.options
    np.testing.assert_array_equal(anatomy.anchors(model, found), raw.anchors)


def test_all_logits_are_candidates_where_there_are_few():
    raw = drawn("float32", 2, anchors=20)
    options = Postprocessing(detections=30, score=0.001, iou=0.5, candidates=512)
    wanted = expected(raw, options)
    assert run(detector(raw, options), raw)[3].tolist() == [len(wanted)]

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from convert.contract.contract import check, finish
from convert.file import flatbuffer_objects
from convert.file.metadata import with_metadata
from runtime.common.errors import InputError, KitError
from runtime.common.values import Labels
from runtime.model.tflite import Model
from tests.support.small_detector import LABELS, image, small_detector

KINDS = ("fp16", "int8")


def rules(model: bytes) -> set[str]:
    return {violation.rule for violation in check(model)}


def edited(model: bytes, edit) -> bytes:
    """`model` after `edit(objects, graph)`, with its associated files."""
    objects = flatbuffer_objects.unpack(model)
    edit(objects, objects.subgraphs[0])
    return flatbuffer_objects.append_files(flatbuffer_objects.pack(objects), Model.parse(model).associated_files())


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_file_breaks_no_line(small_detector, kind):
    assert check(getattr(small_detector, kind)) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_converted_file_breaks_the_lines_that_finish_repairs(small_detector, kind):
    assert rules(getattr(small_detector, f"raw_{kind}")) >= {"order", "names", "signature", "metadata"}


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_names_shapes_and_signature(small_detector, kind):
    model = Model.parse(getattr(small_detector, kind))
    tensors = [model.main.tensors[index] for index in model.main.outputs]
    operation = "TFLite_Detection_PostProcess"
    assert [tensor.name for tensor in tensors] == [
        operation, f"{operation}:1", f"{operation}:2", f"{operation}:3",
    ]  # fmt: skip
    assert [tensor.shape for tensor in tensors] == [(1, 10, 4), (1, 10), (1, 10), (1,)]
    (signature,) = model.signatures
    assert signature.key == "serving_default"
    assert dict(signature.inputs) == {"images": model.main.inputs[0]}
    boxes, classes, scores, count = model.main.outputs
    assert dict(signature.outputs) == {
        "output_0": count, "output_1": scores, "output_2": classes, "output_3": boxes,
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_finishing_changes_nothing_that_is_computed(small_detector, kind):
    before = outputs(getattr(small_detector, f"raw_{kind}"))
    after = outputs(getattr(small_detector, kind))
    count = int(after["TFLite_Detection_PostProcess:3"][0])
    assert count == before["PartitionedCall:3"][0] >= 3
    for role, name in enumerate(("PartitionedCall:0", "PartitionedCall:1", "PartitionedCall:2")):
        suffix = f":{role}" if role else ""
        # The operation does not write the slots behind the last detection.
        np.testing.assert_array_equal(
            before[name][:, :count], after[f"TFLite_Detection_PostProcess{suffix}"][:, :count]
        )


def outputs(model: bytes) -> dict[str, np.ndarray]:
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = interpreter_module.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    pixels = image(1)[None]
    if detail["dtype"] == np.float32:
        pixels = pixels.astype(np.float32) / 127.5 - 1
    interpreter.set_tensor(detail["index"], pixels)
    interpreter.invoke()
    return {
        detail["name"]: interpreter.get_tensor(detail["index"])
        for detail in interpreter.get_output_details()
    }


def test_finishing_is_repeatable(small_detector):
    assert finish(small_detector.raw_int8, labels=LABELS) == small_detector.int8
    assert finish(small_detector.int8, labels=LABELS) == small_detector.int8


def test_unused_buffers_and_metadata_are_left_out(small_detector):
    model = Model.parse(small_detector.int8)
    assert sorted(model.metadata) == ["TFLITE_METADATA", "min_runtime_version"]
    assert [len(buffer) for buffer in model.buffers].count(0) == 1
    assert len(model.buffers) < len(Model.parse(small_detector.raw_int8).buffers)


def test_labels_and_classes_must_agree(small_detector):
    with pytest.raises(KitError, match="3 classes apart, but there are 2 labels"):
        finish(small_detector.raw_int8, labels=Labels(("one", "two")))


def test_a_file_without_post_processing_cannot_be_finished(small_detector):
    def rename(objects, graph):
        for code in objects.operatorCodes:
            code.customCode = "other" if code.customCode else None

    with pytest.raises(KitError, match="TFLite_Detection_PostProcess"):
        finish(edited(small_detector.raw_int8, rename), labels=LABELS)


def test_a_file_is_checked_as_the_expected_kind(small_detector):
    assert check(small_detector.int8, expect="int8") == ()
    assert check(small_detector.fp16, expect="fp16") == ()
    messages = {violation.rule: violation.message for violation in check(small_detector.fp16, expect="int8")}
    assert messages["input"].startswith("it takes float32")
    assert "(float32) of layer" in messages["int8"]
    assert [v.rule for v in check(small_detector.int8, expect="fp16")] == ["input"]


def test_check_refuses_what_is_no_model():
    with pytest.raises(InputError):
        check(b"\0" * 100)


def set_scale(objects, graph):
    graph.tensors[graph.inputs[0]].quantization.scale = np.array([1 / 255], np.float32)


def set_zero_point(objects, graph):
    graph.tensors[graph.inputs[0]].quantization.zeroPoint = np.array([0], np.int64)


def swap_outputs(objects, graph):
    graph.outputs = graph.outputs[[2, 0, 3, 1]]


def drop_output(objects, graph):
    graph.outputs = graph.outputs[:3]


def rename_output(objects, graph):
    graph.tensors[graph.outputs[0]].name = "StatefulPartitionedCall:1"


def forget_shape(objects, graph):
    graph.tensors[graph.outputs[3]].shape = np.array([], np.int32)


def second_signature(objects, graph):
    objects.signatureDefs.append(objects.signatureDefs[0])


def no_signature(objects, graph):
    objects.signatureDefs = []


def swap_signature(objects, graph):
    outputs = objects.signatureDefs[0].outputs
    outputs[0].tensorIndex, outputs[3].tensorIndex = outputs[3].tensorIndex, outputs[0].tensorIndex


def no_metadata(objects, graph):
    objects.metadata = []


def bad_metadata(objects, graph):
    entry = next(e for e in objects.metadata if e.name in (b"TFLITE_METADATA", "TFLITE_METADATA"))
    objects.buffers[entry.buffer].data = np.frombuffer(b"nothing like it", np.uint8)


def grey_input(objects, graph):
    graph.tensors[graph.inputs[0]].shape = np.array([1, 64, 32, 1], np.int32)


def share_range(objects, graph):
    boxes, scores = [op for op in graph.operators if code_of(objects, op) == 6]
    scores.inputs = boxes.inputs


def float_layer(objects, graph):
    pool = next(op for op in graph.operators if code_of(objects, op) == 1)
    graph.tensors[pool.outputs[0]].type = 0


def code_of(objects, operator) -> int:
    return objects.operatorCodes[operator.opcodeIndex].builtinCode


@pytest.mark.parametrize(
    ("edit", "rule", "says"),
    [
        (set_scale, "input scale", "mean -0.498..0.502"),
        (set_zero_point, "input scale", "zero point 0"),
        (swap_outputs, "order", "scores, boxes, count, classes"),
        (drop_output, "outputs", "3 outputs"),
        (rename_output, "names", "StatefulPartitionedCall:1"),
        (forget_shape, "shapes", "count are [], not [1]"),
        (second_signature, "signature", "2 signatures"),
        (no_signature, "signature", "0 signatures"),
        (swap_signature, "signature", "output_0 is boxes, not count"),
        (no_metadata, "metadata", "none"),
        (bad_metadata, "metadata", "M001"),
        (grey_input, "input", "[1, 64, 32, 1]"),
        (share_range, "ranges", "share the tensor"),
        (float_layer, "int8", "AVERAGE_POOL_2D (float32) of layer"),
    ],
)
def test_each_broken_line_is_found(small_detector, edit, rule, says):
    found = check(edited(small_detector.int8, edit))
    assert any(violation.rule == rule and says in violation.message for violation in found), found


def test_labels_that_are_missing_too_few_or_compressed(small_detector):
    bare = flatbuffer_objects.pack(flatbuffer_objects.unpack(small_detector.int8))
    assert rules(bare) == {"labels"}
    assert rules(with_metadata(bare, labels=Labels(("one", "two")))) == {"labels"}
    stream = io.BytesIO(bare)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", LABELS.text())
    assert "compressed" in check(stream.getvalue())[0].message

"""Twins without post-processing: the same detections, and metadata that describes how to decode them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.contract import consumers, contract, raw_twin
from convert.edgetpu import prediction, result
from convert.evaluation import gate
from convert.export import manifest
from convert.file import flatbuffer_objects
from convert.inspect import inspection
from convert.inspect.text import as_text
from runtime.common.errors import KitError
from runtime.common.values import Labels
from runtime.inference.decoders.raw_head import RawDecoder
from runtime.inference.detector import Detector
from runtime.inference.interpreter import Interpreter
from runtime.model.metadata import Metadata
from runtime.model.ports import real
from runtime.model.raw_head import FILE, RawHead
from runtime.model.tflite import Model
from tests.support import small_detector as small
from tests.support.anchors import anchors, head
from tests.support.paths import GOLDEN
from tests.support.small_detector import LABELS, small_detector
from tests.support.trained import trained, trained_custom

# With the custom operation, which older files have, and with built-in post-processing.
KINDS = ("fp16", "int8", "built_in_fp16", "built_in_int8")
CUSTOM_KINDS = KINDS[:2]


@pytest.fixture(scope="module")
def files(small_detector, tmp_path_factory) -> dict[str, Path]:
    """Both small files and their twins, by kind."""
    folder = tmp_path_factory.mktemp("twins")
    found = {}
    for kind in KINDS:
        model = getattr(small_detector, kind)
        twin = raw_twin.twin(model, labels=LABELS, version="1.2", score_threshold=0.45)
        for name, content in ((kind, model), (f"{kind}_raw", twin)):
            found[name] = folder / f"detector_{name}.tflite"
            found[name].write_bytes(content)
    return found


def assert_same(whole: Path, twin: Path, images, thresholds, exact: bool) -> int:
    """Compares detections; returns how many there were."""
    first, second = Detector(whole), Detector(twin)
    count = 0
    for image in images:
        raw = first.invoke(first.preprocess(image)), second.invoke(second.preprocess(image))
        height, width = image.shape[:2]
        for first.score in thresholds:
            second.score = first.score
            expected = first.postprocess(raw[0], width, height)
            found = second.postprocess(raw[1], width, height)
            count += len(expected)
            assert [item.class_id for item in found] == [item.class_id for item in expected]
            gap = 0 if exact else 1e-6
            assert [item.score for item in found] == pytest.approx([item.score for item in expected], rel=0, abs=gap)
            for a, b in zip(found, expected):
                assert a.box.as_tuple() == pytest.approx(b.box.as_tuple(), rel=0, abs=1e-3)
    return count


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_finds_the_same(files, kind):
    images = [small.image(seed)[..., ::-1].copy() for seed in range(12)]
    assert assert_same(files[kind], files[f"{kind}_raw"], images, (0.0, 0.3, 0.5, 0.8), kind == "int8") > 50


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_starts_with_the_threshold_it_was_given(files, kind):
    assert Detector(files[f"{kind}_raw"]).score == pytest.approx(0.45)


def test_a_trained_detectors_twin_finds_the_same(trained, trained_custom, shared, tmp_path):
    images = [cv2.imread(str(path)) for path in sorted((shared / "images").iterdir()) if path.suffix in (".jpg", ".bmp")]
    images += [cv2.imread(str(path)) for path in sorted((trained.data / "JPEGImages").iterdir())[:8]]
    for whole, candidates in (
        (trained.int8, 512), (trained.fp16, 512), (trained_custom["int8"], 0), (trained_custom["fp16"], 0),
    ):  # fmt: skip
        twin = tmp_path / whole.name
        twin.write_bytes(raw_twin.twin(whole.read_bytes(), labels=Detector(whole).labels))
        assert contract.check(twin.read_bytes(), expect=f"{whole.stem[-4:]}_raw") == ()
        assert RawHead.of(Model.read(twin), Metadata.of(Model.read(twin))).candidates == candidates
        # The scores of an int8 file with the custom operation are quantized, so that both have the very same.
        assert assert_same(whole, twin, images, (0.0, 0.05, 0.3, 0.6), whole == trained_custom["int8"]) > 20


@pytest.mark.parametrize(
    ("name", "labels"), [("fpnlite320_odapi_export_cat", Labels(("a", "b"))), ("coco_ssd_mobilenet_v1_quant", None)]
)
def test_third_party_files_of_2_and_90_classes(shared, tmp_path, name, labels):
    whole = shared / "models" / f"{name}.tflite"
    twin = tmp_path / whole.name
    twin.write_bytes(raw_twin.twin(whole.read_bytes(), labels=labels or Detector(whole).labels))
    images = [cv2.imread(str(shared / "images" / name)) for name in ("cat.bmp", "grace_hopper.bmp", "pets.jpg")]
    assert assert_same(whole, twin, images, (0.0, 0.05, 0.3, 0.6), True) > 30


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_keeps_its_contract(files, kind):
    data, numbers = files[f"{kind}_raw"].read_bytes(), kind.removeprefix("built_in_")
    assert contract.check(data, expect=f"{numbers}_raw") == ()
    assert contract.check(data) == ()
    model = Model.parse(data)
    metadata = Metadata.of(model)
    head = RawHead.of(model, metadata)
    assert np.array_equal(head.anchors, small.anchors())
    custom = kind in CUSTOM_KINDS
    assert (head.classes, head.first, head.detections) == (3, 1 if custom else 0, small.DETECTIONS)
    assert head.candidates == (0 if custom else 100) and head.encode()[4] == (1 if custom else 2)
    assert (head.score, head.iou) == pytest.approx((0.2, 0.3))
    assert [output.name for output in metadata.outputs] == ["box codes", "class logits"]
    assert metadata.inputs[0].mean == metadata.inputs[0].std == (127.5,)
    tensors = [model.main.tensors[index] for index in model.main.outputs]
    assert [tensor.name for tensor in tensors] == ["box_codes", "class_logits"]
    assert {tensor.type for tensor in tensors} == {"int8" if numbers == "int8" else "float32"}
    (signature,) = model.signatures
    assert [model.main.tensors[index].name for index in signature.outputs.values()] == list(signature.outputs)
    left = {step.name for step in model.main.operators}
    assert not {"LOGISTIC", "CUSTOM", "TOPK_V2", "NON_MAX_SUPPRESSION_V4"} & left
    assert "DEQUANTIZE" not in left or numbers == "fp16"
    assert [code for code in flatbuffer_objects.unpack(data).operatorCodes if code.customCode] == []


def test_a_twin_is_not_taken_for_the_other_kind(files):
    assert contract.check(files["int8_raw"].read_bytes(), expect="int8")[0].rule == "post-processing"
    assert contract.check(files["int8"].read_bytes(), expect="int8_raw")[0].rule == "raw head"


def spoiled(data: bytes, change) -> bytes:
    """`data` after `change(objects)`, with the files behind it."""
    objects = flatbuffer_objects.unpack(data)
    change(objects)
    return flatbuffer_objects.append_files(flatbuffer_objects.pack(objects), Model.parse(data).associated_files())


def _swap(objects):
    objects.subgraphs[0].outputs = objects.subgraphs[0].outputs[::-1]


def _rename(objects):
    objects.subgraphs[0].tensors[objects.subgraphs[0].outputs[0]].name = "boxes"


def _sign_twice(objects):
    objects.signatureDefs = objects.signatureDefs * 2


@pytest.mark.parametrize(("change", "rule"), [(_swap, "names"), (_rename, "names"), (_sign_twice, "signature")])
def test_each_line_of_a_twins_contract_is_checked(files, change, rule):
    broken = contract.check(spoiled(files["int8_raw"].read_bytes(), change))
    assert rule in {violation.rule for violation in broken}


def test_a_twin_without_its_description_is_refused(files, tmp_path):
    data = files["int8_raw"].read_bytes()
    path = tmp_path / "bare.tflite"
    path.write_bytes(flatbuffer_objects.append_files(flatbuffer_objects.pack(flatbuffer_objects.unpack(data)), {"labels.txt": b"a\nb\nc\n"}))
    assert FILE in contract.check(path.read_bytes())[0].message
    with pytest.raises(Exception, match=rf"{FILE}.*get the whole file again"):
        Detector(path)


def test_the_gate_rejects_a_twin_that_is_not_int8(files, tmp_path):
    with pytest.raises(KitError, match="float32"):
        gate.admit(lambda score: files["fp16_raw"].read_bytes(), tmp_path / "detector_int8_raw.tflite", "int8_raw")
    admitted = gate.admit(lambda score: files["int8_raw"].read_bytes(), tmp_path / "good.tflite", "int8_raw")
    assert admitted.path.is_file()


@pytest.mark.parametrize("kind", ["int8", "built_in_int8"])
def test_inspect_lists_the_consumers_of_a_twin(files, kind):
    found = inspection.inspect(Model.read(files[f"{kind}_raw"]))
    works = {verdict.consumer: verdict.works for verdict in found.verdicts}
    assert [name for name, does in works.items() if does] == list(consumers.RAW_READERS)
    assert len(works) == 6 + len(consumers.RAW_READERS)
    said = as_text(found)
    assert "raw_head.bin inside describes how" in said and "every operation is int8" in said
    assert "Violations of the file contract\n  none" in said and "3 in labels.txt" in said
    facts = json.loads(json.dumps(inspection.as_dict(found)))["raw_head"]
    of_version = {"first_column": 1} if kind in CUSTOM_KINDS else {"first_column": 0, "candidates": 100}
    assert facts == {
        "anchors": 64, "classes": 3, "detections": 10, "score": 0.2, "iou": 0.3,
        "box_scales": [10.0, 10.0, 5.0, 5.0], **of_version,
    }  # fmt: skip


def test_inspect_says_that_box_codes_are_distributions():
    model = Model.read(GOLDEN / "points_int8_raw.tflite")
    assert contract.check(model.data, expect="int8_raw") == ()
    found = inspection.inspect(model)
    said = [line.split() for line in as_text(found).splitlines()]
    assert ["bins", "8"] in said and ["box_scales", "1", "1", "1", "1"] in said
    assert inspection.as_dict(found)["raw_head"]["bins"] == 8
    metadata = Metadata.of(model)
    assert metadata.outputs[0].description.startswith("8 logits for each of the distances to the left, top, right and")
    assert [verdict.consumer for verdict in found.verdicts if verdict.works] == list(consumers.RAW_READERS)


@pytest.mark.parametrize("kind", ["int8", "built_in_int8"])
def test_all_of_a_twin_is_mapped_to_the_edge_tpu(files, kind, tmp_path):
    source = Model.read(files[f"{kind}_raw"])
    predicted = prediction.predict(source)
    assert predicted.share == 1 and predicted.mapped == len(predicted.operations)
    assert "the file has no post-processing" in prediction.as_text(predicted)
    count = len(source.main.operators)
    report = (
        f"Edge TPU Compiler version 16.0.384591198\n\nModel compiled successfully in 4 ms.\n\n"
        f"Total number of operations: {count}\nNumber of operations that will run on Edge TPU: {count}\n"
        f"Number of operations that will run on CPU: 0\n"
    )
    compiled = result.admit(_compiled(source.data), report, source, tmp_path, 0.95)
    assert compiled.share == 1
    assert contract.check(compiled.path.read_bytes()) == ()
    assert RawHead.of(Model.read(compiled.path), Metadata.of(Model.read(compiled.path))).classes == 3


def _compiled(model: bytes) -> bytes:
    """`model` as the compiler returns it: one operation, no metadata, no signature."""
    from ai_edge_litert import schema_py_generated as schema

    objects = flatbuffer_objects.unpack(model)
    graph = objects.subgraphs[0]
    objects.operatorCodes = [
        schema.OperatorCodeT(deprecatedBuiltinCode=32, builtinCode=32, customCode="edgetpu-custom-op", version=1)
    ]
    graph.operators = [schema.OperatorT(opcodeIndex=0, inputs=graph.inputs, outputs=graph.outputs)]
    objects.metadata = objects.signatureDefs = None
    for index in graph.outputs:
        graph.tensors[index].name = f"StatefulPartitionedCall:{index}"
    for index in (*graph.inputs, *graph.outputs):
        graph.tensors[index].type = graph.tensors[index].type
    return flatbuffer_objects.pack(objects)


def test_files_that_cannot_have_a_twin(small_detector, files):
    with pytest.raises(KitError, match="nothing can be cut off"):
        raw_twin.twin(files["int8_raw"].read_bytes(), labels=LABELS)
    read = Model.parse(small_detector.int8)
    (step,) = [step for step in read.main.operators if step.custom_name]
    odd = dataclasses.replace(step, custom_options=_options(step.custom_options, use_regular_nms=True))
    with pytest.raises(KitError, match="each class by itself"):
        raw_twin.twin(_with_options(small_detector.int8, odd.custom_options), labels=LABELS)


def _options(data: bytes, **changed) -> bytes:
    from flatbuffers import flexbuffers

    return bytes(flexbuffers.Dumps({**flexbuffers.Loads(data), **changed}))


def _with_options(model: bytes, options: bytes) -> bytes:
    objects = flatbuffer_objects.unpack(model)
    for step in objects.subgraphs[0].operators:
        if objects.operatorCodes[step.opcodeIndex].customCode:
            step.customOptions = np.frombuffer(options, np.uint8)
    return flatbuffer_objects.pack(objects)


def test_scores_are_the_interpreters_own(small_detector, files, tmp_path):
    """The LOGISTIC of the file and the decoder give the same score for every int8 logit."""
    objects = flatbuffer_objects.unpack(small_detector.int8)
    graph = objects.subgraphs[0]
    (step,) = [s for s in graph.operators if objects.operatorCodes[s.opcodeIndex].builtinCode == 14]
    graph.operators = [step]
    graph.inputs, graph.outputs = step.inputs, step.outputs
    objects.signatureDefs = None
    path = tmp_path / "logistic.tflite"
    path.write_bytes(flatbuffer_objects.pack(objects))
    interpreter = Interpreter(path)
    (port,) = interpreter.inputs
    values = np.arange(-128, 128).astype(np.int8)
    stored = interpreter.invoke(np.resize(values, port.shape))
    expected = real(stored, interpreter.outputs)[0].ravel()[:256]
    detector = Detector(files["int8_raw"])
    decoder: RawDecoder = detector._decode
    assert np.array_equal(decoder._scores.of(values), expected)


def test_the_manifest_has_the_anchors(trained, tmp_path):
    twin = tmp_path / "detector_int8_raw.tflite"
    twin.write_bytes(raw_twin.twin(trained.int8.read_bytes(), labels=Detector(trained.int8).labels))
    entry = manifest.file_entry(gate.Admitted(twin, "int8_raw", None), None, head(320))
    said = json.loads(json.dumps(entry))["raw_head"]
    assert (said["score"], said["iou"], said["detections"], said["box_scales"]) == (0.01, 0.6, 50, [10, 10, 5, 5])
    assert (said["candidates"], said["first_column"]) == (512, 0)
    rows = []
    for level in said["anchors"]["levels"]:
        centers = [(i * level["stride"] + level["offset"]) / said["anchors"]["size"] for i in range(level["side"])]
        shapes = np.array(level["shapes"]) / said["anchors"]["size"]
        rows += [(y, x, *shape) for y in centers for x in centers for shape in shapes]
    assert np.array_equal(np.array(rows).astype(np.float32), anchors(320))
    model = Model.read(twin)
    assert np.array_equal(RawHead.of(model, Metadata.of(model)).anchors, anchors(320))

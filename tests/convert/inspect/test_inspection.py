from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from convert.contract.contract import check
from convert.file import anatomy, flatbuffer_objects, metadata_schema
from convert.inspect import inspection
from convert.inspect.__main__ import main
from convert.inspect.text import as_text
from runtime.common.command import exit_code
from runtime.model.tflite import Model
from tests.support.small_detector import small_detector

CONSUMERS = (
    "TFLite Task Library", "MediaPipe ObjectDetector", "pycoral get_objects", "index-based code",
    "name-based scripts", "shape-based code",
)  # fmt: skip


def works(found: inspection.Inspection) -> list[bool]:
    return [verdict.works for verdict in found.verdicts]


@pytest.mark.parametrize("kind", ["fp16", "int8"])
def test_a_finished_file_works_everywhere(small_detector, kind):
    found = inspection.inspect(Model.parse(getattr(small_detector, kind)))
    assert tuple(verdict.consumer for verdict in found.verdicts) == CONSUMERS
    assert all(works(found))
    assert found.problems == ()
    assert found.labels.names == ("red", "green", "blue")
    said = as_text(found)
    assert "Violations of the file contract\n  none" in said
    assert "3 in labels.txt: red, green, blue" in said


@pytest.mark.parametrize("kind", ["built_in_fp16", "built_in_int8"])
def test_built_in_post_processing_is_explained(small_detector, kind):
    model = Model.parse(getattr(small_detector, kind))
    found = inspection.inspect(model)
    assert tuple(verdict.consumer for verdict in found.verdicts) == CONSUMERS
    assert all(works(found)) and found.problems == ()
    said = as_text(found)
    section = said[said.index("Post-processing\n") : said.index("Signatures\n")]
    lines = [line.split() for line in section.strip().splitlines()]
    after = len(anatomy.postprocess(model).steps)
    assert lines[1] == [str(after), "built-in", "operations"]
    assert dict(lines[2:]) == {
        "max_candidates": "100", "max_detections": "10", "nms_iou_threshold": "0.3", "nms_score_threshold": "0.2",
        "num_classes": "3", "h_scale": "5", "w_scale": "5", "x_scale": "10", "y_scale": "10",
    }  # fmt: skip
    assert "score threshold 0.35" in said
    assert ("every operation before the post-processing is int8" in said) == (kind == "built_in_int8")
    facts = inspection.as_dict(found)
    assert facts["post_processing"]["kind"] == "built-in" and facts["post_processing"]["max_candidates"] == 100
    thresholds = {output["name"]: output["score_threshold"] for output in facts["metadata"]["outputs"]}
    assert thresholds.pop("score") == pytest.approx(0.35) and set(thresholds.values()) == {None}


def test_the_custom_operation_is_explained(small_detector):
    found = inspection.inspect(Model.parse(small_detector.int8))
    assert "TFLite_Detection_PostProcess, one custom operation" in as_text(found)
    assert inspection.as_dict(found)["post_processing"]["kind"] == "custom"


def test_sorting_that_is_no_post_processing_is_not_taken_for_it(small_detector):
    """Other files have the same operations, but not those that say what the outputs are."""
    objects = flatbuffer_objects.unpack(small_detector.built_in_int8)
    graph = objects.subgraphs[0]
    graph.outputs = graph.outputs[::-1][:2]
    found = inspection.inspect(Model.parse(flatbuffer_objects.pack(objects)))
    assert not any(works(found)) and "Post-processing\n  none\n" in as_text(found)


def test_another_division_in_the_network_does_not_matter(small_detector):
    model = Model.parse(small_detector.built_in_fp16)
    objects = flatbuffer_objects.unpack(small_detector.built_in_fp16)
    graph = objects.subgraphs[0]
    after = min(anatomy.postprocess(model).steps)
    divisor = next(step.inputs[1] for step in model.main.operators if step.name == "DIV")
    code = next(n for n, known in enumerate(model.main.operators) if known.name == "DIV")
    first = copy.deepcopy(graph.operators[code])
    first.inputs, first.outputs = np.array([divisor, divisor], np.int32), np.array([len(graph.tensors)], np.int32)
    graph.tensors.append(copy.deepcopy(graph.tensors[divisor]))
    graph.tensors[-1].buffer = 0
    graph.operators.insert(0, first)
    found = anatomy.postprocess(Model.parse(flatbuffer_objects.pack(objects)))
    assert found.options["max_candidates"] == 100 and min(found.steps) == after + 1


def test_operations_are_counted(small_detector):
    rows = {row.name: row for row in inspection.inspect(Model.parse(small_detector.int8)).operations}
    assert (rows["CONV_2D"].count, rows["CONV_2D"].int8, rows["CONV_2D"].types) == (3, 3, ("int8",))
    assert rows["TFLite_Detection_PostProcess"].int8 == 0
    rows = {row.name: row for row in inspection.inspect(Model.parse(small_detector.fp16)).operations}
    assert (rows["CONV_2D"].count, rows["CONV_2D"].int8) == (3, 0)


def test_an_operation_that_is_not_int8_is_named(small_detector):
    objects = flatbuffer_objects.unpack(small_detector.int8)
    graph = objects.subgraphs[0]
    pool = next(o for o in graph.operators if objects.operatorCodes[o.opcodeIndex].builtinCode == 1)
    graph.tensors[pool.outputs[0]].type = 0
    said = as_text(inspection.inspect(Model.parse(flatbuffer_objects.pack(objects))))
    assert "not int8: operation 2 AVERAGE_POOL_2D (float32) of layer backbone/pool" in said


def test_what_the_converter_returns_does_not_work_by_order(small_detector):
    found = inspection.inspect(Model.parse(small_detector.raw_int8))
    verdicts = {verdict.consumer: verdict for verdict in found.verdicts}
    assert not verdicts["index-based code"].works
    assert "classes, count, boxes, scores" in verdicts["index-based code"].why
    assert verdicts["index-based code"].fix
    assert "output_0" in verdicts["pycoral get_objects"].why


def test_the_old_exporters_file(shared):
    path = shared / "models" / "fpnlite320_odapi_export_cat.tflite"
    found = inspection.inspect(Model.read(path))
    verdicts = dict(zip(CONSUMERS, found.verdicts))
    assert works(found) == [False, False, True, False, True, False]
    assert "none was found" in verdicts["MediaPipe ObjectDetector"].why
    assert "(the TF2 order)" in verdicts["index-based code"].why
    assert found.calibration.startswith("calibrated on 0..1")
    assert {"order", "metadata", "input scale"} <= {problem.rule for problem in found.problems}
    said = as_text(found)
    assert "calibrated on 0..1" in said and "to do: " in said


def test_the_third_party_file_with_metadata(shared):
    found = inspection.inspect(Model.read(shared / "models" / "coco_ssd_mobilenet_v1_quant.tflite"))
    assert all(works(found))
    assert len(found.labels) == 90
    assert found.calibration.startswith("calibrated on -1..1")
    assert "no operation is int8" in as_text(found)


def test_the_same_without_metadata(shared):
    path = shared / "models" / "coco_ssd_mobilenet_v1_quant_no_metadata.tflite"
    found = inspection.inspect(Model.read(path))
    assert works(found) == [False, False, True, True, True, True]
    assert found.labels is None


def test_a_file_that_is_no_detector(small_detector):
    objects = flatbuffer_objects.unpack(small_detector.fp16)
    graph = objects.subgraphs[0]
    graph.outputs = graph.operators[-2].outputs
    graph.operators = graph.operators[:-1]
    found = inspection.inspect(Model.parse(flatbuffer_objects.pack(objects)))
    assert not any(works(found))
    assert "post-processing" in {problem.rule for problem in found.problems}
    assert "Post-processing\n  none\n" in as_text(found)
    # The label file was lost on the way, which the runtime looks for first.
    others = [verdict for verdict in found.verdicts if verdict.consumer != "runtime of this kit"]
    assert all("it has no post-processing" in verdict.why for verdict in others)


def test_floats_without_normalization(small_detector):
    """The verdict quotes the error message of the consumer."""
    objects = flatbuffer_objects.unpack(small_detector.fp16)
    bare = metadata_schema.encode(metadata_schema.ModelMetadata(name="bare"))
    flatbuffer_objects.set_metadata(objects, "TFLITE_METADATA", bare)
    found = inspection.inspect(Model.parse(flatbuffer_objects.pack(objects)))
    assert "requires specifying NormalizationOptions" in found.verdicts[0].why


def test_command(small_detector, tmp_path, capsys):
    path = tmp_path / "detector.tflite"
    path.write_bytes(small_detector.int8)
    assert exit_code(main, [str(path)]) == 0
    assert "Where it works" in capsys.readouterr().out
    assert exit_code(main, [str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["inputs"][0]["type"] == "uint8"
    assert [output["role"] for output in facts["outputs"]] == ["boxes", "classes", "scores", "count"]
    assert all(facts["consumers"][name]["works"] for name in CONSUMERS)
    assert facts["problems"] == [] == list(check(small_detector.int8))
    path.write_bytes(b"not a model")
    assert exit_code(main, [str(path)]) == 2
    assert str(path) in capsys.readouterr().err
    assert exit_code(main, [str(tmp_path / "missing.tflite")]) == 2

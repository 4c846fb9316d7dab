from __future__ import annotations

from dataclasses import replace

import pytest

from convert.contract import gpu_delegate
from convert.inspect import text
from convert.inspect.inspection import as_dict, inspect
from runtime.model.tflite import Model
from tests.support.paths import GOLDEN


def read(name: str) -> Model:
    return Model.read(GOLDEN / name)


def test_a_raw_head_runs_on_the_gpu_as_a_whole():
    model = read("detector_int8_raw.tflite")
    verdict = gpu_delegate.verdict(model)
    assert verdict.works
    assert verdict.note == f"all {len(model.main.operators)} operations run on the GPU"


@pytest.mark.parametrize("name", ["detector_int8.tflite", "detector_fp16.tflite"])
def test_built_in_post_processing_stays_on_the_cpu_in_part(name):
    model = read(name)
    left = gpu_delegate.left_on_cpu(model)
    verdict = gpu_delegate.verdict(model)
    assert verdict.works
    assert 0 < len(left) < len(model.main.operators)
    assert f"{len(left)} of {len(model.main.operators)} operations stay on the CPU: " in verdict.note
    assert "NON_MAX_SUPPRESSION" in verdict.note or "TOPK_V2" in verdict.note
    # The network itself does not.
    assert not [operator for operator in left if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D")]


def test_the_custom_operation_fails():
    model = read("detector_int8_raw.tflite")
    last = replace(model.main.operators[-1], name="CUSTOM", custom_name="TFLite_Detection_PostProcess")
    changed = replace(model, subgraphs=(replace(model.main, operators=(*model.main.operators[:-1], last)),))
    verdict = gpu_delegate.verdict(changed)
    assert not verdict.works
    assert "TFLite_Detection_PostProcess" in verdict.why and "7936" in verdict.why
    assert "raw-head twin" in verdict.fix


def test_types_count_and_constants_do_not():
    model = read("detector_int8_raw.tflite")
    first = model.main.operators[0]
    tensors = list(model.main.tensors)
    at = first.inputs[0]
    tensors[at] = replace(tensors[at], type="int64")
    changed = replace(model, subgraphs=(replace(model.main, tensors=tuple(tensors)),))
    assert [operator.name for operator in gpu_delegate.left_on_cpu(changed)] == [first.name]
    # The weights of the first convolution.
    tensors = list(model.main.tensors)
    conv = next(operator for operator in model.main.operators if operator.name == "CONV_2D")
    tensors[conv.inputs[1]] = replace(tensors[conv.inputs[1]], type="int64")
    changed = replace(model, subgraphs=(replace(model.main, tensors=tuple(tensors)),))
    assert not gpu_delegate.left_on_cpu(changed)


def test_inspect_has_a_row_of_it():
    found = inspect(read("detector_int8.tflite"))
    assert f"{gpu_delegate.NAME}  works" in " ".join(text.as_text(found).split("\n")).replace("   ", "  ")
    assert as_dict(found)["consumers"][gpu_delegate.NAME]["note"] == found.gpu.note

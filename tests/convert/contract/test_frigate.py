from __future__ import annotations

import dataclasses

import pytest

from convert.contract import frigate
from convert.inspect import text
from convert.inspect.inspection import as_dict, inspect
from runtime.model.tflite import Model
from tests.support.paths import GOLDEN

INT8 = "detector_int8.tflite"


def changed(model: Model, *, outputs=None, input_type: str = "", shape: tuple[int, ...] = ()) -> Model:
    """`model` with another order of outputs, or another input."""
    main = model.main
    tensors = list(main.tensors)
    at = main.inputs[0]
    tensors[at] = dataclasses.replace(tensors[at], type=input_type or tensors[at].type, shape=shape or tensors[at].shape)
    main = dataclasses.replace(main, tensors=tuple(tensors), outputs=outputs or main.outputs)
    return dataclasses.replace(model, subgraphs=(main, *model.subgraphs[1:]))


def test_an_int8_file_works_and_its_threshold_has_to_be_set():
    found = inspect(Model.read(GOLDEN / INT8))
    assert found.frigate.works and found.frigate.note.startswith("scores below 0.4 are dropped")
    assert as_dict(found)["consumers"][frigate.NAME]["works"] is True
    assert f"{frigate.NAME}      works" in text.as_text(found)


@pytest.mark.parametrize(
    ("name", "why"),
    [("detector_fp16.tflite", "takes float32 in -1..1"), ("detector_int8_raw.tflite", "it reads four outputs")],
)
def test_a_file_of_floats_and_a_raw_head_do_not(name, why):
    verdict = frigate.verdict(Model.read(GOLDEN / name))
    assert not verdict.works and why in verdict.why and "--for frigate" in verdict.fix


def test_outputs_in_another_order_do_not():
    model = Model.read(GOLDEN / INT8)
    boxes, classes, scores, count = model.main.outputs
    verdict = frigate.verdict(changed(model, outputs=(scores, boxes, count, classes)))
    assert not verdict.works and "they are scores, boxes, count, classes" in verdict.why


def test_int8_bytes_are_for_a_coral_and_a_rectangle_is_distorted():
    model = Model.read(GOLDEN / INT8)
    verdict = frigate.verdict(changed(model, input_type="int8", shape=(1, 48, 96, 3)))
    assert verdict.works
    assert "on a Coral only" in verdict.note and "which 96 x 48 distorts" in verdict.note
    assert "squares" not in frigate.verdict(model).note

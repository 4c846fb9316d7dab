from __future__ import annotations

import numpy as np
import pytest

from runtime.inference.interpreter import Interpreter
from runtime.model import ports
from runtime.model.tflite import Model
from tests.support import tiny_detector


def test_a_file_says_the_same_as_an_interpreter(tmp_path):
    path = tmp_path / "tiny.tflite"
    outputs = [("q", np.zeros((1, 3), np.int8)), ("f", np.zeros((1, 3), np.float32))]
    path.write_bytes(tiny_detector.build(outputs, quantization={"q": (0.5, -3)}))
    model, interpreter = Model.read(path), Interpreter(path)
    assert ports.of_tensors(model, model.main.outputs) == interpreter.outputs
    assert ports.of_tensors(model, model.main.inputs) == interpreter.inputs


def test_stored_values_are_dequantized_and_others_converted(tmp_path):
    model = Model.parse(
        tiny_detector.build([("q", np.zeros(2, np.uint8)), ("i", np.zeros(2, np.int32))], quantization={"q": (0.5, 2)})
    )
    stored = [np.array([2, 5], np.uint8), np.array([7, -1], np.int32)]
    quantized, plain = ports.real(stored, ports.of_tensors(model, model.main.outputs))
    assert quantized.tolist() == [0, 1.5] and plain.tolist() == [7, -1]
    assert plain.dtype == quantized.dtype == np.float32


@pytest.mark.parametrize("kind", ["bfloat16", "string", "int4"])
def test_types_that_numpy_has_not_are_no_error(kind):
    model = Model.parse(tiny_detector.build())
    tensor = model.main.tensors[0]
    object.__setattr__(tensor, "type", kind)
    assert not ports.of_tensors(model, [0])[0].is_quantized

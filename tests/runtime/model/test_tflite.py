from __future__ import annotations

import random
import time

import numpy as np
import pytest

from runtime import InputError
from runtime.model import operators
from runtime.model.flatbuffer import FlatBuffer
from runtime.model.metadata import Metadata
from runtime.model.tflite import TYPES, Model
from tests.support import tiny_detector

COCO = "models/coco_ssd_mobilenet_v1_quant.tflite"
CAT = "models/fpnlite320_odapi_export_cat.tflite"


def test_tensors_and_operators_are_those_that_tensorflows_own_reader_finds(shared):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    data = (shared / CAT).read_bytes()
    model = Model.parse(data)
    theirs = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = theirs.subgraphs[0]
    assert len(model.main.tensors) == len(graph.tensors)
    for mine, other in zip(model.main.tensors, graph.tensors):
        assert mine.name == other.name.decode()
        assert mine.shape == tuple([] if other.shape is None else other.shape)
        assert TYPES.index(mine.type) == other.type
        scale = other.quantization.scale if other.quantization else None
        assert mine.quantization.scales.tolist() == ([] if scale is None else scale.tolist())
        if scale is not None:
            assert mine.quantization.zero_points.tolist() == other.quantization.zeroPoint.tolist()
            assert mine.quantization.axis == other.quantization.quantizedDimension
        content = theirs.buffers[other.buffer].data
        assert len(model.buffers[mine.buffer]) == (0 if content is None else len(content))
    for mine, other in zip(model.main.operators, graph.operators):
        code = theirs.operatorCodes[other.opcodeIndex]
        assert mine.name == operators.name_of(max(code.builtinCode, code.deprecatedBuiltinCode))
        assert mine.version == code.version
        assert mine.inputs == tuple(other.inputs) and mine.outputs == tuple(other.outputs)
    assert model.main.inputs == tuple(graph.inputs) and model.main.outputs == tuple(graph.outputs)


def test_operator_names_are_those_of_the_schema():
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    theirs = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    # The table ends where it was written; a newer schema has more, and none may differ.
    assert {code: operators.name_of(code) for code in theirs if code < len(operators.NAMES)} == {
        code: name for code, name in theirs.items() if code < len(operators.NAMES)
    }
    assert operators.name_of(9999) == "BUILTIN_9999"


def test_custom_operation_and_its_options(shared):
    step = Model.read(shared / COCO).main.operators[-1]
    assert (step.name, step.custom_name) == ("CUSTOM", "TFLite_Detection_PostProcess")
    assert step.custom_options.startswith(b"y_scale\0")


def test_signature_by_name(shared):
    model = Model.read(shared / CAT)
    (signature,) = model.signatures
    assert signature.key == "serving_default"
    assert signature.inputs == {"input": 0}
    assert model.main.tensors[signature.outputs["output_3"]].name == "StatefulPartitionedCall:3"


def test_associated_files(shared):
    assert list(Model.read(shared / COCO).associated_files()) == ["labelmap.txt"]
    assert Model.read(shared / CAT).associated_files() == {}


def test_a_tiny_file():
    model = Model.parse(tiny_detector.build(signature={"x": 3}, files={"a.txt": b"1"}))
    assert [str(model.main.tensors[i]) for i in model.main.inputs] == ["image [1, 8, 8, 3] uint8"]
    assert {step.name for step in model.main.operators} == {"RESHAPE"}
    assert model.signatures[0].outputs == {"x": model.main.outputs[3]}
    constant = model.main.tensors[model.main.operators[0].inputs[0]]
    assert np.array_equal(np.frombuffer(model.buffers[constant.buffer], np.float32), tiny_detector.BOXES.ravel())
    assert model.associated_files() == {"a.txt": b"1"}


@pytest.mark.parametrize("data", [b"", b"TFL3", b"<!DOCTYPE html>" * 9, b"\0\0\0\0TFL3", b"\xff\xff\xff\xffTFL3" + b"\xff" * 64])
def test_what_is_no_tflite(data, tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\.tflite"):
        Model.read(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Model.read(tmp_path / "none.tflite")
    with pytest.raises(InputError, match="it is a folder"):
        Model.read(tmp_path)


def test_damaged_archive():
    data = bytearray(tiny_detector.build(files={"a.txt": b"hello hello"}))
    data[data.rindex(b"hello hello")] ^= 1
    with pytest.raises(InputError, match="associated files are damaged"):
        Model.parse(bytes(data)).associated_files()


def everything(data):
    model = Model.parse(data)
    Metadata.of(model)
    model.associated_files()


def test_no_cut_is_worse_than_an_input_error(shared):
    data = (shared / COCO).read_bytes()
    chance = random.Random(0)
    cuts = [0, 4, 8, 20, 100] + [chance.randrange(len(data)) for _ in range(45)]
    refused = 0
    for cut in cuts:
        try:
            everything(data[:cut])
        except InputError:
            refused += 1
    assert refused >= 0.8 * len(cuts)


def test_no_changed_byte_is_worse_than_an_input_error(shared):
    """300 files with bytes changed in the structure (weights are skipped: they cannot be wrong)."""
    data = (shared / COCO).read_bytes()
    places = structure_of(data)
    chance = random.Random(1)
    refused, slowest = 0, 0.0
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(chance.choice((1, 3, 20))):
            broken[int(places[chance.randrange(len(places))])] = chance.choice((0, 1, 127, 128, 255))
        message = ""
        start = time.perf_counter()
        try:
            everything(bytes(broken))
        except InputError as error:
            message = str(error)
            refused += 1
        assert "\n" not in message
        slowest = max(slowest, time.perf_counter() - start)
    assert refused > 100
    assert slowest < 5


def test_the_number_of_tables_is_bounded(monkeypatch):
    data = tiny_detector.build()
    monkeypatch.setattr("runtime.model.flatbuffer.MOST_TABLES", 20)
    with pytest.raises(InputError, match="more than 20 tables"):
        Model.parse(data)


def test_what_is_read_is_bounded():
    flat = FlatBuffer(b"\0\0\0\0TFL3", b"TFL3", "x")
    for _ in range(10):
        flat.spend(100)
    with pytest.raises(InputError, match="without end"):
        flat.spend(100)


def structure_of(data):
    """The offsets of the file that are not in the content of a buffer."""
    model = Model.parse(data)
    start = np.frombuffer(model.data, np.uint8).__array_interface__["data"][0]
    free = np.ones(len(data), bool)
    for buffer in model.buffers:
        if len(buffer):
            place = np.frombuffer(buffer, np.uint8).__array_interface__["data"][0] - start
            free[place : place + len(buffer)] = False
    for content in model.metadata.values():
        place = data.index(content)
        free[place : place + len(content)] = True
    return np.flatnonzero(free)

"""Compiling with a fake edgetpu_compiler, since the real one cannot be downloaded."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from convert.contract import contract
from convert.edgetpu import compilation, driver
from convert.edgetpu.__main__ import main
from convert.file import flatbuffer_objects
from runtime.common.command import exit_code
from runtime.common.errors import InputError, KitError
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model
from tests.support.paths import TESTS
from tests.support.small_detector import LABELS, small_detector

STANDIN = TESTS / "support" / "edgetpu_standin.py"


@pytest.fixture
def export(small_detector, tmp_path) -> Path:
    """An export folder with an int8 file in it."""
    folder = tmp_path / "runs" / "one" / "export"
    folder.mkdir(parents=True)
    (folder / "detector_int8.tflite").write_bytes(small_detector.int8)
    return folder


@pytest.fixture
def compiler(tmp_path, monkeypatch, small_detector) -> Path:
    """The fake compiler as a program; it succeeds unless a test sets STANDIN_DO."""
    if sys.platform == "win32":
        pytest.skip("the compiler and its fake run on Linux only")
    program = tmp_path / "bin" / "edgetpu_compiler"
    program.parent.mkdir()
    # A script that starts the program, as in the compiler's package.
    program.write_text(f'#!/bin/sh\n"{sys.executable}" "{STANDIN}" "$@"\n')
    program.chmod(0o755)
    made = tmp_path / "made.tflite"
    made.write_bytes(compiled_bytes(small_detector.int8))
    monkeypatch.setenv("STANDIN_COMPILED", str(made))
    monkeypatch.setenv("STANDIN_DO", "full")
    monkeypatch.delenv("EDGETPU_COMPILER", raising=False)
    return program


def compiled_bytes(model: bytes) -> bytes:
    """`model` as the compiler returns it: one operation before the dequantization, no metadata, no signature."""
    from ai_edge_litert import schema_py_generated as schema

    objects = flatbuffer_objects.unpack(model)
    graph = objects.subgraphs[0]
    codes = [code.builtinCode for code in objects.operatorCodes]
    kept = [op for op in graph.operators if codes[op.opcodeIndex] in (6, 32)]
    made = [op.inputs[0] for op in kept if codes[op.opcodeIndex] == 6]
    objects.operatorCodes.append(
        schema.OperatorCodeT(
            deprecatedBuiltinCode=32, builtinCode=32, customCode="edgetpu-custom-op", version=1
        )
    )
    tpu = schema.OperatorT(
        opcodeIndex=len(codes),
        inputs=np.array(graph.inputs),
        outputs=np.array(made, np.int32),
        customOptions=np.arange(100, dtype=np.uint8),
    )
    graph.operators = [tpu, *kept]
    graph.outputs = graph.outputs[::-1]
    objects.metadata, objects.signatureDefs = [], []
    return flatbuffer_objects.pack(objects)


def compiled_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if "edgetpu" in path.name)


def test_success_keeps_the_contract(export, compiler):
    compiled = compilation.compile_file(export / "detector_int8.tflite", compiler=compiler)
    assert compiled_files(export) == ["detector_int8_edgetpu.log", "detector_int8_edgetpu.tflite"]
    assert compiled.share == 1.0
    facts = compiled.as_dict()
    assert facts["source"] == "edgetpu_compiler"
    assert facts["compiler"] == "16.0.384591198"
    assert (facts["on_edge_tpu"], facts["on_cpu"], facts["operations"]) == (9, 3, 12)
    assert (facts["on_chip_bytes"], facts["streamed_bytes"]) == (round(6.52 * 2**20), 64 * 1024)
    data = compiled.path.read_bytes()
    assert contract.check(data) == ()
    model = Model.parse(data)
    assert Metadata.of(model).outputs[0].name == "location"
    assert model.associated_files()["labels.txt"].decode() == LABELS.text()
    (tpu,) = [op for op in model.main.operators if op.custom_name == "edgetpu-custom-op"]
    assert tpu.custom_options == bytes(range(100))


def test_partial_mapping_fails_and_names_what_to_change(export, compiler, monkeypatch):
    monkeypatch.setenv("STANDIN_DO", "partial")
    with pytest.raises(KitError) as caught:
        compilation.compile_file(export / "detector_int8.tflite", compiler=compiler)
    message = str(caught.value)
    assert "44 %" in message
    assert "2 x RESHAPE (Tensor has unsupported rank" in message
    assert "such as layer" in message
    assert "DEQUANTIZE" not in message
    assert compiled_files(export) == [
        "detector_int8_edgetpu.log", "detector_int8_edgetpu.rejected.tflite",
    ]  # fmt: skip
    compiled = compilation.compile_file(export / "detector_int8.tflite", compiler=compiler, min_mapped=0.4)
    assert compiled.share == pytest.approx(4 / 9)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("internal error", "Internal compiler error. Aborting!"),
        ("invalid", "Compilation failed: Model failed in Tflite interpreter"),
        ("silent failure", "exit code 139"),
        ("no output", "wrote no detector_int8_edgetpu.tflite"),
    ],
)
def test_failures_leave_nothing_behind(export, compiler, monkeypatch, do, message):
    monkeypatch.setenv("STANDIN_DO", do)
    with pytest.raises(KitError, match=re.escape(message)):
        compilation.compile_file(export / "detector_int8.tflite", compiler=compiler)
    assert compiled_files(export) == []


def test_a_compiler_that_does_not_end_is_stopped(export, compiler, monkeypatch):
    monkeypatch.setenv("STANDIN_DO", "sleep")
    with pytest.raises(KitError, match=r"stopped after 0\.5 seconds"):
        compilation.compile_file(export / "detector_int8.tflite", compiler=compiler, timeout=0.5)
    assert compiled_files(export) == []


def test_an_output_without_anything_mapped_is_rejected(export, compiler, monkeypatch):
    monkeypatch.setenv("STANDIN_COMPILED", str(export / "detector_int8.tflite"))
    with pytest.raises(KitError, match="nothing in it runs on the Edge TPU"):
        compilation.compile_file(export / "detector_int8.tflite", compiler=compiler)
    assert "detector_int8_edgetpu.tflite" not in compiled_files(export)


def test_the_compiler_is_found(compiler, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(driver.CompilerMissing):
        driver.find()
    assert driver.find(compiler) == compiler
    monkeypatch.setenv("PATH", str(compiler.parent))
    assert driver.find() == compiler
    monkeypatch.setenv("EDGETPU_COMPILER", str(tmp_path / "none"))
    with pytest.raises(InputError, match="EDGETPU_COMPILER"):
        driver.find()
    assert driver.find(compiler) == compiler


def test_without_a_compiler_the_error_has_instructions(export, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("EDGETPU_COMPILER", raising=False)
    assert exit_code(main, [str(export / "detector_int8.tflite")]) == 1
    said = capsys.readouterr().err
    assert "https://coral.ai/docs/edgetpu/compiler/" in said
    assert "edgetpu_compiler -s detector_int8.tflite" in said
    assert "--finish detector_int8_edgetpu.txt detector_int8_edgetpu.tflite" in said


@pytest.fixture
def elsewhere(export, compiler, tmp_path) -> Path:
    """A folder with a compiled file and its log, as copied from a machine with the compiler."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    source = folder / "detector_int8.tflite"
    source.write_bytes((export / "detector_int8.tflite").read_bytes())
    output = driver.run(compiler, source)
    source.unlink()
    (folder / "detector_int8_edgetpu.tflite").write_bytes(output.model)
    (folder / "detector_int8_edgetpu.log").write_text(output.text)
    return folder


def test_finish_completes_a_file_compiled_elsewhere(export, elsewhere, monkeypatch, tmp_path):
    (export / "manifest.json").write_text('{"kit": "1"}')
    monkeypatch.chdir(tmp_path)
    log, made = (elsewhere / f"detector_int8_edgetpu.{end}" for end in ("log", "tflite"))
    assert exit_code(main, ["--finish", str(log), str(made)]) == 0
    assert contract.check((export / "detector_int8_edgetpu.tflite").read_bytes()) == ()
    manifest = json.loads((export / "manifest.json").read_text())
    assert manifest["kit"] == "1"
    assert manifest["edge_tpu"]["on_edge_tpu"] == 9
    assert manifest["edge_tpu"]["file"] == "detector_int8_edgetpu.tflite"


def test_finish_checks_like_compile_file(export, elsewhere, monkeypatch):
    made = elsewhere / "detector_int8_edgetpu.tflite"
    failed = elsewhere / "failed.log"
    failed.write_text("Edge TPU Compiler version 15.0\nInternal compiler error. Aborting!")
    with pytest.raises(KitError, match="Internal compiler error"):
        compilation.finish(failed, made, export=export)
    failed.write_text("nothing of the kind")
    with pytest.raises(InputError, match="neither a report nor"):
        compilation.finish(failed, made, export=export)
    with pytest.raises(InputError, match=r"detector_int8\.tflite, which .* is not in"):
        compilation.finish(elsewhere / "detector_int8_edgetpu.log", made, export=elsewhere)
    with pytest.raises(InputError, match="cannot be read"):
        compilation.finish(elsewhere / "missing.log", made, export=export)


def test_convert_compiles_the_exported_file(export, compiler, monkeypatch, capsys):
    from convert import __main__ as convert

    monkeypatch.setattr(convert.conversion, "source_of", lambda *arguments, **options: None)
    monkeypatch.setattr("convert.export.export.export", lambda *arguments, **options: ())
    arguments = ["--edgetpu", "--checkpoint", "any", "--out", str(export), "--edgetpu-compiler", str(compiler)]
    assert convert.main(arguments) == 0
    assert "9 of 12 operations on the Edge TPU" in capsys.readouterr().out
    assert compiled_files(export) == ["detector_int8_edgetpu.log", "detector_int8_edgetpu.tflite"]


def test_only_int8_detectors_are_compiled(small_detector, tmp_path, compiler):
    path = tmp_path / "detector_fp16.tflite"
    path.write_bytes(small_detector.fp16)
    with pytest.raises(InputError, match="not int8"):
        compilation.compile_file(path, compiler=compiler)
    path.write_bytes(compiled_bytes(small_detector.int8))
    with pytest.raises(InputError, match="already"):
        compilation.compile_file(path, compiler=compiler)


def test_check_is_called_a_prediction(export, capsys):
    assert exit_code(main, ["--check", str(export / "detector_int8.tflite")]) == 0
    said = capsys.readouterr().out
    assert "prediction" in said and "Only edgetpu_compiler decides" in said
    assert "9 of 9 operations" in said
    arguments = ["--check", "--json", str(export / "detector_int8.tflite")]
    assert exit_code(main, arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["source"] == "prediction"
    assert facts["share_before_post_processing"] == 1.0

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.compiled_model")

from runtime import Detector, InputError
from runtime.inference.engines import Request, compiled, open_engine
from runtime.media import images
from runtime.model.tflite import Model
from tests.support import tiny_detector
from tests.support.paths import GOLDEN, ROOT

RAW = GOLDEN / "detector_int8_raw.tflite"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return compiled.weights_folder()


@pytest.mark.parametrize("name", ["detector_int8.tflite", "detector_int8_raw.tflite"])
def test_it_detects_what_the_interpreter_does(name):
    image = images.read(sorted(GOLDEN.glob("*.ppm"))[0])
    found = [Detector(GOLDEN / name, engine=engine, score=0.1)(image) for engine in ("cpu", "compiled")]
    assert found[0]
    assert [(one.label, one.score, one.box.as_tuple()) for one in found[1]] == [
        (one.label, pytest.approx(one.score, abs=1e-6), pytest.approx(one.box.as_tuple(), abs=1e-3)) for one in found[0]
    ]


def test_ports_are_those_of_the_interpreter():
    one, other = (open_engine(RAW, Request(engine)).native for engine in ("cpu", "compiled"))
    for details in ("get_input_details", "get_output_details"):
        for theirs, ours in zip(getattr(one, details)(), getattr(other, details)(), strict=True):
            assert {key: np.asarray(theirs[key]).tolist() for key in ("name", "index", "shape", "quantization")} == {
                key: np.asarray(ours[key]).tolist() for key in ("name", "index", "shape", "quantization")
            }
            assert np.dtype(theirs["dtype"]) == np.dtype(ours["dtype"])


def test_packed_weights_are_kept_and_read_again(cache):
    open_engine(RAW, Request("compiled"))
    (kept,) = cache.iterdir()
    written = kept.stat().st_mtime_ns, kept.stat().st_size
    assert written[1] > 100_000
    open_engine(RAW, Request("compiled"))
    assert [path.name for path in cache.iterdir()] == [kept.name]
    assert (kept.stat().st_mtime_ns, kept.stat().st_size) == written
    # Another file has weights of its own.
    open_engine(GOLDEN / "detector_int8.tflite", Request("compiled"))
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("rest", [0, 40, 100_000])
def test_damaged_weights_are_made_anew(cache, rest):
    open_engine(RAW, Request("compiled"))
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:rest])
    assert open_engine(RAW, Request("compiled")).name == "compiled"
    assert kept.stat().st_size == len(whole)


def test_it_works_where_nothing_can_be_kept(cache):
    cache.parent.parent.mkdir(parents=True)
    cache.parent.write_text("not a folder")
    assert open_engine(RAW, Request("compiled", threads=1)).what == "ai-edge-litert's CompiledModel on 1 thread"


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused_and_ends_nothing(tmp_path, part):
    data = RAW.read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError, match=r"cut\.tflite"):
        open_engine(path, Request("compiled"))
    # Also without the check of open_engine.
    with pytest.raises(InputError, match=r"cut\.tflite"):
        compiled.load(str(path), Request("compiled"))


def test_inputs_of_another_shape_or_type_are_refused():
    native = open_engine(RAW, Request("compiled")).native
    (details,) = native.get_input_details()
    for wrong in (np.zeros((1, 2, 2, 3), np.uint8), np.zeros(details["shape"], np.float32)):
        with pytest.raises(ValueError, match="and not"):
            native.set_tensor(details["index"], wrong)


def test_what_it_cannot_run_it_says_beforehand():
    model = Model.read(RAW)
    tensors = list(model.main.tensors)
    tensors[model.main.outputs[0]] = replace(tensors[model.main.outputs[0]], signature=(1, -1, 4))
    changed = replace(model, subgraphs=(replace(model.main, tensors=tuple(tensors)),))
    assert "has no fixed size" in compiled.unfit(changed, Request())
    assert "compiled for the Edge TPU" in compiled.unfit(Model.parse(tiny_detector.build(compiled=True)), Request())
    assert compiled.unfit(model, Request()) == ""
    with pytest.raises(InputError, match="the CPU has no devices"):
        open_engine(RAW, Request("compiled", "usb"))


def test_litert_says_nothing_on_standard_error():
    code = "import sys; from runtime.inference.engines import Request, open_engine; open_engine(sys.argv[1], Request('compiled'))"
    done = subprocess.run([sys.executable, "-c", code, RAW], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

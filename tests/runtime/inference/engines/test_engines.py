from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from runtime import Detector, InputError, KitError
from runtime.inference import engines
from runtime.inference.engines import Request, delegate, edgetpu, open_engine, pycoral
from runtime.machine import interpreter_packages
from runtime.model.tflite import Model
from tests.support import paths, tiny_detector
from tests.support.edgetpu_library import edgetpu_library

IMAGE = np.zeros((9, 9, 3), np.uint8)


@pytest.fixture
def files(tmp_path):
    """A file for the CPU, and the same compiled for the Edge TPU."""
    for name, compiled in (("a_int8.tflite", False), ("a_int8_edgetpu.tflite", True)):
        (tmp_path / name).write_bytes(tiny_detector.build(compiled=compiled))
    return SimpleNamespace(plain=tmp_path / "a_int8.tflite", compiled=tmp_path / "a_int8_edgetpu.tflite")


@pytest.fixture
def chip(edgetpu_library, monkeypatch):
    """The stand-in library instead of Coral's."""
    monkeypatch.setattr(edgetpu, "LIBRARY", str(edgetpu_library))
    return edgetpu_library


def test_names_and_ranks_of_engines_are_unique():
    assert engines.names() == ["auto", "edgetpu", "pycoral", "delegate", "cpu", "compiled", "plain"]
    ranks = [module.RANK for module in engines._modules()]
    assert sorted(set(ranks)) == ranks


def test_auto_reports_its_choice_and_the_reasons(files):
    engine = open_engine(files.plain)
    assert (engine.name, engine.path, engine.notes) == ("cpu", str(files.plain), ())
    assert engine.what.startswith(f"{engine.package} on 2 threads (edgetpu: needs a file compiled for it")
    assert "pycoral: not installed" in engine.what
    assert "without XNNPACK" in open_engine(files.plain, Request("plain")).what
    assert open_engine(files.plain, Request("cpu", threads=1)).what == f"{engine.package} on 1 thread"


def test_a_compiled_file_runs_on_the_chip(files, chip, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGETPU_STANDIN_LOG", str(tmp_path / "log"))
    detector = Detector(files.compiled, device="usb:1")
    assert detector.engine == "edgetpu"
    assert (tmp_path / "log").read_text() == "device=usb:1\n"
    assert [item.class_id for item in detector(IMAGE)] == [1, 0]


def test_without_the_library_the_message_says_what_to_install(files, monkeypatch):
    monkeypatch.setattr(edgetpu, "LIBRARY", "libno_edgetpu.so.1")
    with pytest.raises(KitError, match=r"libno_edgetpu.so.1 is not installed; .*libedgetpu1-std") as error:
        open_engine(files.compiled)
    assert "a_int8.tflite on the CPU, which --fallback does by itself" in str(error.value)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("libusb-1.0.so.0: cannot open shared object file: No such file or directory", "needs libusb-1.0.so.0, which"),
        ("/x/libedgetpu.so.1: wrong ELF class: ELFCLASS32", "cannot be loaded: .*wrong ELF class.* get the build"),
    ],
)
def test_a_library_that_cannot_be_loaded(reason, message):
    assert re.search(message, edgetpu._load_error(reason))


def test_a_chip_that_fails_without_a_reason(files, chip, monkeypatch):
    monkeypatch.setenv("EDGETPU_STANDIN", "fail")
    monkeypatch.setattr(edgetpu.edgetpu_devices, "diagnose", lambda device: "no permission for it" if device else "")
    with pytest.raises(KitError, match="the Edge TPU cannot be used: no permission for it"):
        open_engine(files.compiled, Request(device="usb"))
    with pytest.raises(KitError, match="gives no reason; plug the accelerator in again"):
        open_engine(files.compiled)


def test_fallback_is_requested_and_noted(files, chip, monkeypatch):
    monkeypatch.setenv("EDGETPU_STANDIN", "fail")
    detector = Detector(files.compiled, fallback=True, device="usb:0")
    assert (detector.engine, detector.path) == ("cpu", str(files.plain))
    assert len(detector(IMAGE)) == 2
    (note,) = open_engine(files.compiled, Request(fallback=True)).notes
    assert note.endswith(f"; fell back on {files.plain}")
    files.plain.unlink()
    with pytest.raises(KitError, match=r"there is no a_int8\.tflite beside"):
        Detector(files.compiled, fallback=True)


def test_usb_2_gives_a_note(files, chip, monkeypatch):
    monkeypatch.setattr(edgetpu.edgetpu_devices, "usb2_warning", lambda: "on USB 2")
    assert open_engine(files.compiled).notes == ("on USB 2",)


@pytest.mark.parametrize(
    ("compiled", "request_", "message"),
    [
        (False, Request("tpu"), "--engine: there is no 'tpu'; give one of auto, edgetpu"),
        (False, Request("edgetpu"), "edgetpu: needs a file compiled for it"),
        (True, Request("cpu"), "use the int8 file that it was made of"),
        (True, Request("edgetpu", "gpu:0"), "an Edge TPU is called usb"),
        (False, Request("cpu", "usb:0"), "the CPU has no devices"),
        (False, Request("delegate"), "no library of a GPU or NPU found"),
        (False, Request("delegate", "lib.so,option"), "as key=value, not 'option'"),
    ],
)
def test_wrong_requests(files, compiled, request_, message):
    with pytest.raises(InputError, match=message):
        open_engine(files.compiled if compiled else files.plain, request_)


def test_any_delegate_library(files, edgetpu_library, monkeypatch, tmp_path):
    monkeypatch.setenv("EDGETPU_STANDIN_LOG", str(tmp_path / "log"))
    engine = open_engine(files.plain, Request("delegate", f"{edgetpu_library},cache=/tmp/x,level=2"))
    assert (engine.name, engine.what) == ("delegate", f"{edgetpu_library}, {engine.package}")
    assert (tmp_path / "log").read_text() == "cache=/tmp/x\nlevel=2\n"
    monkeypatch.setattr(delegate, "LIBRARIES", {edgetpu_library.name: "a test's"})
    monkeypatch.setattr(delegate, "FOLDERS", (str(edgetpu_library.parent),))
    assert open_engine(files.plain).name == "delegate"
    monkeypatch.setenv("EDGETPU_STANDIN", "fail")
    engine = open_engine(files.plain)
    assert engine.name == "cpu" and "makes no delegate: it gives no reason" in engine.notes[0]


def test_a_library_that_is_no_delegate(files, tmp_path):
    import _ctypes

    with pytest.raises(KitError, match="is no delegate"):
        open_engine(files.plain, Request("delegate", _ctypes.__file__))
    with pytest.raises(KitError, match="cannot be loaded"):
        open_engine(files.plain, Request("delegate", str(tmp_path / "none.so")))


class FakePycoral:
    """Installs modules with the interface of pycoral."""

    def __init__(self, monkeypatch, tmp_path, genuine):
        self.asked = []
        folder = tmp_path / "site" / "pycoral"
        (folder / "utils" if genuine else folder).mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        if genuine:
            (folder / "utils" / "__init__.py").write_text("")
            (folder / "utils" / "edgetpu.py").write_text("")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        for name in ("pycoral", "pycoral.utils", "pycoral.utils.edgetpu"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        if genuine:
            fake = ModuleType("pycoral.utils.edgetpu")
            fake.make_interpreter = self.make_interpreter
            monkeypatch.setitem(sys.modules, "pycoral.utils.edgetpu", fake)

    def make_interpreter(self, path, device=None, delegate=None):
        self.asked.append(device)
        if device == "usb:9":
            raise ValueError("Failed to load delegate")
        module, _ = interpreter_packages.find_package()
        return module.Interpreter(model_path=path)


def test_a_genuine_pycoral(files, monkeypatch, tmp_path):
    fake = FakePycoral(monkeypatch, tmp_path, genuine=True)
    # The interpreter stands in for Coral's, so it gets a file that it can run.
    monkeypatch.setattr(pycoral, "is_compiled", lambda model: True)
    engine = open_engine(files.plain, Request("pycoral", "usb:1"))
    assert (engine.name, engine.package, engine.what) == ("pycoral", "pycoral", "pycoral usb:1")
    open_engine(files.plain, Request("pycoral"))
    assert fake.asked == ["usb:1", None]
    with pytest.raises(KitError, match="the Edge TPU cannot be used"):
        open_engine(files.plain, Request("pycoral", "usb:9"))


def test_the_other_pycoral_is_named(files, monkeypatch, tmp_path):
    FakePycoral(monkeypatch, tmp_path, genuine=False)
    about = {"Summary": "Simple CLI for Allen Coral Atlas"}
    monkeypatch.setattr(metadata, "metadata", lambda name: about)
    reason = pycoral.unfit(Model.read(files.plain), Request())
    assert reason.startswith('the installed package pycoral ("Simple CLI for Allen Coral Atlas") is another project')
    with pytest.raises(InputError, match="pip uninstall pycoral"):
        open_engine(files.plain, Request("pycoral"))
    assert "another project" in open_engine(files.plain).what


def test_a_file_that_is_cut_while_its_model_runs_kills_nothing(tmp_path):
    """Who copies another file over the model's truncates it first; a process that has mapped it gets SIGBUS."""
    model = tmp_path / "model.tflite"
    shutil.copyfile(paths.ROOT / "tests" / "golden" / "detector_int8.tflite", model)
    code = (
        "import os, sys, numpy as np\n"
        "from runtime.inference.detector import Detector\n"
        "detector = Detector(sys.argv[1], engine='cpu')\n"
        "os.truncate(sys.argv[1], 0)\n"
        "print(len(detector(np.zeros((64, 64, 3), np.uint8))) >= 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, cwd=paths.ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr

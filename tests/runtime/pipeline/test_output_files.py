from __future__ import annotations

import argparse

import pytest

from runtime import InputError
from runtime.pipeline import output_files
from runtime.sources import open_source
from tests.support.paths import GOLDEN

INPUTS = {
    "model.tflite": "the model",
    "active.tflite": "the model that runs",
    "names.txt": "the file of the class names",
    "labels.txt": "the file that the class names were read from",
    "runtime.yaml": "the configuration file",
    "delegate.so": "the library delegate.so",
    "ca.pem": "the file of certificates",
}


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Calls `output_files.check` with the inputs above and `square.ppm`."""
    monkeypatch.chdir(tmp_path)
    for name in INPUTS:
        (tmp_path / name).write_text("kept")
    (tmp_path / "square.ppm").write_bytes((GOLDEN / "square.ppm").read_bytes())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes((GOLDEN / "square.ppm").read_bytes())

    def call(*outputs, json=None, health=None, source="square.ppm"):
        options = argparse.Namespace(
            file="model.tflite", labels="names.txt", config="runtime.yaml", device=["usb:0", "delegate.so"],
            json=json, health=health,
        )  # fmt: skip
        with open_source(source) as opened:
            output_files.check(options, opened, "active.tflite", "labels.txt", outputs)

    return call


@pytest.mark.parametrize(("name", "what"), [*INPUTS.items(), ("square.ppm", "the source")])
def test_no_output_is_an_input(check, tmp_path, name, what):
    (tmp_path / "symbolic.png").symlink_to(name)
    (tmp_path / "hard.png").hardlink_to(tmp_path / name)
    for path in (name, f"in/../{name}", str(tmp_path / name), "symbolic.png", "hard.png"):
        for outputs in ({"json": path}, {"health": path}):
            with pytest.raises(InputError, match=f"{path}: is {what} itself; give another name"):
                check("mqtts://broker/x,qos=1,ca=ca.pem", **outputs)
        for spec in (path, f"sheet:{path}", f"crops:{path}"):
            with pytest.raises(InputError, match=f": is {what} itself"):
                check("mqtts://broker/x,ca=ca.pem", spec)


def test_an_image_of_the_source_is_not_written_over(check):
    for spec in ("in/a.png", "sheet:in/a.png"):
        with pytest.raises(InputError, match=r"^in/a\.png: lies in the source and would be overwritten"):
            check(spec, source="in")


def test_other_outputs_are_allowed(check):
    check("out.mp4", "sheet:in/new.png", "web:8000", "mqtt://host/model.tflite", json="-", health="/dev/null", source="in")
    check("in", json="/dev/null")

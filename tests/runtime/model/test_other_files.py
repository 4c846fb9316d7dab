from __future__ import annotations

import io
import zipfile

import pytest

from runtime import InputError
from runtime.model.other_files import describe_file, describe_folder
from runtime.model.tflite import Model
from tests.support import tiny_detector


def zipped(*names):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("best one.pt", zipped("best/data.pkl", "best/data/0"), "yolo export model='best one.pt' format=tflite"),
        ("old.pth", b"\x80\x02\x8a\nl\xfc\x9cF", "a PyTorch model"),
        ("best.onnx", b"\x08\x08\x12\x07pytorch", "onnx2tf -i best.onnx"),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "from_keras_model"),
        ("m.keras", zipped("metadata.json", "config.json", "model.weights.h5"), "from_keras_model"),
        ("frozen_inference_graph.pb", b"\n\x1c", "python -m convert takes the folder of a model of the Object Detection API"),
        ("hand.task", zipped("hand_{detector}.tflite"), r"unpack it, .*: hand_{detector}\.tflite"),
        ("a.zip", zipped("readme"), "a zip file without a .tflite in it"),
        ("a.zip", zipped("readme")[:-30], "cut short"),
        ("m.tflite", b"", "empty"),
        ("m.tflite", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        ("m.tflite", b"\n<!DOCTYPE HTML><html>", "a web page"),
        ("cat.tflite", b"\xff\xd8\xff\xe0", "after --source"),
        ("runtime.yaml", b"file: x.tflite", "--config"),
        ("m.engine", b"ftrt", "TensorRT"),
    ],
)
def test_what_a_file_is_and_what_to_do(name, data, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=f"^{name}: not a .tflite file: it is .*{words}"):
        Model.read(name)


def test_a_file_of_no_known_kind():
    assert describe_file(b"no such beginning", "x.bin") == ""


def test_a_run_is_named_with_the_files_that_were_made_of_it(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").touch()
    assert f"python -m convert --int8 --run {tmp_path}" in describe_folder(tmp_path)
    (tmp_path / "export").mkdir()
    (tmp_path / "export/detector_int8.rejected.tflite").touch()
    assert "without .tflite files" in describe_folder(tmp_path)
    (tmp_path / "export/detector_int8.tflite").touch()
    assert describe_folder(tmp_path) == f"it is a folder; give the file in it: {tmp_path}/export/detector_int8.tflite"
    for number in range(9):
        (tmp_path / f"{number}.tflite").touch()
    assert describe_folder(tmp_path) == f"it is a folder with 10 .tflite files; give one of them, such as {tmp_path}/0.tflite"


def test_folders_of_tensorflow(tmp_path):
    assert describe_folder(tmp_path) == "it is a folder; give a .tflite file"
    (tmp_path / "saved_model.pb").touch()
    assert "a SavedModel" in describe_folder(tmp_path)
    (tmp_path / "pipeline.config").touch()
    assert f"Object Detection API; make a .tflite of it with: python -m convert {tmp_path} --fp16" in describe_folder(tmp_path)


def test_a_detector_is_none_of_these(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(tiny_detector.build())
    assert Model.read(path).main.outputs

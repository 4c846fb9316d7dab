"""The files for Frigate: as its own loaders read them, and whole whatever the classes are called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

import convert.__main__ as command
from convert import destinations
from convert.__main__ import main
from convert.contract.contract import finish
from runtime.common.command import exit_code
from runtime.common.errors import InputError
from runtime.common.values import Labels
from tests.support.paths import GOLDEN

CLASSES = ["ring", "square", "star", "triangle"]


@pytest.fixture
def export(tmp_path) -> Path:
    folder = tmp_path / "run" / "export"
    folder.mkdir(parents=True)
    shutil.copy(GOLDEN / "detector_int8.tflite", folder)
    return folder


def classes(label_map: Path) -> list[str]:
    """The classes as Frigate reads them: numbered lines if the first begins with a number, else one a line."""
    lines = label_map.read_text().splitlines()
    if not lines[0].split(" ", maxsplit=1)[0].isdigit():
        return lines
    numbered = dict(line.split(" ", maxsplit=1) for line in lines)
    return [numbered[str(index)] for index in range(len(numbered))]


def renamed(export: Path, *names: str) -> None:
    path = export / "detector_int8.tflite"
    path.write_bytes(finish(path.read_bytes(), labels=Labels(names)))


def test_model_label_map_and_configuration(export):
    (export / "manifest.json").write_text(
        json.dumps(
            {"files": {"detector_int8.tflite": {"threshold": {"score": 0.3, "per_class": {"ring": {"score": 0.62}}}}}}
        )
    )
    advice = destinations.prepare("frigate", export)
    folder = export / "frigate"
    assert {path.name for path in folder.iterdir()} == {"model.tflite", "labelmap.txt", "config.yml"}
    assert (folder / "model.tflite").read_bytes() == (export / "detector_int8.tflite").read_bytes()
    assert classes(folder / "labelmap.txt") == CLASSES
    assert "labelmap.txt" in advice and str(folder) in advice
    found = yaml.safe_load((folder / "config.yml").read_text())
    assert found["detectors"] == {"cpu": {"type": "cpu", "num_threads": 3}}
    assert found["model"] == {
        "path": "/config/model.tflite", "labelmap_path": "/config/labelmap.txt", "width": 320, "height": 320,
        "input_tensor": "nhwc", "input_pixel_format": "rgb", "input_dtype": "int", "model_type": "ssd",
    }  # fmt: skip
    assert found["objects"]["track"] == CLASSES
    # Frigate drops what is below 0.4 whatever its configuration says.
    assert found["objects"]["filters"]["ring"] == {"min_score": 0.52, "threshold": 0.62}
    assert found["objects"]["filters"]["star"] == {"min_score": 0.4, "threshold": 0.4}


def test_a_file_that_is_not_the_one_in_the_manifest_is_refused(export):
    (export / "manifest.json").write_text(json.dumps({"files": {"detector_int8.tflite": {"sha256": "0" * 64}}}))
    with pytest.raises(InputError, match=r"is not the file that manifest\.json beside it lists"):
        destinations.prepare("frigate", export)
    assert not (export / "frigate").exists()


def test_what_was_not_measured_has_no_filters(export):
    destinations.prepare("frigate", export)
    assert "filters" not in yaml.safe_load((export / "frigate" / "config.yml").read_text())["objects"]


@pytest.mark.parametrize("names", [("7 up", "no", "a: b", "x"), ("7", "8 9", "cat", "0"), ("no", "7 up", "#1 dog", "y")])
def test_classes_of_any_names(names, export):
    renamed(export, *names)
    destinations.prepare("frigate", export)
    assert classes(export / "frigate" / "labelmap.txt") == list(names)
    assert yaml.safe_load((export / "frigate" / "config.yml").read_text())["objects"]["track"] == list(names)


def test_the_file_compiled_for_a_coral_is_taken_unless_it_is_of_an_earlier_export(export):
    (export / "detector_int8_edgetpu.tflite").write_bytes(b"chip")
    for manifest, kept, detector in (({}, "detector_int8.tflite", "cpu"), ({"edge_tpu": {}}, "detector_int8_edgetpu.tflite", "coral")):
        (export / "manifest.json").write_text(json.dumps(manifest))
        destinations.prepare("frigate", export)
        assert (export / "frigate" / "model.tflite").read_bytes() == (export / kept).read_bytes()
        assert list(yaml.safe_load((export / "frigate" / "config.yml").read_text())["detectors"]) == [detector]


def test_what_frigate_does_not_read_is_refused_and_nothing_written(export):
    shutil.copy(GOLDEN / "detector_fp16.tflite", export / "detector_int8.tflite")
    with pytest.raises(InputError, match="takes float32"):
        destinations.prepare("frigate", export)
    (export / "detector_int8.tflite").unlink()
    with pytest.raises(InputError, match="no such file"):
        destinations.prepare("frigate", export)
    assert not (export / "frigate").exists()


def test_the_option_asks_for_int8_and_for_one_image(tmp_path, capsys):
    assert exit_code(main, ["--for", "frigate", "--batch", "2", "--run", str(tmp_path)]) == 2
    assert "--for frigate takes a file for one image" in capsys.readouterr().err
    assert exit_code(main, ["--for", "frigate", "--run", str(tmp_path / "none")]) == 2
    assert "say what to write" not in capsys.readouterr().err


def test_the_command_writes_int8_and_then_the_folder(export, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(command, "_write", lambda arguments: asked.append(arguments.int8) or export)
    assert exit_code(main, ["--for", "frigate", "--run", str(export.parent)]) == 0
    assert asked == [True] and (export / "frigate" / "config.yml").is_file()
    assert "labelmap.txt" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("face", "cat", "x", "y"), {}),
        (("license_plate", "person", "ups", "y"), {"person": []}),
        (("license_plate", "car", "face", "y"), {"car": ["license_plate"]}),
        # As Frigate has it by itself.
        (("license_plate", "car", "person", "face"), None),
    ],
)
def test_classes_that_frigate_takes_for_parts_of_others_are_tracked_where_the_model_knows_no_others(names, expected, export):
    renamed(export, *names)
    destinations.prepare("frigate", export)
    found = yaml.safe_load((export / "frigate" / "config.yml").read_text())
    assert found["model"].get("attributes_map") == expected
    # All the others count as objects: attributes are those that this map names, wherever they were detected.
    assert found["objects"]["track"] == list(names)

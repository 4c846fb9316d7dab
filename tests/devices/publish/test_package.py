"""What a release is made of: which files of an export, under which names, and which images its self-test gets."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from devices.publish import package
from devices.releases.channel import NAME
from devices.releases.release import ReleaseFile
from devices.selftest import selftest
from runtime.common.errors import InputError
from runtime.common.values import Box, Detection
from runtime.media import images
from tests.support import tiny_detector

SURE = Detection("cell", 0, 0.8, Box(10, 10, 50, 50))
UNSURE = Detection("cell", 0, 0.45, Box(10, 10, 50, 50))

# What cameras, phones and people call their files.
NAMES = (
    "IMG (1).png",
    "Straße.png",
    "-rf.png",
    "写真.PNG",
    "a" * 200 + ".png",
    ".hidden.png",
    "A.png",
    "a.png",
    "e\u0301.png",
    "\u00e9.png",
    "100% 'x' \"y\" #?.png",
    "two..dots.png",
)


class Reference:
    """One that finds by an image's name; in crowded ones the machine's engine finds something else."""

    def image(self, source):
        return source.stem

    def expected(self, image):
        return {"empty": (), "faint": (UNSURE,)}.get(image, (SURE, UNSURE))

    def differences(self, image, expected):
        return ["did not find cell (0.80) at 10, 10, 50, 50"] if image == "crowded" else []


def informative(*names, references=1):
    sources = [Path(f"{name}.png") for name in names]
    return [path.stem for path in package._informative([Reference()] * references, sources, Path("run"))]


def test_only_images_on_which_working_devices_agree():
    assert informative("empty", "a", "crowded", "faint", "b", "c", "d") == ["a", "b", "c"]
    assert informative("crowded", "a") == ["a"]


def test_an_image_must_suit_every_model():
    class Other(Reference):
        def expected(self, image):
            return () if image == "a" else (SURE,)

    found = package._informative([Reference(), Other()], [Path("a.png"), Path("b.png")], Path("run"))
    assert found == [Path("b.png")]


def test_no_informative_image_is_an_error_with_a_reason():
    with pytest.raises(InputError, match=r"none of 2 images .*crowded.png: did not find cell .*--images"):
        informative("crowded", "empty")
    with pytest.raises(InputError, match=r"none of 0 images .*no image"):
        informative()


def model(score=0.9, size=8) -> bytes:
    """A model that finds the same things in every image, one with this score."""
    scores = np.array([[score, 0.1, 0.1]], np.float32)
    outputs = [(name, scores if name == "c" else array) for name, array in tiny_detector.OUTPUTS]
    return tiny_detector.build(outputs, input_shape=(1, size, size, 3))


def entry(kind, data) -> dict:
    return {"kind": kind, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "AP": 0.5}


def export(run: Path, models, labels=("labels.txt",)) -> Path:
    """A run with an export of `models`, a list of (name, kind, content), and files with labels of these names."""
    folder = run / "export"
    folder.mkdir(parents=True)
    for name, _, data in models:
        (folder / name).write_bytes(data)
    for name in labels:
        (folder / name).write_text("cat\ndog\nbird\n")
    files = {name: entry(kind, data) for name, kind, data in models}
    (folder / "manifest.json").write_text(json.dumps({"kit": "0", "labels": ["cat"], "files": files}))
    return run


def image(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path.parent / "written.png", np.full((60, 80, 3), shade, np.uint8))
    os.replace(path.parent / "written.png", path)
    return path


def packed(run, sources, tmp_path, name="one"):
    """The release of a run, and its folder on a device: the files by their names in the release."""
    made, files = package.package(run, name, sources, tmp_path / "work")
    folder = tmp_path / "device"
    folder.mkdir()
    for target, path in files.items():
        shutil.copy(path, folder / target)
    return made, folder


def as_golden(folder, kind="int8"):
    """The folder, with the self-test of a kind under the name that devices give it."""
    shutil.copy(folder / f"golden_{kind}.json", folder / "golden.json")
    return folder


@pytest.fixture(autouse=True)
def work(tmp_path):
    (tmp_path / "work").mkdir()


@pytest.mark.parametrize("first", range(0, len(NAMES), 3))
def test_no_name_of_an_image_matters(tmp_path, first):
    run = export(tmp_path / "run", [("detector_int8.tflite", "int8", model())])
    sources = [image(tmp_path / "images" / name, 50 + number) for number, name in enumerate(NAMES[first : first + 3])]
    made, folder = packed(run, sources, tmp_path)
    names = {file.name for file in made.files}
    assert all(NAME.fullmatch(name) and len(name) <= 35 for name in names)
    golden = selftest.read(as_golden(folder))
    assert [one.image.name[:3] for one in golden.images] == ["00_", "01_", "02_"]
    assert [images.read(one.image)[0, 0, 0] for one in golden.images] == [50, 51, 52]


@pytest.mark.parametrize("name", ["mein Modell.tflite", "détecteur.tflite", "x" * 90 + ".tflite", "detector.tflite", "--int8"])
def test_no_name_of_a_model_matters(tmp_path, name):
    run = export(tmp_path / "run", [(name, "int8", model()), ("other float.tflite", "fp16", model(0.8))])
    made, folder = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    assert made.models == {"int8": "detector_int8.tflite", "fp16": "detector_fp16.tflite"}
    assert (folder / "detector_int8.tflite").read_bytes() == model()
    assert (folder / "detector_fp16.tflite").read_bytes() == model(0.8)
    listed = json.loads((folder / "manifest.json").read_text())
    assert {kind: listed["files"][file]["kind"] for kind, file in made.models.items()} == {"int8": "int8", "fp16": "fp16"}
    assert name not in listed["files"] and listed["labels"] == ["cat"]
    for kind in made.models:
        assert selftest.run(folder / made.models[kind], as_golden(folder, kind)).differences == ()


@pytest.mark.parametrize("name", ["model (2).txt", "model (2)_labels.txt", "labelmap.txt", "labels.txt"])
def test_labels_that_lie_beside_a_model_come_along(tmp_path, name):
    """Without them a device would call what the golden calls a cat `class 0`, and refuse the release."""
    run = export(tmp_path / "run", [("model (2).tflite", "int8", model())], [name])
    made, folder = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    result = selftest.run(folder / made.models["int8"], as_golden(folder))
    assert result.differences == () and '"dog"' in (folder / "golden.json").read_text()


def test_models_of_two_input_sizes_keep_an_image_each(tmp_path):
    run = export(tmp_path / "run", [("a.tflite", "int8", model(size=8)), ("b.tflite", "fp16", model(size=16))])
    _, folder = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    sizes = {}
    for kind in ("int8", "fp16"):
        (one,) = selftest.read(as_golden(folder, kind)).images
        sizes[kind] = images.read(one.image).shape[0]
    assert sizes == {"int8": 8, "fp16": 16}


def test_models_of_one_input_size_share_their_images(tmp_path):
    run = export(tmp_path / "run", [("a.tflite", "int8", model()), ("b.tflite", "fp16", model())])
    made, _ = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    assert len([file for file in made.files if file.name.endswith(".png")]) == 1


def test_the_release_lists_what_its_files_are(tmp_path):
    run = export(tmp_path / "run", [("detector_int8.tflite", "int8", model())])
    made, folder = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    assert (folder / "manifest.json").read_bytes() == (run / "export" / "manifest.json").read_bytes()
    for file in made.files:
        data = (folder / file.name).read_bytes()
        assert file == ReleaseFile(file.name, len(data), hashlib.sha256(data).hexdigest())
    assert {file.name for file in made.files} | {"release.json"} == {path.name for path in folder.iterdir()}
    assert made.facts["AP"] == {"int8": 0.5} and made.facts["from"] == "run" and made.facts["kit"] == "0"


def test_a_compiled_file_beside_its_int8_file_comes_along(tmp_path):
    run = export(tmp_path / "run", [("mein Modell.tflite", "int8", model())])
    compiled = run / "export" / "mein Modell_edgetpu.tflite"
    compiled.write_bytes(tiny_detector.build(compiled=True))
    made, folder = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    assert made.models == {"int8": "detector_int8.tflite", "edgetpu": "detector_int8_edgetpu.tflite"}
    assert (folder / "detector_int8_edgetpu.tflite").read_bytes() == compiled.read_bytes()
    # Engines look for the int8 file by this name, where there is no Edge TPU.
    assert (folder / "detector_int8_edgetpu.tflite".replace("_edgetpu", "")).is_file()
    os.utime(compiled, (0, 0))
    shutil.rmtree(tmp_path / "work")
    with pytest.raises(InputError, match=r"is older than mein Modell.tflite; run python -m convert.edgetpu again"):
        package.package(run, "two", [tmp_path / "a.png"], tmp_path / "work")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "cannot be read as a manifest"),
        ("[]", "cannot be read as a manifest"),
        ('{"files": []}', "lists no files"),
        ('{"files": {"a.tflite": 1}}', "lists no files"),
        ('{"files": {"a.tflite": {"kind": "fp32"}}}', "has no edgetpu, int8, fp16 model in its manifest.json"),
        ('{"files": {"a.tflite": {"kind": "int8"}}}', "a.tflite: is listed in manifest.json but missing"),
        ('{"files": {"../m.tflite": {"kind": "int8"}}}', "m.tflite: is listed in manifest.json but missing"),
        ('{"files": {"m.tflite": {"kind": "int8"}}}', "m.tflite: is not the file that manifest.json lists"),
    ],
)
def test_a_manifest_that_is_none(tmp_path, content, said):
    (tmp_path / "m.tflite").write_bytes(b"m")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "m.tflite").write_bytes(b"m")
    (tmp_path / "run" / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=said):
        package.package(tmp_path / "run", "one", [], tmp_path / "work")


def test_labels_in_a_manifest_are_facts_only(tmp_path):
    run = export(tmp_path / "run", [("detector_int8.tflite", "int8", model())])
    manifest = run / "export" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "labels": None}))
    made, _ = packed(run, [image(tmp_path / "a.png", 90)], tmp_path)
    assert made.facts["labels"] == []

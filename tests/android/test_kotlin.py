"""The wrapper for Android: its core is compiled by Kotlin here, and runs real inference on the JVM."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from convert.contract import raw_twin
from runtime.common.opencv import cv2
from runtime.inference.detector import Detector
from runtime.media import images
from runtime.model.tflite import Model
from tests.support import android_classes, kotlin_compiler, tensorflow_lite_c
from tests.support.android_classes import APP, CORE, TESTS
from tests.support.golden_cases import sha256
from tests.support.paths import ROOT

pytestmark = pytest.mark.long

GOLDEN = ROOT / "tests" / "golden"
ANDROID = "{http://schemas.android.com/apk/res/android}"
SHARED_MODEL = "coco_ssd_mobilenet_v1_quant.tflite"
SCORE = 0.3


@pytest.fixture(scope="session")
def library() -> Path:
    try:
        return tensorflow_lite_c.folder()
    except tensorflow_lite_c.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def classes() -> Path:
    try:
        return android_classes.folder()
    except kotlin_compiler.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def suite(classes, library, tmp_path_factory) -> str:
    """What the tests in Kotlin said, whether or not all passed."""
    cases = tmp_path_factory.mktemp("kotlin_cases")
    shutil.copytree(library / tensorflow_lite_c.CLASSIFIERS, cases / "no_detectors")
    (cases / "cases.json").write_text(json.dumps(twin_cases(cases) + shared_cases(ROOT.parent / "shared", cases)))
    (cases / "without_metadata.tflite").write_bytes(without_metadata((GOLDEN / "detector_int8.tflite").read_bytes()))
    command = ["java", "-Xmx1g", "-XX:+UseSerialGC", f"-Djna.library.path={library}", "-cp", android_classes.classpath()]
    command += ["kit.detector.MainKt", str(GOLDEN), str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    return f"{done.stdout}{done.stderr}\nexit {done.returncode}\n"


def without_metadata(model: bytes) -> bytes:
    """The same model as others write it: the entry's name misspelt is an entry that nobody looks for."""
    assert model.count(b"TFLITE_METADATA") == 1
    return model.replace(b"TFLITE_METADATA", b"TFLITE_METAXXXX")


def twin_cases(folder: Path) -> list[dict]:
    """What Python finds with the golden float detector's twin, which ends before the post-processing."""
    model = GOLDEN / "detector_fp16.tflite"
    twin = folder / "detector_fp16_raw.tflite"
    twin.write_bytes(raw_twin.twin(model.read_bytes(), labels=Detector(model, engine="plain").labels))
    detector = Detector(twin, score=SCORE, engine="plain")
    return [case(detector, twin, folder, image, exact=False) for image in sorted(GOLDEN.glob("*.ppm"))]


def shared_cases(shared: Path, folder: Path) -> list[dict]:
    """What Python finds with a third party's detector."""
    model = shared / "models" / SHARED_MODEL
    if not model.is_file():
        return []
    shutil.copy(model, folder)
    found = sorted(path for path in (shared / "images").iterdir() if images.is_image(path))
    detector = Detector(model, score=SCORE, engine="plain")
    return [case(detector, model, folder, image, exact=True) for image in found]


def case(detector: Detector, model: Path, folder: Path, image: Path, *, exact: bool) -> dict:
    """One model and one image, which is written as raw RGB, since Kotlin reads no files of images here."""
    rgb = cv2.cvtColor(images.read(image), cv2.COLOR_BGR2RGB)
    (folder / f"{image.name}.rgb").write_bytes(rgb.tobytes())
    height, width = rgb.shape[:2]
    tensor = detector.preprocess(rgb, "RGB")
    found = detector.postprocess(detector.invoke(tensor), width, height)
    return {
        "file": model.name, "picture": f"{image.name}.rgb", "width": width, "height": height, "score": SCORE,
        "exact": exact, "input_sha256": sha256(tensor),
        "detections": [
            {"label": one.label, "class": one.class_id, "score": one.score, "box": one.box.as_tuple()} for one in found
        ],
    }  # fmt: skip


NAMES = [
    line.split('Test("')[1].split('")')[0]
    for path in sorted(TESTS.glob("*Tests.kt"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if 'Test("' in line
]


@pytest.mark.parametrize("name", NAMES)
def test_in_kotlin(suite, name):
    said = [line for line in suite.splitlines() if line.startswith((f"passed {name} (", f"failed {name}:"))]
    assert len(said) == 1, suite[-3000:]
    assert said[0].startswith("passed"), said[0]


def test_a_detector_of_others_was_there(shared, suite):
    assert (shared / "models" / SHARED_MODEL).is_file()
    assert suite.endswith("exit 0\n"), suite[-3000:]


def test_cases_find_something():
    """Agreement on nothing would prove nothing."""
    golden = json.loads((GOLDEN / "golden.json").read_text(encoding="utf-8"))
    assert all(any(result["detections"] for result in model["results"]) for model in golden["models"])


def test_the_android_layer_and_the_app_compile_against_declarations_by_hand(classes):
    for name in ("detector/Detector", "detector/android/Detectors", "app/DetectionSession"):
        assert (classes / "kit" / f"{name}.class").is_file(), name


def test_texts_and_classes_that_the_app_names_are_there():
    manifest = ElementTree.parse(APP / "AndroidManifest.xml").getroot()
    names = [value for element in manifest.iter() for key, value in element.attrib.items() if key == f"{ANDROID}name"]
    assert "android.permission.CAMERA" in names
    code = "".join(path.read_text(encoding="utf-8") for path in APP.rglob("*.kt"))
    for name in names:
        assert not name.startswith(".") or f"class {name[1:]} : " in code
    texts = {entry.get("name") for entry in ElementTree.parse(APP / "res" / "values" / "strings.xml").getroot()}
    assert set(re.findall(r"R\.string\.(\w+)", code)) | {"app_name"} == texts
    icon = manifest.find("application").get(f"{ANDROID}icon").removeprefix("@drawable/")
    assert (APP / "res" / "drawable" / f"{icon}.xml").is_file()


def test_the_build_names_what_the_catalogue_has():
    catalogue = (ROOT / "android" / "gradle" / "libs.versions.toml").read_text(encoding="utf-8")
    known = {line.split(" = ")[0].replace("-", ".") for line in catalogue.splitlines() if " = {" in line}
    used = set()
    for path in (ROOT / "android").rglob("build.gradle.kts"):
        used |= set(re.findall(r"\blibs\.(?:plugins\.)?([\w.]+)", path.read_text(encoding="utf-8")))
    assert used == known
    versions = set(re.findall(r'^([\w-]+) = "', catalogue, re.MULTILINE))
    assert versions == set(re.findall(r'version\.ref = "([\w-]+)"', catalogue))


def test_the_core_knows_no_android():
    for path in CORE.glob("*.kt"):
        imports = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("import ")]
        assert not [line for line in imports if "android" in line or "tensorflow" in line], path.name


def test_a_model_without_metadata_is_read_as_one():
    assert "TFLITE_METADATA" not in Model.parse(without_metadata((GOLDEN / "detector_int8.tflite").read_bytes())).metadata

"""The wrapper for Android: its core is compiled with Kotlin and runs inference on the JVM."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from runtime.model.tflite import Model
from tests.support import android_classes, kotlin_compiler, phone_cases, tensorflow_lite_c
from tests.support.android_classes import APP, CORE, TESTS
from tests.support.paths import GOLDEN, ROOT
from tests.support.small_detector import small_detector

pytestmark = pytest.mark.long

ANDROID = "{http://schemas.android.com/apk/res/android}"


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
def suite(classes, library, small_detector, tmp_path_factory) -> str:
    """The output of the Kotlin tests, whether or not all passed."""
    cases = tmp_path_factory.mktemp("kotlin_cases")
    expected = phone_cases.all_cases(small_detector, cases)
    phone_cases.write_cases(cases, expected, library)
    (cases / "without_metadata.tflite").write_bytes(without_metadata((GOLDEN / "detector_int8.tflite").read_bytes()))
    command = ["java", "-Xmx1g", "-XX:+UseSerialGC", f"-Djna.library.path={library}", "-cp", android_classes.classpath()]
    command += ["kit.detector.MainKt", str(GOLDEN), str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    return f"{done.stdout}{done.stderr}\nexit {done.returncode}\n"


def without_metadata(model: bytes) -> bytes:
    """`model` without TFLite Metadata: the entry is renamed, so that readers ignore it."""
    assert model.count(b"TFLITE_METADATA") == 1
    return model.replace(b"TFLITE_METADATA", b"TFLITE_METAXXXX")


NAMES = [
    line.split('Test("')[1].split('")')[0]
    for path in sorted(TESTS.rglob("*Tests.kt"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if 'Test("' in line
]


@pytest.mark.parametrize("name", NAMES)
def test_in_kotlin(suite, name):
    outcomes = [line for line in suite.splitlines() if line.startswith((f"passed {name} (", f"failed {name}:"))]
    assert len(outcomes) == 1, suite[-3000:]
    assert outcomes[0].startswith("passed"), outcomes[0]


def test_third_party_detector_was_tested(shared, suite):
    assert (shared / "models" / phone_cases.SHARED_MODEL).is_file()
    assert suite.endswith("exit 0\n"), suite[-3000:]


def test_golden_models_have_detections():
    """Comparing empty lists would prove nothing."""
    golden = json.loads((GOLDEN / "golden.json").read_text(encoding="utf-8"))
    assert all(any(result["detections"] for result in model["results"]) for model in golden["models"])


def test_android_layer_and_app_compile_against_declarations(classes):
    for name in ("detector/Detector", "detector/android/Detectors", "app/DetectionSession"):
        assert (classes / "kit" / f"{name}.class").is_file(), name


def test_strings_and_classes_that_the_app_refers_to_exist():
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


def test_gradle_files_use_the_version_catalog():
    catalog = (ROOT / "android" / "gradle" / "libs.versions.toml").read_text(encoding="utf-8")
    known = {line.split(" = ")[0].replace("-", ".") for line in catalog.splitlines() if " = {" in line}
    used = set()
    for path in (ROOT / "android").rglob("build.gradle.kts"):
        used |= set(re.findall(r"\blibs\.(?:plugins\.)?([\w.]+)", path.read_text(encoding="utf-8")))
    assert used == known
    versions = set(re.findall(r'^([\w-]+) = "', catalog, re.MULTILINE))
    assert versions == set(re.findall(r'version\.ref = "([\w-]+)"', catalog))


# What each folder of the core may import from the others. The core itself must compile without Android.
PACKAGES = {
    "": {"engine", "model", "preprocessing", "postprocessing"},
    "engine": set(),
    "model": set(),
    "preprocessing": {"engine", "model"},
    "postprocessing": {"engine", "model"},
}


def test_core_packages_mirror_folders_and_import_one_way():
    for path in CORE.rglob("*.kt"):
        folder = path.parent.relative_to(CORE).as_posix().removeprefix(".")
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0] == f"package kit.detector{'.' if folder else ''}{folder}", path
        imports = [line.removeprefix("import ") for line in lines if line.startswith("import ")]
        if folder == "android":
            continue
        assert not [name for name in imports if "android" in name or "tensorflow" in name], path
        used = {match[1] for name in imports if (match := re.match(r"kit\.detector\.([a-z]+)\.", name))}
        assert used <= PACKAGES[folder], f"{path} imports {used - PACKAGES[folder]}"


def test_model_without_metadata_has_none():
    assert "TFLITE_METADATA" not in Model.parse(without_metadata((GOLDEN / "detector_int8.tflite").read_bytes())).metadata

"""The wrapper for Android: its core is compiled with Kotlin and runs inference on the JVM."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from runtime.model.tflite import Model
from tests.support import android_classes, kotlin_compiler, phone_cases, tensorflow_lite_c
from tests.support.android_classes import CORE, LOGIC, TESTS
from tests.support.paths import GOLDEN, ROOT
from tests.support.small_detector import small_detector

pytestmark = pytest.mark.long


@pytest.fixture(scope="session")
def library() -> Path:
    try:
        return tensorflow_lite_c.folder()
    except tensorflow_lite_c.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def classes() -> Path:
    """The classes of `:detector`; the tests that use this are skipped where there is no compiler."""
    try:
        return android_classes.detector()
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


def test_libraries_and_app_compile_as_separate_modules(classes):
    """Each sees of the others what their build files have in `api`; warnings are errors."""
    assert (classes / "kit/detector/android/DetectorAnalyzer.class").is_file()
    assert (android_classes.litert() / "kit/detector/litert/InterpreterEngines.class").is_file()
    assert (android_classes.compiled_model() / "kit/detector/compiled/CompiledModelEngines.class").is_file()
    app = android_classes.app() / "kit" / "app"
    for name in ("MainActivity", "DetectionScreenKt", "OverlayKt", "Camera", "DetectionSession", "ModelLibrary", "EnginesKt", "VideoPlayer", "ZoneLayerKt"):
        assert (app / f"{name}.class").is_file(), name


def test_the_page_s_examples_and_the_other_flavor_compile(classes, tmp_path):
    page = (ROOT / "docs" / "how-to" / "android.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```kotlin\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    sources = []
    for number, block in enumerate(blocks):
        sources.append(tmp_path / f"Example{number}.kt")
        sources[-1].write_text(example(block, number), encoding="utf-8")
    folder = android_classes.users(sources)
    assert (folder / "kit/app/EnginesKt.class").is_file()
    assert len(list(folder.glob("Example*Kt.class"))) == len(blocks)


def example(block: str, number: int) -> str:
    """A Kotlin file of `block`, whose lines after its imports are the body of a function."""
    lines = block.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    body = [f"    {line}" for line in lines if not line.startswith("import ")]
    known = ["android.content.Context", "android.graphics.Bitmap", "androidx.camera.core.ImageAnalysis", "java.util.concurrent.Executor"]
    imports += [f"import {name}" for name in known]
    given = "context: Context, bitmap: Bitmap, analysis: ImageAnalysis, executor: Executor"
    head = '@file:Suppress("UNUSED_PARAMETER", "UNUSED_VARIABLE")'
    return "\n".join([head, *sorted(set(imports)), f"suspend fun example{number}({given}) {{", *body, "}"]) + "\n"


# What each folder of the core may import from the others. The core itself must compile without Android.
PACKAGES = {
    "": {"engine", "model", "preprocessing", "postprocessing"},
    "engine": {"model"},
    "model": set(),
    "preprocessing": {"engine", "model"},
    "postprocessing": {"engine", "model"},
    "tracking": set(),
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


def test_the_app_s_logic_needs_no_android():
    """It is compiled and run with the tests of the core."""
    sources = sorted(LOGIC.rglob("*.kt"))
    assert sources
    for path in sources:
        assert not re.findall(r"^import (?:android|androidx)\b.*", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_model_without_metadata_has_none():
    assert "TFLITE_METADATA" not in Model.parse(without_metadata((GOLDEN / "detector_int8.tflite").read_bytes())).metadata

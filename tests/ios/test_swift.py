"""The wrapper for iOS: its package is built and tested by Swift here, what needs Apple's frameworks is parsed."""

from __future__ import annotations

import hashlib
import json
import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from runtime.common.opencv import cv2
from runtime.inference.detector import Detector
from runtime.media import images
from tests.support import tensorflow_lite_c
from tests.support.golden_cases import sha256
from tests.support.paths import ROOT, TESTS

pytestmark = pytest.mark.long

PACKAGE = ROOT / "ios" / "Detector"
APP = ROOT / "ios" / "App"
DECLARATIONS = TESTS / "swift_declarations"
SHARED_MODEL = "coco_ssd_mobilenet_v1_quant.tflite"
SCORE = 0.3


@pytest.fixture(scope="session")
def swift() -> str:
    found = shutil.which("swift")
    if found is None:
        pytest.skip("no Swift toolchain here; see swift.org/install")
    return found


@pytest.fixture(scope="session")
def library() -> Path:
    try:
        return tensorflow_lite_c.folder()
    except tensorflow_lite_c.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def suite(swift, library, tmp_path_factory) -> str:
    """What `swift test` said, whether or not everything passed."""
    cases = tmp_path_factory.mktemp("swift_cases")
    shutil.copytree(library / tensorflow_lite_c.CLASSIFIERS, cases / "no_detectors")
    (cases / "cases.json").write_text(json.dumps(shared_cases(ROOT.parent / "shared", cases)))
    linker = [f"-L{library}", "-rpath", str(library)]
    command = [swift, "test", "--scratch-path", str(scratch()), "-Xswiftc", "-O"]
    command += [word for option in linker for word in ("-Xlinker", option)]
    environment = {**os.environ, "KIT_SWIFT_CASES": str(cases)}
    done = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=3600)
    return done.stdout + done.stderr + f"\nexit {done.returncode}\n"


def scratch() -> Path:
    """Where Swift builds: in the cache, so that the checkout stays clean and the next run is quick."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    mark = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return cache / "edge-detection-kit" / "swift" / mark


def shared_cases(shared: Path, folder: Path) -> list[dict]:
    """What Python finds with a third party's detector, and its images as raw RGB, which Swift can read."""
    model = shared / "models" / SHARED_MODEL
    if not model.is_file():
        return []
    shutil.copy(model, folder)
    detector = Detector(model, score=SCORE, engine="plain")
    cases = []
    for path in sorted(path for path in (shared / "images").iterdir() if images.is_image(path)):
        rgb = cv2.cvtColor(images.read(path), cv2.COLOR_BGR2RGB)
        (folder / f"{path.name}.rgb").write_bytes(rgb.tobytes())
        height, width = rgb.shape[:2]
        tensor = detector.preprocess(rgb, "RGB")
        found = detector.postprocess(detector.invoke(tensor), width, height)
        cases.append(
            {
                "file": SHARED_MODEL, "picture": f"{path.name}.rgb", "width": width, "height": height, "score": SCORE,
                "input_sha256": sha256(tensor),
                "detections": [
                    {"label": one.label, "class": one.class_id, "score": one.score, "box": one.box.as_tuple()}
                    for one in found
                ],
            }
        )  # fmt: skip
    assert any(case["detections"] for case in cases)
    return cases


def outcome(suite: str, name: str) -> str:
    """passed, failed or skipped, as XCTest says it."""
    (line,) = [line for line in suite.splitlines() if line.startswith("Test Case") and f".{name}'" in line and " started" not in line]
    return line.split("' ")[1].split()[0]


def test_the_swift_suite_passes(suite):
    failures = [line for line in suite.splitlines() if "error:" in line]
    assert suite.endswith("exit 0\n"), "\n".join(failures[:20]) or suite[-3000:]
    assert outcome(suite, "testEveryModelFindsTheSameInEveryPicture") == "passed"
    assert outcome(suite, "testFiveHundredMutatedFilesDoNotCrash") == "passed"
    assert outcome(suite, "testRealClassifiersAreRefused") == "passed"


def test_swift_and_python_agree_on_a_detector_of_others(shared, suite):
    assert (shared / "models" / SHARED_MODEL).is_file()
    assert outcome(suite, "testDetectorsOfOthersFindWhatPythonFinds") == "passed"


def swift_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.swift"))


def test_sources_for_apple_only_are_swift(swift):
    """Parsing finds what is no Swift; what the names mean there is no telling without Apple's frameworks."""
    files = swift_files(APP / "Sources")
    assert files
    check(["swiftc", "-frontend", "-parse", *map(str, files)])


def test_what_needs_few_of_apples_declarations_type_checks(swift, tmp_path):
    """Delegates, pixel buffers, and the app's state, against declarations by hand."""
    modules = [PACKAGE / "Sources" / "TensorFlowLiteC", DECLARATIONS / "TensorFlowLiteCMetal"]
    modules += [DECLARATIONS / "TensorFlowLiteCCoreML", tmp_path]
    options = ["-swift-version", "6", "-parse-as-library", "-Xcc", f"-I{modules[0]}"]
    options += [word for module in modules for word in ("-I", str(module))]

    def emit(name: str, files: list[Path]) -> None:
        target = str(tmp_path / f"{name}.swiftmodule")
        check(["swiftc", "-emit-module", "-module-name", name, *options, *map(str, files), "-o", target])

    emit("CoreVideo", [DECLARATIONS / "CoreVideo.swift"])
    emit("Detector", swift_files(PACKAGE / "Sources" / "Detector"))
    app = [APP / "Sources" / f"{name}.swift" for name in ("DetectionSession", "ModelLibrary")]
    check(["swiftc", "-typecheck", *options, str(DECLARATIONS / "Camera.swift"), *map(str, app)])


def check(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]


def test_no_force_unwraps():
    """A force unwrap is an exclamation mark behind a value; `!` in front of one, `!=` and strings are not."""
    for path in swift_files(ROOT / "ios"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("//")[0]
            for word in ("try!", "as!", ")!", "]!"):
                assert word not in code, f"{path.name}:{number}: {line.strip()}"


def test_the_app_says_why_it_wants_the_camera():
    content = plistlib.loads((APP / "Info.plist").read_bytes())
    assert "camera" in content["NSCameraUsageDescription"]
    assert content["UILaunchScreen"] == {}
    privacy = plistlib.loads((APP / "PrivacyInfo.xcprivacy").read_bytes())
    assert privacy["NSPrivacyTracking"] is False


def test_the_project_names_what_is_there():
    yaml = pytest.importorskip("yaml")
    project = yaml.safe_load((APP / "project.yml").read_text(encoding="utf-8"))
    (target,) = project["targets"].values()
    paths = [entry["path"] if isinstance(entry, dict) else entry for entry in target["sources"]]
    paths += [target["settings"]["base"]["INFOPLIST_FILE"], project["packages"]["Detector"]["path"]]
    for path in paths:
        assert (APP / path).exists(), path
    assert f'name: "{target["dependencies"][0]["package"]}"' in (PACKAGE / "Package.swift").read_text()

"""The wrapper for iOS: its package is built and tested with Swift; sources for Apple's frameworks are parsed."""

from __future__ import annotations

import hashlib
import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import phone_cases, tensorflow_lite_c
from tests.support.paths import ROOT, TESTS
from tests.support.small_detector import small_detector

pytestmark = pytest.mark.long

PACKAGE = ROOT / "ios" / "Detector"
APP = ROOT / "ios" / "App"
DECLARATIONS = TESTS / "swift_declarations"


@pytest.fixture(scope="session")
def swift() -> str:
    path = shutil.which("swift")
    if path is None:
        pytest.skip("no Swift toolchain found; see swift.org/install")
    return path


@pytest.fixture(scope="session")
def library() -> Path:
    try:
        return tensorflow_lite_c.folder()
    except tensorflow_lite_c.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def suite(swift, library, small_detector, tmp_path_factory) -> str:
    """The output of `swift test`, whether or not all tests passed."""
    cases = tmp_path_factory.mktemp("swift_cases")
    phone_cases.write_cases(cases, phone_cases.all_cases(small_detector, cases), library)
    linker = [f"-L{library}", "-rpath", str(library)]
    command = [swift, "test", "--scratch-path", str(scratch()), "-Xswiftc", "-O"]
    command += [word for option in linker for word in ("-Xlinker", option)]
    environment = {**os.environ, "KIT_SWIFT_CASES": str(cases)}
    done = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=3600)
    return done.stdout + done.stderr + f"\nexit {done.returncode}\n"


def scratch() -> Path:
    """Swift's build folder: in the cache, so that the checkout stays clean and later builds are quick."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    digest = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return cache / "edge-detection-kit" / "swift" / digest


def outcome(suite: str, name: str) -> str:
    """The outcome of a test in XCTest's output: passed, failed or skipped."""
    (line,) = [line for line in suite.splitlines() if line.startswith("Test Case") and f".{name}'" in line and " started" not in line]
    return line.split("' ")[1].split()[0]


def test_swift_suite_passes(suite):
    failures = [line for line in suite.splitlines() if "error:" in line]
    assert suite.endswith("exit 0\n"), "\n".join(failures[:20]) or suite[-3000:]
    assert outcome(suite, "testGoldenModelsGiveTheGoldenDetections") == "passed"
    assert outcome(suite, "testFiveHundredMutatedFilesDoNotCrash") == "passed"
    assert outcome(suite, "testClassifiersAreRejected") == "passed"
    assert outcome(suite, "testFileThatNeedsTensorFlow") == "passed"
    assert outcome(suite, "testRawOutputsOfAllTypesAndVersionsAreDecodedAsInPython") == "passed"
    assert outcome(suite, "testThresholdInTheFileIsTheDefaultInFourOutputFilesAndRawHeads") == "passed"


def test_swift_and_python_agree_on_raw_heads_and_a_third_party_detector(shared, suite):
    assert (shared / "models" / phone_cases.SHARED_MODEL).is_file()
    assert outcome(suite, "testRawHeadsAndThirdPartyDetectorsAgreeWithPython") == "passed"


def swift_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.swift"))


def test_app_sources_parse(swift):
    """Only the syntax is checked: type-checking needs Apple's frameworks."""
    files = swift_files(APP / "Sources")
    assert files
    check(["swiftc", "-frontend", "-parse", *map(str, files)])


def test_delegates_pixel_buffers_and_app_state_type_check(swift, tmp_path):
    """Against hand-written declarations of Apple's frameworks and of TensorFlow Lite's delegates."""
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
    """`!` after a value; `!` as a negation, `!=` and strings are allowed."""
    for path in swift_files(ROOT / "ios"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("//")[0]
            for word in ("try!", "as!", ")!", "]!"):
                assert word not in code, f"{path.name}:{number}: {line.strip()}"


def test_app_states_why_it_needs_the_camera():
    content = plistlib.loads((APP / "Info.plist").read_bytes())
    assert "camera" in content["NSCameraUsageDescription"]
    assert content["UILaunchScreen"] == {}
    privacy = plistlib.loads((APP / "PrivacyInfo.xcprivacy").read_bytes())
    assert privacy["NSPrivacyTracking"] is False


def test_paths_in_the_project_exist():
    yaml = pytest.importorskip("yaml")
    project = yaml.safe_load((APP / "project.yml").read_text(encoding="utf-8"))
    (target,) = project["targets"].values()
    paths = [entry["path"] if isinstance(entry, dict) else entry for entry in target["sources"]]
    paths += [target["settings"]["base"]["INFOPLIST_FILE"], project["packages"]["Detector"]["path"]]
    for path in paths:
        assert (APP / path).exists(), path
    assert f'name: "{target["dependencies"][0]["package"]}"' in (PACKAGE / "Package.swift").read_text()

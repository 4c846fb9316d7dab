"""The package and the app for iOS: the package is tested with Swift, and both compile against Apple's declarations."""

from __future__ import annotations

import hashlib
import json
import os
import plistlib
import re
import struct
import subprocess
from pathlib import Path

import pytest

from tests.support import phone_cases
from tests.support.paths import ROOT
from tests.support.small_detector import small_detector
from tests.support.swift_compiler import APP, SOURCES, swift_files

pytestmark = pytest.mark.long


@pytest.fixture(scope="session")
def suite(swift, library, small_detector, tmp_path_factory) -> str:
    """The output of `swift test`, whether or not all tests passed."""
    cases = tmp_path_factory.mktemp("swift_cases")
    expected = phone_cases.all_cases(small_detector, cases) + phone_cases.class_score_cases(cases)
    phone_cases.write_cases(cases, expected, library)
    linker = [f"-L{library}", "-rpath", str(library)]
    command = [swift, "test", "--scratch-path", str(scratch()), "-Xswiftc", "-O"]
    command += [word for option in linker for word in ("-Xlinker", option)]
    environment = {**os.environ, "KIT_SWIFT_CASES": str(cases)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=3600)
    return done.stdout + done.stderr + f"\nexit {done.returncode}\n"


def scratch() -> Path:
    """Swift's build folder: in the cache, so that the checkout stays clean and later builds are quick."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    digest = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return cache / "edge-detection-kit" / "swift" / digest


def outcome(suite: str, name: str) -> str:
    """The outcome of a test in XCTest's output: passed, failed or skipped."""
    (line,) = [
        line
        for line in suite.splitlines()
        if line.startswith("Test Case") and f".{name}'" in line and " started" not in line
    ]
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


# Two tasks write to the same object.
RACE = """
final class Tally {
    var count = 0
}

func countTwice() {
    let tally = Tally()
    Task.detached { tally.count += 1 }
    tally.count += 1
}
"""


def test_package_and_app_compile_without_warnings_and_data_races(package, compiler):
    """With Core ML, Metal and pixel buffers, against declarations of Apple's frameworks and of the delegates."""
    assert package.returncode == 0, package.stderr[-3000:]
    app = compiler.app()
    assert app.returncode == 0, app.stderr[-3000:]


def test_package_compiles_without_tensorflow_lite(compiler):
    done = compiler.package_without_tensorflow()
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("part", ["package", "app"])
def test_planted_race_is_found(package, compiler, tmp_path, part):
    planted = tmp_path / "Race.swift"
    planted.write_text(RACE, encoding="utf-8")
    done = (
        compiler.app(planted) if part == "app" else compiler.package([SOURCES / "EdgeDetection" / "Box.swift", planted])
    )
    errors = [line for line in done.stderr.splitlines() if ": error:" in line]
    assert done.returncode != 0
    assert errors
    assert all("Race.swift" in line for line in errors), done.stderr[-3000:]
    assert "data race" in done.stderr


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


def test_app_declares_the_apis_that_need_a_reason():
    """Of those that Apple lists as "required reason API"; an upload without them is refused."""
    privacy = plistlib.loads((APP / "PrivacyInfo.xcprivacy").read_bytes())
    declared = {entry["NSPrivacyAccessedAPIType"] for entry in privacy["NSPrivacyAccessedAPITypes"]}
    sources = "".join(
        path.read_text(encoding="utf-8") for path in swift_files(APP) + swift_files(SOURCES / "EdgeDetection")
    )
    words = {
        "UserDefaults": ["UserDefaults"], "SystemBootTime": ["systemUptime", "mach_absolute_time"],
        "FileTimestamp": ["creationDate", "modificationDate", "contentModificationDateKey", "fileModificationDate"],
        "DiskSpace": ["volumeAvailableCapacity", "systemFreeSize"], "ActiveKeyboards": ["activeInputModes"],
    }  # fmt: skip
    used = {
        f"NSPrivacyAccessedAPICategory{name}" for name, marks in words.items() if any(one in sources for one in marks)
    }
    assert declared == used


def test_icon_is_one_that_the_store_takes():
    folder = APP / "Assets.xcassets" / "AppIcon.appiconset"
    (image,) = json.loads((folder / "Contents.json").read_text(encoding="utf-8"))["images"]
    header = (folder / image["filename"]).read_bytes()[:26]
    width, height, depth, color = struct.unpack(">16x2I2B", header)
    assert (width, height, depth, color) == (1024, 1024, 8, 2), "RGB without transparency"
    assert image["size"] == "1024x1024"


# The calls whose first text is shown and looked up in the catalog, and a value in such a text.
VALUE = r"\\\((?:[^()]|\([^()]*\))*\)"
SHOWN = (
    r"(?:\b(?:Text|Button|Label|Toggle|Section|Menu|ProgressView|NavigationLink|SharePreview)\("
    r"|\.navigationTitle\(|String\(localized: )"
    rf'"((?:[^"\\]|{VALUE})*)"'
)


def test_what_the_app_shows_can_be_translated():
    catalog = json.loads((APP / "Localizable.xcstrings").read_text(encoding="utf-8"))
    sources = [path.read_text(encoding="utf-8") for path in swift_files(APP / "Sources")]
    shown = {re.sub(VALUE, "%@", text) for source in sources for text in re.findall(SHOWN, source)}
    assert len(shown) > 50
    assert set(catalog["strings"]) == shown
    for text, entry in catalog["strings"].items():
        for language in entry["localizations"].values():
            assert language["stringUnit"]["value"].count("%@") == text.count("%@"), text


def test_paths_in_the_project_exist():
    yaml = pytest.importorskip("yaml")
    project = yaml.safe_load((APP / "project.yml").read_text(encoding="utf-8"))
    (target,) = project["targets"].values()
    paths = [entry["path"] if isinstance(entry, dict) else entry for entry in target["sources"]]
    paths += [target["settings"]["base"]["INFOPLIST_FILE"], project["packages"]["EdgeDetection"]["path"]]
    for path in paths:
        assert (APP / path).exists(), path
    assert f'name: "{target["dependencies"][0]["package"]}"' in (ROOT / "Package.swift").read_text()

"""`ios/frameworks.py` and `ios/get_tensorflow_lite.sh`, on made-up xcframeworks; and how `Package.swift` finds them."""

from __future__ import annotations

import importlib.util
import json
import os
import plistlib
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.paths import ROOT

IOS = ROOT / "ios"
NAMES = ("TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal")
SLICES = {
    "ios-arm64": ("ios", ""),
    "ios-arm64_x86_64-simulator": ("ios", "simulator"),
    "ios-arm64_x86_64-maccatalyst": ("ios", "maccatalyst"),
}
ARCHIVE = b"!<arch>\n" + bytes(64)


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("frameworks", IOS / "frameworks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


frameworks = load()


def dylib(minimum: tuple[int, int] = (15, 1), command: int = frameworks.BUILD_VERSION) -> bytes:
    """The start of a dynamic library for iOS; the first load command is another one."""
    version = minimum[0] << 16 | minimum[1] << 8
    commands = [struct.pack("<4I", 0x1B, 16, 0, 0)]
    if command == frameworks.BUILD_VERSION:
        commands.append(struct.pack("<6I", command, 24, 2, version, version, 0))
    else:
        commands.append(struct.pack("<4I", command, 16, version, version))
    head = struct.pack("<8I", frameworks.MACHO_64, 0x0100000C, 0, frameworks.DYLIB, len(commands), 64, 0, 0)
    return head + b"".join(commands)


def fat(binary: bytes) -> bytes:
    return struct.pack(">7I", frameworks.FAT, 1, 0x0100000C, 0, 28, len(binary), 0) + binary


def xcframework(folder: Path, name: str, binary: bytes) -> Path:
    """A made-up xcframework with a slice for each of SLICES; that for the Mac has versions."""
    whole = folder / f"{name}.xcframework"
    libraries = []
    for identifier, (platform, variant) in SLICES.items():
        framework = whole / identifier / f"{name}.framework"
        inner = framework
        if variant == "maccatalyst":
            inner = framework / "Versions" / "A"
            (inner / "Resources").mkdir(parents=True)
            (framework / "Versions" / "Current").symlink_to("A")
            (framework / name).symlink_to(f"Versions/Current/{name}")
        inner.mkdir(parents=True, exist_ok=True)
        (inner / name).write_bytes(binary)
        library = {"LibraryIdentifier": identifier, "LibraryPath": framework.name, "SupportedPlatform": platform}
        libraries.append({**library, **({"SupportedPlatformVariant": variant} if variant else {})})
    (whole / "Info.plist").write_bytes(plistlib.dumps({"AvailableLibraries": libraries, "CFBundlePackageType": "XFWK"}))
    return whole


def plist(whole: Path, identifier: str) -> dict:
    framework = whole / identifier / f"{whole.stem}.framework"
    return plistlib.loads(frameworks.plist_path(framework).read_bytes())


def complete(folder: Path, version: str = "2.17.0") -> int:
    return frameworks.main(["--folder", str(folder), "complete", version])


def test_each_slice_gets_a_full_plist(tmp_path):
    whole = xcframework(tmp_path, "TensorFlowLiteC", ARCHIVE)
    (whole / "_CodeSignature").mkdir()
    assert complete(tmp_path) == 0
    device = plist(whole, "ios-arm64")
    assert device == {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleExecutable": "TensorFlowLiteC",
        "CFBundleIdentifier": "org.tensorflow.TensorFlowLiteC",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": "TensorFlowLiteC",
        "CFBundlePackageType": "FMWK",
        "CFBundleShortVersionString": "2.17.0",
        "CFBundleSupportedPlatforms": ["iPhoneOS"],
        "CFBundleVersion": "2.17.0",
        "DTPlatformName": "iphoneos",
        "MinimumOSVersion": frameworks.DEFAULT_MINIMUM,
    }
    simulator = plist(whole, "ios-arm64_x86_64-simulator")
    assert simulator == {
        **device,
        "CFBundleSupportedPlatforms": ["iPhoneSimulator"],
        "DTPlatformName": "iphonesimulator",
    }
    assert not (whole / "_CodeSignature").exists(), "it no longer fits"


def test_plist_of_a_slice_for_the_mac_is_in_its_version(tmp_path):
    whole = xcframework(tmp_path, "TensorFlowLiteC", ARCHIVE)
    assert complete(tmp_path) == 0
    framework = whole / "ios-arm64_x86_64-maccatalyst" / "TensorFlowLiteC.framework"
    assert (framework / "Versions" / "A" / "Resources" / "Info.plist").is_file()
    assert not (framework / "Info.plist").exists()
    content = plist(whole, "ios-arm64_x86_64-maccatalyst")
    assert content["CFBundleSupportedPlatforms"] == ["MacOSX"]
    assert content["LSMinimumSystemVersion"] == "10.15"
    assert "MinimumOSVersion" not in content


@pytest.mark.parametrize(
    ("binary", "minimum"),
    [
        (ARCHIVE, frameworks.DEFAULT_MINIMUM),
        (fat(ARCHIVE), frameworks.DEFAULT_MINIMUM),
        (dylib(), "15.1"),
        (fat(dylib((13, 0))), "13.0"),
        (dylib((12, 4), frameworks.VERSION_MIN_IPHONEOS), "12.4"),
    ],
)
def test_least_version_is_the_one_that_a_dynamic_slice_was_built_for(tmp_path, binary, minimum):
    whole = xcframework(tmp_path, "TensorFlowLiteC", binary)
    assert complete(tmp_path) == 0
    assert plist(whole, "ios-arm64")["MinimumOSVersion"] == minimum


def test_what_a_slice_says_itself_is_kept(tmp_path):
    whole = xcframework(tmp_path, "TensorFlowLiteC", ARCHIVE)
    own = whole / "ios-arm64" / "TensorFlowLiteC.framework" / "Info.plist"
    own.write_bytes(plistlib.dumps({"MinimumOSVersion": "14.0", "Other": 1}))
    assert complete(tmp_path) == complete(tmp_path) == 0
    content = plist(whole, "ios-arm64")
    assert (content["MinimumOSVersion"], content["Other"], content["CFBundlePackageType"]) == ("14.0", 1, "FMWK")


@pytest.mark.parametrize("damage", ["nothing", "plist", "binary", "platform"])
def test_what_is_not_an_xcframework_is_named(tmp_path, capsys, damage):
    if damage != "nothing":
        whole = xcframework(tmp_path, "TensorFlowLiteC", ARCHIVE)
    if damage == "plist":
        (whole / "Info.plist").write_bytes(b"?")
    if damage == "binary":
        (whole / "ios-arm64" / "TensorFlowLiteC.framework" / "TensorFlowLiteC").unlink()
    if damage == "platform":
        content = plistlib.loads((whole / "Info.plist").read_bytes())
        content["AvailableLibraries"][0]["SupportedPlatform"] = "tvos"
        (whole / "Info.plist").write_bytes(plistlib.dumps(content))
    assert complete(tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert str(tmp_path) in error
    assert not list(tmp_path.rglob("*.part"))


def test_script_completes_what_the_pod_brings(tmp_path):
    ios = tmp_path / "ios"
    (ios / "Detector").mkdir(parents=True)
    for name in ("get_tensorflow_lite.sh", "frameworks.py"):
        shutil.copy(IOS / name, ios)
    made = tmp_path / "made"
    for name in NAMES:
        xcframework(made, name, ARCHIVE)
    tools = tmp_path / "tools"
    tools.mkdir()
    pod = tools / "pod"
    pod.write_text(
        '#!/bin/sh\nfolder="${2#--project-directory=}"/Pods/TensorFlowLiteC\n'
        f'grep -q "2.16.1" "${{2#--project-directory=}}/Podfile" || exit 3\n'
        f'mkdir -p "$folder" && cp -R "{made}" "$folder/Frameworks"\n'
    )
    pod.chmod(0o755)
    paths = f"{tools}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", str(ios / "get_tensorflow_lite.sh"), "2.16.1"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": paths})
    for name in NAMES:
        content = plist(ios / "Detector" / "Frameworks" / f"{name}.xcframework", "ios-arm64")
        assert content["CFBundleShortVersionString"] == "2.16.1"


TARGET = re.compile(r'binaryTarget\(name: "(?P<name>\w+)", url: "(?P<url>[^"]+)", checksum: "(?P<checksum>\w+)"\)')


def release(folder: Path, manifest: Path) -> list[dict[str, str]]:
    """What a release of the frameworks in `folder` lists in a copy of the manifest."""
    if not manifest.exists():
        shutil.copy(ROOT / "Package.swift", manifest)
    command = ["--folder", str(folder), "release", "https://example.org/a/", "--manifest", str(manifest)]
    assert frameworks.main(command) == 0
    return [match.groupdict() for match in TARGET.finditer(manifest.read_text(encoding="utf-8"))]


def test_release_lists_address_and_checksum(tmp_path):
    whole = xcframework(tmp_path, "TensorFlowLiteC", dylib())
    (entry,) = release(tmp_path, tmp_path / "Package.swift")
    assert entry["url"] == "https://example.org/a/TensorFlowLiteC.xcframework.zip"
    with zipfile.ZipFile(tmp_path / "TensorFlowLiteC.xcframework.zip") as archive:
        names = set(archive.namelist())
        link = "TensorFlowLiteC.xcframework/ios-arm64_x86_64-maccatalyst/TensorFlowLiteC.framework/Versions/Current"
        assert archive.read(link) == b"A"
        assert archive.getinfo(link).external_attr >> 28 == 0o12, "a link stays a link"
    assert "TensorFlowLiteC.xcframework/Info.plist" in names
    os.utime(whole / "Info.plist", (0, 0))
    assert release(tmp_path, tmp_path / "Package.swift") == [entry], "the same content, the same checksum"


@pytest.mark.parametrize(("url", "word"), [("http://example.org", "https://"), ("https://example.org", "restore it")])
def test_release_that_cannot_be_listed_changes_nothing(tmp_path, capsys, url, word):
    xcframework(tmp_path, "TensorFlowLiteC", ARCHIVE)
    manifest = tmp_path / "Package.swift"
    manifest.write_text("let package = 1\n")
    assert frameworks.main(["--folder", str(tmp_path), "release", url, "--manifest", str(manifest)]) == 2
    assert word in capsys.readouterr().err
    assert manifest.read_text() == "let package = 1\n"
    assert not list(tmp_path.glob("*.zip"))


def test_checksum_is_the_one_that_swift_computes(swift, tmp_path):
    xcframework(tmp_path, "TensorFlowLiteC", ARCHIVE)
    (entry,) = release(tmp_path, tmp_path / "Package.swift")
    archive = tmp_path / "TensorFlowLiteC.xcframework.zip"
    done = subprocess.run(
        [swift, "package", "compute-checksum", str(archive)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == entry["checksum"], done.stderr


def test_manifest_links_what_is_there(swift, tmp_path):
    """As on a Mac: Linux has a branch of its own for tests."""
    text = (ROOT / "Package.swift").read_text(encoding="utf-8")
    assert "#if os(Linux)" in text
    manifest = tmp_path / "Package.swift"
    manifest.write_text(text.replace("#if os(Linux)", "#if os(Windows)"), encoding="utf-8")

    def binaries() -> list[dict]:
        command = [swift, "package", "--manifest-cache", "none", "dump-package"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=600)
        targets = json.loads(done.stdout)["targets"]
        (library,) = [target for target in targets if target["name"] == "EdgeDetection"]
        found = [target for target in targets if target["type"] == "binary"]
        assert [one["byName"][0] for one in library["dependencies"]] == [one["name"] for one in found]
        return found

    assert binaries() == [], "a clone without frameworks can be resolved"
    made = tmp_path / "made"
    for name in NAMES:
        xcframework(made, name, ARCHIVE)
    listed = release(made, manifest)
    assert [one["name"] for one in listed] == list(NAMES)
    assert [{key: one[key] for key in ("name", "url", "checksum")} for one in binaries()] == listed
    shutil.copytree(made, tmp_path / "ios" / "Detector" / "Frameworks", symlinks=True)
    assert [one.get("path") for one in binaries()] == [f"ios/Detector/Frameworks/{name}.xcframework" for name in NAMES]

"""`python3 ios/frameworks.py`: make TensorFlow Lite's xcframeworks fit for apps and for releases by URL.

`complete` gives each slice of the xcframeworks a full `Info.plist`: those of the pod have none, and a device refuses
to install an app with such a slice ("Failed to load Info.plist"), as App Store Connect does ("MinimumOSVersion is ''").
`release` zips them and writes their addresses and checksums into `Package.swift`. They are in the manifest itself since
SwiftPM keeps what it has read of a manifest until the manifest changes.

Uses the standard library only, since it runs on a Mac with nothing but Xcode's Python.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import plistlib
import shutil
import stat
import struct
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

IOS = Path(__file__).resolve().parent
LIST_START, LIST_END = "let releasedFrameworks: [Target] = [\n", "]\n"
# TensorFlow Lite's frameworks are built for iOS 12; what a static slice was built for is in no header of its own.
DEFAULT_MINIMUM = "12.0"
CHECKSUM_BYTES = 1 << 20


class Platform(NamedTuple):
    """The names of a platform in a framework's `Info.plist`."""

    supported: str
    name: str
    minimum: str


# By SupportedPlatform and SupportedPlatformVariant of an xcframework's Info.plist. On macOS and with Mac Catalyst the
# least version is that of macOS: Catalyst 13.1 came with macOS 10.15.
PLATFORMS = {
    ("ios", ""): Platform("iPhoneOS", "iphoneos", "MinimumOSVersion"),
    ("ios", "simulator"): Platform("iPhoneSimulator", "iphonesimulator", "MinimumOSVersion"),
    ("ios", "maccatalyst"): Platform("MacOSX", "macosx", "LSMinimumSystemVersion"),
    ("macos", ""): Platform("MacOSX", "macosx", "LSMinimumSystemVersion"),
}
MACOS_MINIMUM = "10.15"

# <mach-o/loader.h> and <mach-o/fat.h>
MACHO_64 = 0xFEEDFACF
FAT = 0xCAFEBABE
DYLIB = 6
VERSION_MIN_IPHONEOS = 0x25
BUILD_VERSION = 0x32
BUILD_PLATFORM_MACOS = 1


class Problem(Exception):
    """What was wrong, where, and what to do."""


class Binary(NamedTuple):
    """`minimum` is the least version of iOS that the binary was built for; None where it does not say."""

    is_dynamic: bool
    minimum: Optional[str]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 ios/frameworks.py",
        description="Make TensorFlow Lite's xcframeworks fit for apps, and for releases by URL and checksum.",
        epilog="example: python3 ios/frameworks.py release https://example.org/tflite-2.17.0",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=IOS / "Detector" / "Frameworks",
        metavar="DIR",
        help="default: ios/Detector/Frameworks",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    complete = commands.add_parser("complete", help="give each slice a full Info.plist")
    complete.add_argument("version", help="the version of TensorFlow Lite, such as 2.17.0")
    release = commands.add_parser("release", help="zip the frameworks and list them in Package.swift")
    release.add_argument("url", help="the address of the folder that the zip files will be uploaded to")
    release.add_argument(
        "--manifest", type=Path, default=IOS.parent / "Package.swift", metavar="FILE", help="default: Package.swift"
    )
    arguments = parser.parse_args(argv)
    try:
        frameworks = xcframeworks(arguments.folder)
        if arguments.command == "complete":
            for framework in frameworks:
                for slice_ in complete_slices(framework, arguments.version):
                    print(slice_.relative_to(arguments.folder))
        else:
            write_release(frameworks, arguments.url, arguments.manifest)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


def xcframeworks(folder: Path) -> list[Path]:
    """The xcframeworks in `folder`. Raises Problem if there are none."""
    found = sorted(folder.glob("*.xcframework"))
    if not found:
        raise Problem(f"{folder}: no .xcframework in it; run ios/get_tensorflow_lite.sh")
    return found


def complete_slices(xcframework: Path, version: str) -> Iterator[Path]:
    """Writes the `Info.plist` of each framework in `xcframework`; yields their paths.

    What a slice's own plist says is kept. A signature of the whole is removed, since it no longer fits.
    """
    try:
        content = plistlib.loads((xcframework / "Info.plist").read_bytes())
        libraries = content["AvailableLibraries"]
    except (OSError, KeyError, plistlib.InvalidFileException) as error:
        raise Problem(f"{xcframework}/Info.plist: not that of an xcframework ({error!r}); get it again") from error
    shutil.rmtree(xcframework / "_CodeSignature", ignore_errors=True)
    for library in libraries:
        framework = xcframework / library["LibraryIdentifier"] / library["LibraryPath"]
        if framework.suffix != ".framework":
            continue
        key = (library["SupportedPlatform"], library.get("SupportedPlatformVariant", ""))
        if key not in PLATFORMS:
            raise Problem(f"{framework}: its platform {'-'.join(filter(None, key))} is none of iOS's; remove the slice")
        binary = framework / framework.stem
        if not binary.is_file():
            raise Problem(f"{framework}: it has no binary {framework.stem}; get the framework again")
        target = plist_path(framework)
        old: dict[str, Any] = plistlib.loads(target.read_bytes()) if target.is_file() else {}
        full = {**info(framework.stem, PLATFORMS[key], version, read_binary(binary)), **old}
        write(target, plistlib.dumps(full))
        yield target


def plist_path(framework: Path) -> Path:
    """Where the framework's `Info.plist` is: frameworks for the Mac have versions and a folder Resources."""
    versions = framework / "Versions"
    if versions.is_dir():
        current = versions / "Current"
        version = current.resolve() if current.exists() else versions / "A"
        return version / "Resources" / "Info.plist"
    return framework / "Info.plist"


def info(name: str, platform: Platform, version: str, binary: Binary) -> dict[str, Any]:
    """The keys that an installation on a device and an upload to the App Store ask for."""
    minimum = binary.minimum or DEFAULT_MINIMUM
    return {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleExecutable": name,
        "CFBundleIdentifier": f"org.tensorflow.{name}",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": name,
        "CFBundlePackageType": "FMWK",
        "CFBundleShortVersionString": version,
        "CFBundleSupportedPlatforms": [platform.supported],
        "CFBundleVersion": version,
        "DTPlatformName": platform.name,
        platform.minimum: minimum if platform.minimum == "MinimumOSVersion" else MACOS_MINIMUM,
    }


def read_binary(path: Path) -> Binary:
    """Whether a slice is a dynamic library, and for which iOS it was built.

    A static slice is an archive, whose parts say that each for itself; it has no least version here.
    """
    data = path.read_bytes()
    offset = 0
    if data[:4] == struct.pack(">I", FAT):
        # The architectures agree; the first is enough.
        (offset,) = struct.unpack_from(">I", data, 16)
    if len(data) < offset + 32 or struct.unpack_from("<I", data, offset) != (MACHO_64,):
        return Binary(False, None)
    _, _, _, kind, commands, *_ = struct.unpack_from("<8I", data, offset)
    if kind != DYLIB:
        return Binary(False, None)
    position = offset + 32
    for _ in range(commands):
        command, size, first, second = struct.unpack_from("<4I", data, position)
        if command == BUILD_VERSION and first != BUILD_PLATFORM_MACOS:
            return Binary(True, _version(second))
        if command == VERSION_MIN_IPHONEOS:
            return Binary(True, _version(first))
        position += size
    return Binary(True, None)


def _version(packed: int) -> str:
    """A version packed as xxxx.yy.zz."""
    return f"{packed >> 16}.{packed >> 8 & 0xFF}"


def write_release(frameworks: Sequence[Path], url: str, manifest: Path) -> None:
    """Zips each framework beside itself and writes the addresses and checksums into `manifest`."""
    if not url.startswith("https://"):
        raise Problem(f"{url}: Swift packages take binaries by https:// only")
    before, start, rest = manifest.read_text(encoding="utf-8").partition(LIST_START)
    _, end, after = rest.partition(LIST_END)
    if not start or not end:
        raise Problem(f"{manifest}: it has no line '{LIST_START.strip()}'; restore it from the repository")
    lines = []
    for framework in frameworks:
        archive = framework.with_name(f"{framework.name}.zip")
        zip_folder(framework, archive)
        address = f"{url.rstrip('/')}/{archive.name}"
        # A string of JSON is one of Swift, too.
        words = [json.dumps(word) for word in (framework.stem, address, checksum(archive))]
        lines.append("    .binaryTarget(name: {}, url: {}, checksum: {}),\n".format(*words))
        print(f"upload {archive} to {address}")
    write(manifest, (before + start + "".join(lines) + end + after).encode())
    print(f"then commit {manifest}, and make a tag of the release")


def checksum(archive: Path) -> str:
    """The same as that of `swift package compute-checksum`: SHA-256 of the file."""
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while part := file.read(CHECKSUM_BYTES):
            digest.update(part)
    return digest.hexdigest()


def zip_folder(folder: Path, target: Path) -> None:
    """Zips `folder`, with links as links and fixed times: the same content gives the same checksum."""
    temporary = target.with_name(f"{target.name}.part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            entry = zipfile.ZipInfo(str(path.relative_to(folder.parent)))
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, os.readlink(path) if path.is_symlink() else path.read_bytes())
    temporary.replace(target)


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())

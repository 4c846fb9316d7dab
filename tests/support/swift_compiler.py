"""Compiles the Swift package and the app for iOS on Linux, against declarations of Apple's frameworks."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.paths import ROOT, TESTS

SOURCES = ROOT / "ios" / "Detector" / "Sources"
APP = ROOT / "ios" / "App"
DECLARATIONS = TESTS / "swift_declarations"
# In the order of their imports.
FRAMEWORKS = (
    "CoreVideo", "CoreGraphics", "ImageIO", "AVFoundation", "UIKit", "UniformTypeIdentifiers", "CoreTransferable",
    "SwiftUI", "PhotosUI", "LiteRT",
)  # fmt: skip
# What SwiftPM gives the compiler for all targets of a package.
PACKAGE = ("-package-name", "edge_detection")
C_MODULES = (
    SOURCES / "TensorFlowLiteC", DECLARATIONS / "TensorFlowLiteCMetal", DECLARATIONS / "TensorFlowLiteCCoreML",
)  # fmt: skip


def swift_files(folder: Path) -> list[Path]:
    """The Swift files below `folder`."""
    return sorted(folder.rglob("*.swift"))


class Compiler:
    """Compiles against the declarations in tests/swift_declarations, whose modules it makes in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FRAMEWORKS:
            source = DECLARATIONS / f"{name}.swift"
            self.run("-emit-module", name, [source], "-o", str(folder / f"{name}.swiftmodule"))

    def package(self, files: Sequence[Path] = ()) -> subprocess.CompletedProcess[str]:
        """The package, whose module others then import; or only `files` in the same way."""
        module = ["-emit-module-path", str(self.folder / "EdgeDetection.swiftmodule")] if not files else []
        module += PACKAGE
        return self._strictly("EdgeDetection", files or swift_files(SOURCES / "EdgeDetection"), *module)

    def package_without_tensorflow(self) -> subprocess.CompletedProcess[str]:
        """The package as in a clone that has no frameworks."""
        files = swift_files(SOURCES / "EdgeDetection")
        return self.run("-typecheck", "EdgeDetection", files, "-warnings-as-errors", *PACKAGE, check=False)

    def app(self, *extra: Path) -> subprocess.CompletedProcess[str]:
        """All files of the app. Needs the package's module."""
        files = [*swift_files(APP / "Sources"), DECLARATIONS / "Foundation.swift", *extra]
        return self._strictly("DetectorApp", files)

    def user(self, *sources: Path) -> subprocess.CompletedProcess[str]:
        """Files of someone who uses the package. Needs the package's module."""
        return self.run("-typecheck", "User", sources, *self._tensorflow(), check=False)

    def run(
        self, mode: str, name: str, files: Sequence[Path], *options: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs the compiler. Raises AssertionError if `check` and it fails."""
        command = [
            "swiftc",
            mode,
            "-swift-version",
            "6",
            "-parse-as-library",
            "-module-name",
            name,
            "-I",
            str(self.folder),
        ]
        done = subprocess.run([*command, *map(str, files), *options], capture_output=True, text=True, timeout=1800)
        assert not check or done.returncode == 0, done.stderr[-3000:]
        return done

    def _strictly(self, name: str, files: Sequence[Path], *options: str) -> subprocess.CompletedProcess[str]:
        """To Swift's intermediate language: data races are found on the way to it, not when types are checked."""
        strict = ["-wmo", "-warnings-as-errors", "-strict-concurrency=complete"]
        # Not the null device: the compiler replaces the file that it writes, which root may do to a device as well.
        strict += ["-o", str(self.folder / f"{name}.sil")]
        return self.run("-emit-sil", name, files, *strict, *options, *self._tensorflow(), check=False)

    @staticmethod
    def _tensorflow() -> list[str]:
        options = ["-Xcc", f"-I{C_MODULES[0]}"]
        return options + [word for module in C_MODULES for word in ("-I", str(module))]

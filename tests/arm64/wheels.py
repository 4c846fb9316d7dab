"""Wheels for another machine: the kit's own, and what the package index has for that machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.arm64.debian_packages import SECONDS, Unavailable

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints.txt"

# What setuptools reads of the checkout.
_SOURCE = ("pyproject.toml", "README.md", "LICENSE", "train", "convert", "runtime", "devices")


def platforms(machine: str, glibc: int) -> list[str]:
    """The tags that pip takes on a Linux with glibc 2.`glibc`, best first."""
    named = {17: ["manylinux2014"]}
    return [
        f"{tag}_{machine}"
        for version in range(glibc, 16, -1)
        for tag in (f"manylinux_2_{version}", *named.get(version, ()))
    ] + [f"linux_{machine}"]


def target(machine: str, python: str, glibc: int) -> list[str]:
    """pip's options for another machine's Python."""
    tags = [f"--platform={tag}" for tag in platforms(machine, glibc)]
    return ["--only-binary=:all:", f"--python-version={python}", *tags]


def kit(folder: Path) -> Path:
    """The kit's own wheel, built in `folder` from a copy of the checkout, which it leaves as it is."""
    with tempfile.TemporaryDirectory(prefix="kit-wheel-") as name:
        source = Path(name)
        for part in _SOURCE:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, source)
        _pip("wheel", "--quiet", "--no-deps", f"--wheel-dir={folder}", str(source))
    return next(folder.glob("edge_detection_kit-*.whl"))


def record(wheel: Path) -> bytes:
    """What is in a wheel, with a checksum for each file; wheels of the same files differ in their dates."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD")))


def download(
    folder: Path, requirements: Sequence[str], machine: str, python: str, glibc: int, *, dependencies: bool = True
) -> None:
    """Fetches wheels of `requirements`, and of all that they need, into `folder`."""
    _pip(
        *("download", "--quiet", "--disable-pip-version-check", f"--dest={folder}"),
        *(() if dependencies else ("--no-deps",)),
        *(f"--constraint={CONSTRAINTS}", *target(machine, python, glibc), *requirements),
    )


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"pip {arguments[0]}: no answer for {SECONDS} s") from None
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        raise Unavailable(f"pip {arguments[0]}: {lines[-1]}")

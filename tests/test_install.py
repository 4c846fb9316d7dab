"""What the extras bring, and what must never be installed together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from runtime import launcher
from tests.support.paths import ROOT

tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
from packaging.requirements import Requirement  # noqa: E402
from packaging.utils import canonicalize_name  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

OPENCV = {"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"}
# Takes the place of `runtime`, with the other build of OpenCV.
ALONE = "window"
# In environments of their own, with versions of their own (see pyproject.toml).
APART = {ALONE, "scale", "mlflow", "wandb"}
# What these require themselves is not in pyproject.toml.
REQUIRED_BY = {"tf-models-official": {"opencv-python-headless"}}


def requirements(*extras: str) -> dict[str, Requirement]:
    """By canonical name, with those of the extras that an extra refers to."""
    found, waiting = {}, list(extras)
    while waiting:
        for line in EXTRAS[waiting.pop()]:
            requirement = Requirement(line)
            if requirement.name == PROJECT["name"]:
                waiting += requirement.extras
            else:
                found[canonicalize_name(requirement.name)] = requirement
    return found


def opencv_of(*extras: str) -> set[str]:
    names = set(requirements(*extras))
    return OPENCV & names.union(*(more for name, more in REQUIRED_BY.items() if name in names))


def test_one_opencv_is_installed():
    installed = {canonicalize_name(found.name) for found in metadata.distributions() if found.name}
    builds = installed & OPENCV
    assert len(builds) == 1, f"{sorted(builds)} share one cv2 folder: uninstall them all, then install one"


def test_no_extras_together_bring_two_opencvs():
    # All at once bring what any some of them do.
    assert len(opencv_of(*(extra for extra in EXTRAS if extra != ALONE))) <= 1
    assert all(opencv_of(extra) == {"opencv-python-headless"} for extra in ("runtime", "train", "convert"))
    assert opencv_of(ALONE) == {"opencv-python"}


def test_window_is_runtime_with_another_opencv():
    assert set(requirements(ALONE)) - OPENCV == set(requirements("runtime")) - OPENCV


def test_no_package_that_is_something_else_or_has_ended():
    names = set(requirements(*EXTRAS)) | {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert not names & {"pycoral", "tflite-runtime", "tflite-support", "tflite-model-maker", "mediapipe-model-maker"}


def test_constraints_fit_the_extras():
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version = re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups()
            pinned[canonicalize_name(name)] = version
    for name, requirement in requirements(*(extra for extra in EXTRAS if extra not in APART)).items():
        assert name in pinned, f"constraints.txt lacks {name}"
        assert requirement.specifier.contains(pinned[name]), f"{requirement}, but constraints.txt has {pinned[name]}"
    assert "opencv-python" not in pinned


def test_the_scripts_start_the_launcher_under_a_name_of_its_own():
    assert PROJECT["scripts"] == dict.fromkeys(("edk", "edge-detection-kit"), "edge_detection_kit:main")
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folder = ROOT / setuptools["package-dir"]["edge_detection_kit"]
    assert folder == ROOT / "runtime" / "launcher" and callable(launcher.main)
    modules = {f"edge_detection_kit.{path.stem}" for path in folder.glob("*.py")}
    assert modules == set(setuptools["py-modules"])


# The Raspberry Pi and Coral boards are aarch64; their system has glibc 2.28 or newer.
PLATFORMS = [f"manylinux_2_{glibc}_aarch64" for glibc in (28, 27, 17)] + ["manylinux2014_aarch64"]


@pytest.mark.parametrize("python", ["3.9", "3.13"])
def test_runtime_on_a_board_is_small(python, tmp_path):
    report = tmp_path / "report.json"
    command = [
        sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--report", str(report),
        "--only-binary=:all:", "--python-version", python, "--target", str(tmp_path / "unused"),
        *(f"--platform={platform}" for platform in PLATFORMS), *map(str, requirements("runtime").values()),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    # An index that cannot be reached has no version at all; one that lacks a fitting wheel lists others.
    if result.returncode and ("(from versions: none)" in result.stderr or "No matching" not in result.stderr):
        pytest.skip(f"the package index cannot be reached: {result.stderr.strip()[-200:]}")
    assert result.returncode == 0, result.stderr
    names = {canonicalize_name(item["metadata"]["name"]) for item in json.loads(report.read_text())["install"]}
    assert names >= {"numpy", "opencv-python-headless", "ai-edge-litert"}
    assert len(names) < 15 and not [name for name in names if "tensorflow" in name or "keras" in name]

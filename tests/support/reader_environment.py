"""Virtual environments for readers of .tflite files and of labels that cannot be installed beside the kit."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import pytest

from tests.support.locks import cached
from tests.support.paths import TESTS

# If this variable is set, a missing reader fails the tests instead of skipping them.
REQUIRED = "KIT_REQUIRE_READERS"

SCRIPTS = TESTS / "readers"

# What the readers need.
MEDIAPIPE = ("mediapipe==1.2.3", "numpy==2.4.6")
TFLITE_SUPPORT = (
    "tflite-support==0.4.4", "protobuf==3.20.3", "numpy==2.4.6", "flatbuffers==25.12.19",
    "libusb-package==1.0.30.0",
)  # fmt: skip
LABEL_TOOLS = ("datumaro==1.13.12", "label-studio-sdk==2.1.2")


def environment(name: str, requirements: Sequence[str]) -> Path:
    """The Python of a virtual environment with `requirements`, which is made once and kept in the cache."""
    wanted = "\n".join([sys.version, *requirements])
    mark = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "edge-detection-kit" / "test-envs" / f"{name}-{mark}"
    python = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")

    def make(making: Path) -> Path:
        _call([sys.executable, "-m", "venv", "--without-pip", str(making)])
        # Not compiled: a reader imports a small part of what it comes with, and pip compiles all of it, on one core.
        install = ["install", "--quiet", "--retries", "2", "--no-compile", *requirements]
        _call([sys.executable, "-m", "pip", "--python", str(making / python), *install])
        return making

    return cached(folder, make) / python


def read(
    python: Path, script: str, folder: Path, images: Sequence[np.ndarray], models: Sequence[Path]
) -> dict[str, Any]:
    """The results of a script in tests/readers for each of `models`, by path."""
    archive, out = folder / "images.npz", folder / f"{script}.json"
    np.savez(archive, **{f"{number:03d}": image for number, image in enumerate(images)})
    _call([str(python), str(SCRIPTS / script), str(out), str(archive), *map(str, models)])
    return json.loads(out.read_text())


def run_script(python: Path, script: str, *words: str) -> None:
    """Runs a script in tests/readers."""
    _call([str(python), str(SCRIPTS / script), *words])


def _call(command: Sequence[str]) -> None:
    # The other environment's Python must not find the kit's packages.
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    result = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=1200)
    if result.returncode == 0:
        return
    lines = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
    if "pip" in command:
        _unavailable(f"the package index did not give a reader: {lines[-1]}")
    if "cannot open shared object file" in result.stderr:
        _unavailable(f"a system library is missing (Debian: libegl1 libgles2 libgl1): {lines[-1]}")
    pytest.fail(f"{' '.join(command)}\n{result.stderr[-2000:]}")


def _unavailable(reason: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)

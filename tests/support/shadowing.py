"""A folder with files of its own that have the names of the kit's packages, and an installed kit beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CODE = "import sys; sys.exit('planted')\n"


def plant(folder: Path) -> Path:
    """Makes `train.py` and `convert.py`, and packages `runtime` and `devices`, which end whoever imports them."""
    for name in ("train.py", "convert.py", "runtime/__init__.py", "devices/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CODE)
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """A folder as pip would install the kit into."""
    folder = tmp_path_factory.mktemp("installed")
    for package in ("train", "convert", "runtime", "devices"):
        (folder / package).symlink_to(ROOT / package)
    shutil.copytree(ROOT / "runtime" / "launcher", folder / "edge_detection_kit")
    return folder


def edk(installed: Path, *words: str, cwd: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Runs `edk` in the folder `cwd`; `before` comes before the kit in PYTHONPATH."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([before, str(installed)] if before else [str(installed)])}
    return subprocess.run(
        [sys.executable, "-m", "edge_detection_kit", *words],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

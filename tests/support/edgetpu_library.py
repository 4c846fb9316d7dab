"""Builds a fake libedgetpu for tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().with_suffix(".c")


@pytest.fixture(scope="session")
def edgetpu_library(tmp_path_factory) -> Path:
    """The path of the fake `libedgetpu.so.1`; edgetpu_library.c describes how to control it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("building a fake libedgetpu needs a C compiler (Debian: gcc libc6-dev)")
    library = tmp_path_factory.mktemp("edgetpu") / "libedgetpu.so.1"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True)
    return library

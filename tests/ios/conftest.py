"""What the tests of the Swift package and the app share."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import tensorflow_lite_c
from tests.support.swift_compiler import Compiler


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
def compiler(swift, tmp_path_factory) -> Compiler:
    return Compiler(tmp_path_factory.mktemp("swift_modules"))


@pytest.fixture(scope="session")
def package(compiler) -> subprocess.CompletedProcess[str]:
    """The compiler's run on the package, whose module can be imported from then on."""
    return compiler.package()

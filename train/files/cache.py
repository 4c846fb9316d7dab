"""The folder in which the kit caches downloads, extracted archives and records."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Returns `$XDG_CACHE_HOME/edge-detection-kit`, or `~/.cache/edge-detection-kit` if the variable is not set.

    The folder may not exist yet.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    # The XDG base directory specification says to ignore a relative path.
    root = Path(home) if home and os.path.isabs(home) else Path.home() / ".cache"
    return root / "edge-detection-kit"

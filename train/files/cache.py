"""Where the kit keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/edge-detection-kit`, else `~/.cache/edge-detection-kit`; perhaps not there yet."""
    home = os.environ.get("XDG_CACHE_HOME")
    # The XDG base directory specification: a path that is not absolute does not count.
    root = Path(home) if home and os.path.isabs(home) else Path.home() / ".cache"
    return root / "edge-detection-kit"

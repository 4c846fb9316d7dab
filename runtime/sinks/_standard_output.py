"""Lines on standard output, which several cameras may write."""

from __future__ import annotations

import sys
import threading

_LOCK = threading.Lock()


def write(line: str) -> None:
    """Writes a line, whole and at once."""
    with _LOCK:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

"""Files of events that could not be removed: they take their place on the disk until they can be."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Dict, Optional


class Leftovers:
    """Removes files of a folder, and remembers those that stay, such as one that a viewer has open on Windows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: Dict[str, int] = {}

    @property
    def bytes(self) -> int:
        """The bytes of those that stay."""
        return sum(self._sizes.values())

    def remove(self, name: str) -> None:
        """Removes a file, or remembers it."""
        path = self._folder / name
        try:
            path.unlink(missing_ok=True)
        except OSError:
            self._sizes[name] = 0
            with contextlib.suppress(OSError):
                self._sizes[name] = path.stat().st_size

    def retry(self) -> Optional[OSError]:
        """Removes those that can be removed by now; the error of one that cannot, None where all are gone."""
        found: Optional[OSError] = None
        for name in list(self._sizes):
            try:
                (self._folder / name).unlink(missing_ok=True)
                del self._sizes[name]
            except OSError as error:
                found = error
        return found

    def keep(self, name: str) -> None:
        """Leaves alone a file of that name, which belongs to an event again."""
        self._sizes.pop(name, None)

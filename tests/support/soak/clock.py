"""The clock of the processes under test, which can be set while they run."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Dict

import pytest

SOURCE = Path(__file__).resolve().with_suffix(".c")


class Clock:
    """A real-time clock that is wrong by a number of hours; the monotonic clock is right."""

    def __init__(self, folder: Path) -> None:
        """Builds the library in `folder`. Skips the test where there is no C compiler."""
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            pytest.skip("building a clock that can be set needs a C compiler (Debian: gcc libc6-dev)")
        library, self._file = folder / "clock.so", folder / "clock"
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        self.environment: Dict[str, str] = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._file)}
        self.hours = 0
        # By the monotonic clock.
        self.set_at = time.monotonic()
        self._file.write_bytes(struct.pack("d", 0.0))

    def set(self, hours: int) -> None:
        """Sets the clock wrong by `hours`, at once for all processes that have `environment`."""
        self.hours, self.set_at = hours, time.monotonic()
        handle = os.open(self._file, os.O_WRONLY)
        try:
            os.pwrite(handle, struct.pack("d", 3600.0 * hours), 0)
        finally:
            os.close(handle)

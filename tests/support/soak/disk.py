"""A small disk that a run shares with another writer, which must always have room."""

from __future__ import annotations

import contextlib
import shutil
import threading
from pathlib import Path
from typing import Iterator, List

from tests.support.small_disk import small_disk
from tests.support.soak.verdict import Check

MEGABYTES = 50
# The other writer: bytes at a time, pause in seconds, and megabytes at which it begins again.
_CHUNK, _PAUSE, _MOST = 250_000, 0.25, 25


class OtherWriter(threading.Thread):
    """Writes a file on `disk`, removes it when it is large, and writes it again; looks how much of the disk is free."""

    def __init__(self, disk: Path) -> None:
        super().__init__(daemon=True)
        self._disk = disk
        self._file = disk / "log"
        self._ended = threading.Event()
        self.failures: List[str] = []
        self.written = 0
        self.least_free = float("inf")

    def run(self) -> None:
        while not self._ended.wait(_PAUSE):
            self.write()

    def write(self) -> None:
        """Writes once."""
        try:
            if self._file.exists() and self._file.stat().st_size > 1_000_000 * _MOST:
                self._file.unlink()
            with self._file.open("ab") as file:
                file.write(bytes(_CHUNK))
            self.written += _CHUNK
        except OSError as error:
            self.failures.append(str(error))
        self.least_free = min(self.least_free, shutil.disk_usage(self._disk).free / 1e6)

    def end(self) -> None:
        self._ended.set()
        self.join()

    def judge(self) -> Check:
        """That the disk was never full."""
        return Check(
            "others can always write on the disk", self.written > 0 and not self.failures and self.least_free > 0.5,
            f"{self.written / 1e6:.0f} MB written, failures: {self.failures[:3]}, at least {self.least_free:.1f} of"
            f" {MEGABYTES} MB free",
        )  # fmt: skip


@contextlib.contextmanager
def shared(folder: Path, needed: bool) -> Iterator[Path]:
    """A new folder in `folder`, with a small disk of its own where that is `needed`."""
    if needed:
        with small_disk(folder / "disk", f"{MEGABYTES}m") as disk:
            yield disk
    else:
        (folder / "disk").mkdir()
        yield folder / "disk"

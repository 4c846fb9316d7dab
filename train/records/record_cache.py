"""The folders of records in the cache: which are in use, and which are removed because nothing has used them for long.

A process that uses a folder locks the file `in-use` in it until it ends, however it ends. A folder that is locked, or
was used less than a day ago, is never removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

# Folders that nothing has used for so many days are removed.
DAYS = 90
_DAY = 24 * 3600
_LOCK = "in-use"
# What a killed process leaves behind, and what is being removed.
_HIDDEN = (".building-", ".removing-")

# The locks that this process holds, by folder. They are held until it ends: it may read the records at any time.
_held: dict[Path, BinaryIO] = {}


class Removed(NamedTuple):
    """A folder that was removed, with its size in bytes and the days for which nothing had used it."""

    folder: Path
    size: int
    days: int

    def __str__(self) -> str:
        return f"{self.folder}: removed {self.size / 1e9:.1f} GB of records, last used {self.days} days ago"


def use(folder: Path) -> bool:
    """Locks `folder` against removal until this process ends. Returns False if it does not exist."""
    if folder in _held:
        return folder.is_dir()
    try:
        file = open(folder / _LOCK, "ab")  # noqa: SIM115
    except FileNotFoundError:
        return False
    except OSError:
        # A cache that only others may write to is not pruned by this user, either.
        return folder.is_dir()
    _lock_shared(file)
    # It may have been removed between the two steps.
    if not _is_at(file, folder / _LOCK):
        file.close()
        return False
    with contextlib.suppress(OSError):
        os.utime(folder / _LOCK)
    _held[folder] = file
    return True


def prune(root: Path, most: float | None = None, days: float = DAYS) -> list[Removed]:
    """Removes folders of records in `root` that are not in use. Returns what it removed.

    These are the folders that nothing has used for `days`; and if the others have more than `most` bytes together,
    those that were used longest ago, until they fit or only folders in use, or used today, are left. A folder that
    cannot be removed stays.
    """
    now = time.time()
    folders = sorted((_last_use(folder), folder) for folder in root.iterdir() if folder.is_dir())
    removed: list[Removed] = []
    kept = []
    for used, folder in folders:
        if folder.name.startswith(_HIDDEN):
            if now - used > _DAY:
                shutil.rmtree(folder, ignore_errors=True)
        elif now - used > days * _DAY:
            removed += _remove(folder, used, now)
        else:
            kept.append((used, folder))
    if most is not None:
        total = sum(_size(folder) for _, folder in kept)
        for used, folder in kept:
            if total > most and now - used > _DAY:
                gone = list(_remove(folder, used, now))
                total -= sum(item.size for item in gone)
                removed += gone
    return removed


def _remove(folder: Path, used: float, now: float) -> Iterator[Removed]:
    if folder in _held:
        return
    try:
        with open(folder / _LOCK, "ab") as file:
            if not _locked_alone(file):
                return
            size = _size(folder)
            # Renamed first, so that no process finds a part of it.
            hidden = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".removing-"))
            os.rename(folder, hidden / "records")
    except OSError:
        return
    shutil.rmtree(hidden, ignore_errors=True)
    yield Removed(folder, size, int((now - used) / _DAY))


def _last_use(folder: Path) -> float:
    times = []
    for path in (folder, folder / _LOCK):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times, default=time.time())


def _size(folder: Path) -> int:
    sizes = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            sizes.append(path.stat().st_size)
    return sum(sizes)


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _lock_shared(file: BinaryIO) -> None:
    """Locks `file` until it is closed. Waits for a process that is about to remove it."""
    # Neither Windows nor every network drive has such a lock. There the time of the last use protects the folder.
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_SH)


def _locked_alone(file: BinaryIO) -> bool:
    """Locks `file` until it is closed, if no process has locked it. Without locks, returns True."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True

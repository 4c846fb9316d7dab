"""Flushes files that grow to the disk, so that a power cut takes no more than their last seconds."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import threading
from pathlib import Path
from typing import List, Optional

from runtime.common.errors import KitError

# What a power cut takes at most: what was written since the last flush. As often as ext4 writes its journal by default
# (commit=5, ext4(5)), so that a memory card wears little faster.
SECONDS = 5.0

# How long a run that ends waits for the last flush. A service manager gets two seconds for everything.
CLOSE_SECONDS = 0.5


class DiskFlush:
    """Flushes one file every SECONDS while it grows, in a thread of its own: a slow disk never stops the writer.

    The names of the file and of new folders above it are flushed first. What is no regular file (a pipe, `/dev/null`)
    is left alone. A flush that fails is an error of the next `written` or `close`: after it the system may have thrown
    away what was not on the disk yet, and another flush would not say so (fsync(2), EIO).
    """

    def __init__(self, path: Path, file: int, folders: List[Path]) -> None:
        """`file` is the open file `path`, and may be closed before this; `folders` are those that have new names."""
        self._path = path
        self._folders = folders
        self._error: Optional[OSError] = None
        self._changed = threading.Condition()
        self._grown = False
        self._ending = False
        self._thread: Optional[threading.Thread] = None
        if stat.S_ISREG(os.fstat(file).st_mode):
            self._file = os.dup(file)
            self._thread = threading.Thread(target=self._run, name=f"flush {path.name}", daemon=True)
            self._thread.start()

    def written(self) -> None:
        """Says that the file has grown. Raises KitError where an earlier flush failed."""
        self._check()
        with self._changed:
            self._grown = True
            self._changed.notify_all()

    def close(self) -> None:
        """Flushes the rest, and waits CLOSE_SECONDS for it; a slower disk is warned of. Raises KitError as `written`."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread is None:
            return
        self._thread.join(CLOSE_SECONDS)
        self._check()
        if self._thread.is_alive():
            print(
                f"warning: {self._path}: is written, but the disk has not kept its end yet after {CLOSE_SECONDS:g} s; "
                "wait before cutting the power",
                file=sys.stderr,
            )

    def _check(self) -> None:
        # Once: the sink that has failed is closed after it.
        error, self._error = self._error, None
        if error is not None:
            reason = error.strerror or error
            raise KitError(f"{self._path}: the disk has not kept what was written: {reason}; look at the disk") from error

    def _run(self) -> None:
        try:
            for folder in self._folders:
                _flush_names(folder)
            while self._wait():
                os.fsync(self._file)
                self._pause()
        except OSError as error:
            self._error = error
        finally:
            os.close(self._file)

    def _wait(self) -> bool:
        """Waits until there is something to flush; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._grown or self._ending)
            grown, self._grown = self._grown, False
        return grown

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ending, SECONDS)


def new_folders(path: Path) -> List[Path]:
    """Makes the folders above the file `path`; returns those that get a new name, the highest first. Raises OSError."""
    found = [path.parent]
    while not found[-1].exists():
        found.append(found[-1].parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    return found[::-1]


def flush(path: Path) -> None:
    """Flushes the file `path` and the names beside it, as `DiskFlush.close` does. Raises KitError or OSError."""
    with open(path, "rb+") as file:
        flushing = DiskFlush(path, file.fileno(), [path.parent])
        flushing.written()
        flushing.close()


def _flush_names(folder: Path) -> None:
    """Flushes the names in a folder where the system can (not Windows), and this user may read it. Raises OSError."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        except OSError as error:
            # File systems of other makers say so that they cannot flush a folder (fsync(2)).
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(handle)

"""Downloads that continue where they were interrupted, and accept only what was signed."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Callable

from tuf.api import exceptions

from devices.host import fsync_files
from devices.releases.tuf_types import TargetFile
from devices.update import tuf_client
from devices.update.transport import Transport
from devices.update.tuf_client import Refused
from runtime.common.errors import KitError

# Attempts of one download, with a wait before each that doubles: an interruption may be short.
TRIES = 4
FIRST_WAIT = 1.0

_CHUNK = 1 << 20


def download(transport: Transport, target: TargetFile, path: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Downloads the file of a target to `path`, whole and flushed to the disk.

    An incomplete download stays in `path`.part, and the next call continues it. Raises Refused where the file is not
    what was signed, KitError where the disk is full.
    """
    part = path.with_name(path.name + ".part")
    if path.is_file() and _is_signed(path, target):
        return
    try:
        for attempt in range(TRIES):
            try:
                _continue(transport, target, part)
                break
            except exceptions.DownloadHTTPError as error:
                raise Refused(f"{error}; try again later") from error
            except exceptions.DownloadError as error:
                if attempt == TRIES - 1:
                    raise Refused(f"{error}; the next update continues it") from error
                wait(FIRST_WAIT * 2**attempt)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        part.unlink(missing_ok=True)
        raise KitError(f"{path}: cannot be written: {error.strerror}; make room, the model stays") from error
    os.replace(part, path)
    fsync_files.sync_folder(path.parent)


def _continue(transport: Transport, target: TargetFile, part: Path) -> None:
    """Downloads what is missing. A part that turns out to be wrong is downloaded anew, once."""
    start = part.stat().st_size if part.is_file() else 0
    if start > target.length:
        part.unlink()
        start = 0
    if start < target.length or not start:
        _append(transport, target, part, start)
    if _is_signed(part, target):
        return
    size = part.stat().st_size
    if size < target.length:
        raise exceptions.DownloadError(f"{transport.where}: {target.path} ends after {size} of {target.length} bytes")
    part.unlink()
    if not start:
        raise Refused(f"{transport.where}: {target.path} is not what was signed; nothing of it is used")
    # The part of an earlier run may have been damaged by a power cut.
    _continue(transport, target, part)


def _append(transport: Transport, target: TargetFile, part: Path, start: int) -> None:
    begins, chunks = transport.open(tuf_client.address(target), start)
    part.parent.mkdir(parents=True, exist_ok=True)
    size, shown = begins, -1
    with open(part, "r+b" if part.exists() else "wb") as file:
        file.truncate(begins)
        file.seek(begins)
        for chunk in chunks:
            size += len(chunk)
            if size > target.length:
                file.truncate(0)
                raise Refused(
                    f"{transport.where}: sends more for {target.path} than the {target.length} bytes that were signed"
                )
            file.write(chunk)
            shown = _show_progress(target, size, shown)
        file.flush()
        os.fsync(file.fileno())


def _show_progress(target: TargetFile, size: int, shown: int) -> int:
    """Prints the progress where standard error is a terminal; gives the percentage."""
    percent = 100 * size // max(target.length, 1)
    if percent != shown and target.length > _CHUNK and sys.stderr.isatty():
        end = "\n" if size == target.length else ""
        print(f"\r{target.path.rpartition('/')[2]}: {percent} %", end=end, file=sys.stderr, flush=True)
    return percent


def _is_signed(path: Path, target: TargetFile) -> bool:
    """Whether the file is what was signed."""
    if path.stat().st_size != target.length:
        return False
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
    return found.hexdigest() == str(target.hashes.get("sha256"))

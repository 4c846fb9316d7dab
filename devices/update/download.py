"""Downloads that go on where they were cut off, and give only what was signed."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any, Callable

from tuf.api import exceptions

from devices.host import fsync_files
from devices.update import tuf_client
from devices.update.transport import Origin
from devices.update.tuf_client import Refused
from runtime.common.errors import KitError

# A cut may be short: so often, with a wait that doubles, a download goes on by itself.
TRIES = 4
FIRST_WAIT = 1.0

_PIECE = 1 << 20


def download(origin: Origin, target: Any, path: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Puts the file of a TUF `TargetFile` at `path`, whole and on the disk.

    What has come lies in `path`.part, also when this fails, and the next call goes on with it. Raises
    Refused where the file is not what was signed, KitError where the disk is full.
    """
    part = path.with_name(path.name + ".part")
    if path.is_file() and _is(path, target):
        return
    try:
        for attempt in range(TRIES):
            try:
                _continue(origin, target, part)
                break
            except exceptions.DownloadHTTPError as error:
                raise Refused(f"{error}; try again later") from error
            except exceptions.DownloadError as error:
                if attempt == TRIES - 1:
                    raise Refused(f"{error}; the next update goes on from there") from error
                wait(FIRST_WAIT * 2**attempt)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        part.unlink(missing_ok=True)
        raise KitError(f"{path}: cannot be written: {os.strerror(error.errno)}; make room, the model stays") from error
    os.replace(part, path)
    fsync_files.sync_folder(path.parent)


def _continue(origin: Origin, target: Any, part: Path) -> None:
    """Gets what is missing. A part that turns out to be wrong is begun anew, once."""
    start = part.stat().st_size if part.is_file() else 0
    if start > target.length:
        part.unlink()
        start = 0
    if start < target.length or not start:
        _append(origin, target, part, start)
    if _is(part, target):
        return
    size = part.stat().st_size
    if size < target.length:
        raise exceptions.DownloadError(f"{origin.where}: {target.path} ends after {size} of {target.length} bytes")
    part.unlink()
    if not start:
        raise Refused(f"{origin.where}: {target.path} is not what was signed; nothing of it is used")
    # What an earlier run has left may have been harmed by a power cut.
    _continue(origin, target, part)


def _append(origin: Origin, target: Any, part: Path, start: int) -> None:
    begins, pieces = origin.open(tuf_client.address(target), start)
    part.parent.mkdir(parents=True, exist_ok=True)
    size, shown = begins, -1
    with open(part, "r+b" if part.exists() else "wb") as file:
        file.truncate(begins)
        file.seek(begins)
        for piece in pieces:
            size += len(piece)
            if size > target.length:
                file.truncate(0)
                raise Refused(
                    f"{origin.where}: sends more for {target.path} than the {target.length} bytes that were signed"
                )
            file.write(piece)
            shown = _show(target, size, shown)
        file.flush()
        os.fsync(file.fileno())


def _show(target: Any, size: int, shown: int) -> int:
    """Progress, where somebody watches."""
    percent = 100 * size // max(target.length, 1)
    if percent != shown and target.length > _PIECE and sys.stderr.isatty():
        end = "\n" if size == target.length else ""
        print(f"\r{target.path.rpartition('/')[2]}: {percent} %", end=end, file=sys.stderr, flush=True)
    return percent


def _is(path: Path, target: Any) -> bool:
    """Whether the file is the one that was signed."""
    if path.stat().st_size != target.length:
        return False
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            found.update(piece)
    return found.hexdigest() == target.hashes.get("sha256")

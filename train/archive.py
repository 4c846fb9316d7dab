"""Zip files of data sets, extracted once into the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Optional

from runtime.errors import InputError
from train.cache import cache_folder

# Limits against decompression bombs. Pictures hardly compress and XML compresses about 20-fold;
# deflate's own limit is 1,032-fold.
MAX_BYTES = 64 << 30
MAX_RATIO = 200
MAX_ENTRIES = 2_000_000
# Small files of zeros and repeated tags compress beyond any ratio and harm nobody.
RATIO_FREE_BYTES = 16 << 20


def extract(path: Path, cache: Optional[Path] = None) -> Path:
    """The folder with the contents of the zip file at `path`, keyed by the hash of its bytes.

    Raises InputError for a file that is not a whole zip, is encrypted, has an entry that would land
    outside the folder, a link, or more data than a data set can honestly have.
    """
    root = (cache or cache_folder()) / "archives"
    target = root / _sha256(path)
    if target.is_dir():
        return target
    root.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=root, prefix=".extracting-"))
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path)
            for entry in archive.infolist():
                _extract_entry(archive, entry, temporary, path)
        try:
            os.replace(temporary, target)
        except OSError:
            # Another process may have been first; its folder has the same contents.
            if not target.is_dir():
                raise
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise InputError(f"{path}: not a whole zip file ({error}); copy or download it again") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _check(archive: zipfile.ZipFile, path: Path) -> None:
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or total > MAX_BYTES:
        raise InputError(f"{path}: {len(entries)} files of {total >> 20} MiB; extract it yourself and give the folder")
    if total > RATIO_FREE_BYTES and total > MAX_RATIO * max(packed, 1):
        raise InputError(f"{path}: unpacks to {total // max(packed, 1)} times its size; refused as a decompression bomb")
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in entry.filename or "\0" in entry.filename:
            raise InputError(f"{path}: entry {entry.filename!r} would land outside the folder; refused")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"{path}: entry {entry.filename!r} is a link or a device; refused")
        if entry.flag_bits & 0x1:
            raise InputError(f"{path}: entry {entry.filename!r} is encrypted; extract it yourself and give the folder")


def _extract_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, path: Path) -> None:
    target = folder / entry.filename.replace("\\", "/")
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as sink:
        left = entry.file_size
        while block := source.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise InputError(f"{path}: entry {entry.filename!r} is larger than it says; refused")
            sink.write(block)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

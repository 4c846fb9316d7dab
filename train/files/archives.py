"""Extraction of zip files with data sets into the user's cache, once for each file."""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Optional

from runtime.common.errors import InputError, KitError
from train.files.cache import cache_folder
from train.files.new_folder import rename_into_place

# Limits against decompression bombs. Images hardly compress, XML about 20-fold; deflate reaches
# 1,032-fold. The ratio is not checked for small archives, because blank images exceed any limit.
MAX_BYTES = 64 << 30
MAX_ENTRIES = 2_000_000
MAX_RATIO = 200
RATIO_FREE_BYTES = 64 << 20

_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)


def extract(path: Path, cache: Optional[Path] = None) -> Path:
    """Extracts the zip file at `path` and returns the folder with its contents.

    The folder lies in `cache` (by default the kit's cache) under the SHA-256 of the zip's bytes; a zip
    that was extracted before is not extracted again. If the zip holds a single folder, that folder is
    returned. Raises InputError if the file is not a complete zip or is encrypted, if an entry is a link
    or would land outside the folder, or if the contents exceed the limits above; KitError if the cache
    cannot be written.
    """
    root = (cache or cache_folder()) / "archives"
    try:
        target = root / _sha256(path)
        if not target.is_dir():
            root.mkdir(parents=True, exist_ok=True)
            _extract_to(path, target)
        return _top(target)
    except _BROKEN as error:
        raise InputError(f"{path}: not a whole zip file ({error}); copy or download it again") from error
    except OSError as error:
        raise KitError(f"{path}: cannot extract it to {root}: {error.strerror or error}") from error


def _extract_to(path: Path, target: Path) -> None:
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=".extracting-"))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_amount(entries, path)
            for entry in entries:
                name = _checked_name(entry, path)
                _extract_entry(archive, entry, temporary / name)
        rename_into_place(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_amount(entries: list[zipfile.ZipInfo], path: Path) -> None:
    total = sum(entry.file_size for entry in entries)
    ratio = total / max(path.stat().st_size, 1)
    if len(entries) > MAX_ENTRIES or total > MAX_BYTES:
        raise InputError(
            f"{path}: holds {len(entries)} files of {total >> 20} MiB together, more than is extracted automatically;"
            " extract it yourself and give the folder"
        )
    if total > RATIO_FREE_BYTES and ratio > MAX_RATIO:
        raise InputError(f"{path}: would grow {ratio:.0f}-fold to {total >> 20} MiB; refused as a decompression bomb")


def _checked_name(entry: zipfile.ZipInfo, path: Path) -> PurePosixPath:
    # Some Windows tools write backslashes.
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or re.match("[A-Za-z]:", str(name)):
        raise InputError(f"{path}: its entry {entry.filename!r} would land outside the folder; refused")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"{path}: its entry {entry.filename!r} is a link or a device; refused")
    if entry.flag_bits & 0x1:
        raise InputError(f"{path}: its entry {entry.filename!r} is encrypted; extract it yourself and give the folder")
    return name


def _extract_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    if entry.filename.endswith(("/", "\\")):
        target.mkdir(parents=True, exist_ok=True)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # zipfile reads at most the size that was checked; mode "x" refuses a second entry of the same name.
        with archive.open(entry) as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise zipfile.BadZipFile(f"two entries named {entry.filename!r}") from error


def _top(folder: Path) -> Path:
    while True:
        inside = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX"]
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        folder = inside[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

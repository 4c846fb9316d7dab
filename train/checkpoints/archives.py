"""Checkpoints in tar archives, such as the published .tar.gz files."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections import defaultdict
from pathlib import Path, PurePosixPath

from runtime.common.errors import InputError, KitError
from train.files.cache import cache_folder

# The published archives hold 20 MB, of which the checkpoint is half; training's own are 25 MB.
MAX_BYTES = 1 << 30

_FILE = re.compile(r"checkpoint|[\w.-]+\.(index|data-\d{5}-of-\d{5})")
_BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)


def extract(path: Path, folder: Path) -> None:
    """Writes the files of the one checkpoint in the tar archive `path` into `folder`, which exists.

    Nothing else in the archive is written, and no folders: where members would go does not matter.
    A saved model's variables do not count as a checkpoint. Raises InputError for a file that is not a
    whole tar archive, that has no checkpoint or several, or that holds more than `MAX_BYTES`.
    """
    try:
        with tarfile.open(path) as archive:
            for member in _checkpoint(archive, path):
                source = archive.extractfile(member)
                with source, (folder / PurePosixPath(member.name).name).open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except _BROKEN as error:
        raise InputError(f"{path}: not a whole .tar.gz archive ({error}); copy or download it again") from error
    except OSError as error:
        # What gzip says of a damaged file is an OSError without a number.
        if error.errno is None:
            raise InputError(f"{path}: not a whole .tar.gz archive ({error}); copy or download it again") from error
        raise KitError(f"{path}: cannot be extracted to {folder}: {error.strerror}") from error


def extracted(path: Path, cache: Path | None = None) -> Path:
    """The folder with the files of the checkpoint in `path`: extracted once, keyed by `path`'s hash.

    Raises as `extract` does.
    """
    root = (cache or cache_folder()) / "checkpoints"
    try:
        with path.open("rb") as file:
            target = root / hashlib.file_digest(file, "sha256").hexdigest()
        if target.is_dir():
            return target
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".extracting-") as temporary:
            folder = Path(temporary) / "files"
            folder.mkdir()
            extract(path, folder)
            into_place(folder, target)
    except OSError as error:
        raise KitError(f"{path}: cannot be extracted to {root}: {error.strerror or error}") from error
    return target


def into_place(folder: Path, target: Path) -> None:
    """Renames `folder` to `target`, unless another process was first with the same contents."""
    try:
        os.replace(folder, target)
    except OSError:
        if not target.is_dir():
            raise


def _checkpoint(archive: tarfile.TarFile, path: Path) -> list[tarfile.TarInfo]:
    by_folder: dict[PurePosixPath, list[tarfile.TarInfo]] = defaultdict(list)
    total = 0
    # Sizes are added up while members are read, before their bytes are: that stops a bomb early.
    for member in archive:
        total += member.size
        if total > MAX_BYTES:
            raise InputError(f"{path}: holds more than {MAX_BYTES >> 20} MiB; extract it yourself and give the folder")
        name = PurePosixPath(member.name)
        if member.isreg() and _FILE.fullmatch(name.name) and not name.name.startswith("variables."):
            by_folder[name.parent].append(member)
    found = {folder: members for folder, members in by_folder.items() if any(m.name.endswith(".index") for m in members)}
    if not found:
        raise InputError(f"{path}: no checkpoint in this archive; it must hold ckpt-*.index and ckpt-*.data-*")
    if len(found) > 1:
        names = ", ".join(sorted(map(str, found)))
        raise InputError(f"{path}: several checkpoints in this archive ({names}); extract it and give one of them")
    return next(iter(found.values()))

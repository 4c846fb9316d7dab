"""Checkpoints in tar archives, such as the published .tar.gz files."""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import tarfile
import tempfile
import zlib
from collections import defaultdict
from pathlib import Path, PurePosixPath

from runtime.common.errors import InputError, KitError
from train.files.cache import cache_folder
from train.files.new_folder import rename_into_place

# A published archive unpacks to 20 MB, half of it the checkpoint. Checkpoints of training are 25 MB.
MAX_BYTES = 1 << 30

_FILE = re.compile(r"checkpoint|[\w.-]+\.(index|data-\d{5}-of-\d{5})")
_BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)
_ENDINGS = (".gz", ".tgz", ".tar", ".bz2", ".xz")


def extract(path: Path, folder: Path) -> None:
    """Writes the files of the checkpoint in the tar archive `path` into the existing `folder`.

    Nothing else in the archive is written. Only the names of members are used, not their folders, so that no member can
    be written elsewhere. The variables of a saved model are not taken for a checkpoint.

    Raises:
      InputError: `path` is not a complete tar archive, has no checkpoint or several, or holds more than `MAX_BYTES`.
      KitError: the files cannot be written.
    """
    try:
        with tarfile.open(path) as archive:
            for member in _checkpoint(archive, path):
                source = archive.extractfile(member)
                # extractfile gives None only for members that are not files; `_checkpoint` has left those out.
                assert source is not None
                with source, (folder / PurePosixPath(member.name).name).open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        # gzip raises an OSError without errno for a damaged file.
        if error.errno is None:
            raise _unreadable(path, error) from error
        raise KitError(f"{path}: cannot be extracted to {folder}: {error.strerror}") from error


def _unreadable(path: Path, error: Exception) -> InputError:
    if path.suffix.lower() in _ENDINGS:
        return InputError(f"{path}: not a whole .tar.gz archive ({error}); copy or download it again")
    return InputError(
        f"{path}: no checkpoint, and no .tar.gz archive with one; give a folder with ckpt-*.index and ckpt-*.data-*, one of"
        " these files, or such an archive"
    )


def extracted(path: Path, cache: Path | None = None) -> Path:
    """The folder in the cache with the files of the checkpoint in the archive `path`.

    The archive is extracted once; the folder is named by its SHA-256. Raises the errors of `extract`.
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
            rename_into_place(folder, target)
    except OSError as error:
        raise KitError(f"{path}: cannot be extracted to {root}: {error.strerror or error}") from error
    return target


def _checkpoint(archive: tarfile.TarFile, path: Path) -> list[tarfile.TarInfo]:
    by_folder: dict[PurePosixPath, list[tarfile.TarInfo]] = defaultdict(list)
    total = 0
    # The sizes are summed from the headers, before any content is read: this stops a decompression bomb early.
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

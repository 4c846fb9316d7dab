"""The contents of image files: which files have the same bytes, whatever their names."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)

# What is read of a large file for `sampled_hash`: this many blocks, the first and the last among them.
_BLOCKS = 4
_BLOCK = 4096


def identical(paths: Sequence[Path]) -> Iterator[list[int]]:
    """Yields the indices of files with the same bytes, a list for each content that more than one file has.

    Only files of the same size are opened, and only those that end alike are read whole. A file that cannot be read
    equals no other.
    """
    by_size: defaultdict[int, list[tuple[int, object]]] = defaultdict(list)
    for index, path in enumerate(paths):
        try:
            status = os.stat(path)
        except OSError:
            continue
        # Links to one file, and the same path given twice, need no reading. Some file systems give no inode numbers.
        file = (status.st_dev, status.st_ino) if status.st_ino else path
        by_size[status.st_size].append((index, file))
    for members in by_size.values():
        if len(members) > 1:
            yield from _identical(paths, members)


def sampled_hash(path: str | os.PathLike[str]) -> str:
    """The hash, in hexadecimal, of a file's size and of 16 KB spread over it: all of a smaller file.

    Files with different hashes differ. Files with the same hash are the same but for rare ones without compression that
    differ between the samples. Raises OSError if the file cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(str(size).encode() + b":")
        if size <= _BLOCKS * _BLOCK:
            digest.update(file.read())
        else:
            for number in range(_BLOCKS):
                file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:32]


def whole_hash(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError if it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identical(paths: Sequence[Path], members: Iterable[tuple[int, object]]) -> Iterator[list[int]]:
    """Like `identical`, for `members` of one size, given as (index, identity of the file)."""
    classes = [_grouped(members, lambda member: member[1])]
    for hash in (_end, whole_hash):
        classes = [same for files in classes for same in _by_hash(hash, paths, files)]
    for files in classes:
        indices = sorted(index for file in files for index, _ in file)
        if len(indices) > 1:
            yield indices


def _end(path: Path) -> bytes:
    """The last bytes of a file: compressed images of one size differ there."""
    # The functions of `os` are noticeably faster than open().
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        os.lseek(file, max(os.fstat(file).st_size - _BLOCK, 0), os.SEEK_SET)
        return os.read(file, _BLOCK)
    finally:
        os.close(file)


def _by_hash(
    hash: Callable[[Path], Hashable], paths: Sequence[Path], files: list[list[tuple[int, object]]]
) -> list[list[list[tuple[int, object]]]]:
    """Groups `files` by their hash; a single one is not read."""

    def key(file: list[tuple[int, object]]) -> object:
        try:
            return hash(paths[file[0][0]])
        except OSError:
            # Equals nothing else.
            return object()

    return _grouped(files, key) if len(files) > 1 else [files]


def _grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> list[list[_Item]]:
    found: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return list(found.values())

"""Reads a bundle: one tar file with what devices without a network need of a repository.

Nothing in it is trusted before its signature was verified. It is never unpacked: files are read in place, up to the
size that was signed. So names in it cannot lead to other folders, and compressed data cannot fill the disk.
"""

from __future__ import annotations

import contextlib
import tarfile
from pathlib import Path
from typing import IO, Dict, Iterator, Tuple

from runtime.common.errors import InputError, KitError

# More than any release needs.
MOST_MEMBERS = 10_000
MOST_BYTES = 1 << 30


class Bundle:
    """The files of a bundle by name. Raises InputError for a file that is no bundle."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._members: Dict[str, Tuple[int, int]] = {}
        with contextlib.ExitStack() as stack:
            try:
                self._file: IO[bytes] = stack.enter_context(open(path, "rb"))
            except OSError as error:
                raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
            self._index()
            # The file stays open until `close`.
            self._opened = stack.pop_all()

    def has(self, name: str) -> bool:
        """Whether the bundle has a file of that name."""
        return name in self._members

    def open(self, name: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from byte `start` on, in chunks. Raises KeyError where there is no such file."""
        offset, size = self._members[name]
        position, end = offset + start, offset + size
        while position < end:
            self._file.seek(position)
            chunk = self._file.read(min(1 << 18, end - position))
            if not chunk:
                raise KitError(f"{self.path}: ends in the middle of {name}; copy it again")
            position += len(chunk)
            yield chunk

    def close(self) -> None:
        """Closes the file."""
        self._opened.close()

    def _index(self) -> None:
        size = self.path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(f"{self.path}: has {size >> 20} MB, a bundle at most {MOST_BYTES >> 20}")
        try:
            # "r:" refuses compressed archives, in which a small file may stand for any number of bytes.
            with tarfile.open(fileobj=self._file, mode="r:") as archive:
                for number, member in enumerate(archive):
                    if number >= MOST_MEMBERS:
                        raise InputError(f"{self.path}: has more than {MOST_MEMBERS} files in it; it is no bundle")
                    self._check(member, size)
                    self._members[member.name] = (member.offset_data, member.size)
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            raise InputError(f"{self.path}: is no bundle: {error}") from error
        if "metadata/timestamp.json" not in self._members:
            raise InputError(f"{self.path}: is no bundle: it has no metadata/timestamp.json")

    def _check(self, member: tarfile.TarInfo, size: int) -> None:
        if not member.isreg() or member.issparse():
            raise InputError(f"{self.path}: {member.name!r} in it is no plain file; it is no bundle of this kit")
        if member.name.startswith("/") or ".." in member.name.split("/"):
            raise InputError(f"{self.path}: {member.name!r} in it would leave its folder; it is no bundle of this kit")
        if member.offset_data + member.size > size:
            raise InputError(f"{self.path}: {member.name} in it is cut off; copy the bundle again")

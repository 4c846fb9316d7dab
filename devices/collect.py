"""Fetches what devices have collected (`--collect`), and merges it into one folder, without duplicates.

A HOST is an ssh destination with the device's folder, `pi@door:collected`, or a folder that is reachable here. What is in
the merged folder already is not fetched again. Only whole images with their annotations are taken; nothing is changed on
the devices.

Examples:
  python -m devices.collect pi@door:collected pi@yard:collected --out to_label
  python -m devices.collect /media/stick/collected --out to_label
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import subprocess
import sys
import tarfile
import threading
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Dict, Generator, Iterable, List, Optional, Sequence, Set, Tuple
from xml.sax.saxutils import escape

from runtime.collect.pairs import ANNOTATIONS, IMAGES
from runtime.common.command import run as run_command
from runtime.common.command import spelling
from runtime.common.command_parser import command_parser
from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path
from runtime.media import images

# A photograph of 24 megapixels has less.
_MOST_BYTES = 64_000_000
# Characters that some file system does not take in a name, and bytes of a name that leave some for a number and a suffix.
_UNSAFE = re.compile(r'[<>:"/\\|?*]')
_MOST_NAME_BYTES = 200
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15")

# What the device's shell ends with; its own failures, and those of ssh and tar, have other numbers.
_NO_FOLDER, _NO_IMAGES = 71, 72
# What is kept of ssh's messages, whose end says why, and seconds until it has come once ssh has ended.
_MESSAGE_BYTES = 4096
_MESSAGE_SECONDS = 2.0

# A file in a device's folder: the folder in it, the name, and the content, None where it is nothing to fetch.
File = Tuple[str, str, Optional[bytes]]
Files = Generator[File, None, None]


@dataclass
class Result:
    """What became of the images of one host. `bad` are those that cannot be fetched whole, with an annotation."""

    added: int = 0
    known: int = 0
    bad: int = 0

    def __str__(self) -> str:
        bad = f", {self.bad} left out: cut, damaged, no JPEG or without an annotation" if self.bad else ""
        return f"{self.added} new, {self.known} known already{bad}"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code: 1 where a host could not be reached, after all others were fetched."""
    arguments = _parser().parse_args(argv)
    out = Path(arguments.out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give the name of a folder")
    merger = Merger(out)
    failed = 0
    for host in arguments.hosts:
        try:
            with ExitStack() as stack:
                files = stack.enter_context(closing(_files_of(host)))
                print(f"{host}: {merger.add(_label(host), files)}")
        except (KitError, OSError, tarfile.TarError) as error:
            if isinstance(error, InputError) and len(arguments.hosts) == 1:
                raise
            print(f"{host}: {error}", file=sys.stderr)
            failed += 1
    label = spelling("label", "train.label")
    print(f"{out}: {merger.images} images; next: {label} {out} --model DETECTOR --out DIR --to FORMAT", file=sys.stderr)
    return 1 if failed else 0


class Merger:
    """The merged folder, with the SHA-256 of every image in it."""

    def __init__(self, out: Path) -> None:
        """Reads what `out` has. Raises OSError."""
        self._out = out
        self._known: Set[str] = set()
        # Images whose annotation has not been written: an earlier command was ended in between.
        self._halves: Dict[str, str] = {}
        folder = out / IMAGES
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name.startswith(".") or not path.is_file():
                continue
            digest = _digest(path.read_bytes())
            if self._annotation(path.stem).exists():
                self._known.add(digest)
            else:
                self._halves[digest] = path.name

    @property
    def images(self) -> int:
        """The number of different images in the folder."""
        return len(self._known | self._halves.keys())

    def add(self, host: str, files: Iterable[File]) -> Result:
        """Takes the whole images among `files`, whose names get that of their `host` in front. Raises OSError."""
        result = Result()
        # One half of a pair waits for the other; the archive has them folder by folder, so annotations come first.
        annotations: Dict[str, bytes] = {}
        for folder, name, data in files:
            stem = PurePosixPath(name).stem
            if folder == ANNOTATIONS:
                if data is not None:
                    annotations[stem] = data
                continue
            xml = annotations.pop(stem, None)
            digest = _digest(data) if data is not None else ""
            if digest in self._known:
                result.known += 1
            elif data is None or xml is None or not _is_whole(name, data):
                result.bad += 1
            else:
                self._write(self._halves.get(digest) or self._free_name(f"{host}_{stem}"), data, xml)
                self._known.add(digest)
                result.added += 1
        return result

    def _free_name(self, stem: str) -> str:
        """A name for an image that every file system takes."""
        safe = "".join(sign if sign.isprintable() else "_" for sign in _UNSAFE.sub("_", stem))
        safe = safe.encode()[:_MOST_NAME_BYTES].decode("utf-8", "ignore")
        number, made = 1, safe
        while (self._out / IMAGES / f"{made}.jpg").exists() or self._annotation(made).exists():
            number += 1
            made = f"{safe}_{number}"
        return f"{made}.jpg"

    def _annotation(self, stem: str) -> Path:
        return self._out / ANNOTATIONS / f"{stem}.xml"

    def _write(self, name: str, data: bytes, xml: bytes) -> None:
        # In ASCII, which is right in any encoding that the XML may have.
        tag = b"<filename>%b</filename>" % escape(name).encode("ascii", "xmlcharrefreplace")
        renamed = re.sub(rb"<filename>[^<]*</filename>", lambda _: tag, xml, count=1)
        # The image first: an image without an annotation is one that was never fetched.
        for path, content in ((self._out / IMAGES / name, data), (self._annotation(Path(name).stem), renamed)):
            with atomic_path(path) as temporary:
                temporary.write_bytes(content)


def _files_of(host: str) -> Files:
    """The files of a host, its annotations first."""
    local = Path(host)
    if local.is_dir():
        return _local(local)
    destination, colon, folder = host.partition(":")
    if not colon or not destination or destination.startswith("-"):
        raise InputError(f"{host}: no such folder; give one, or an ssh destination with a folder, such as pi@door:collected")
    return _remote(destination, folder or ".")


def _local(folder: Path) -> Files:
    if not (folder / IMAGES).is_dir():
        raise KitError(_no_images(str(folder)))
    for part in (ANNOTATIONS, IMAGES):
        for path in sorted((folder / part).iterdir()) if (folder / part).is_dir() else ():
            # A run may remove it meanwhile.
            with suppress(FileNotFoundError):
                if not path.name.startswith(".") and path.is_file():
                    wanted = _is_wanted(part, path.name, path.stat().st_size)
                    yield part, path.name, path.read_bytes() if wanted else None


def _remote(destination: str, folder: str) -> Files:
    """The files in an archive that the device writes to its standard output."""
    # A device that collects goes on writing: what changes while it is read is not an error of the whole.
    command = (
        f"cd {shlex.quote(folder)} || exit {_NO_FOLDER}; test -d {IMAGES} || exit {_NO_IMAGES}; "
        f"exec tar --create --warning=no-file-changed {ANNOTATIONS} {IMAGES}"
    )
    process = subprocess.Popen([*_SSH, destination, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    messages = _Messages(process.stderr)
    finished = whole = False
    try:
        with closing(process.stdout) as stream:
            yield from _unpacked(stream)
        finished = whole = True
    except tarfile.ReadError:
        # No archive, or not all of it: ssh says why.
        finished = True
    finally:
        if not finished:
            process.kill()
        code = process.wait()
        message = messages.last_line()
    if code == _NO_FOLDER:
        raise KitError(f"cannot be fetched: no such folder on the device: {folder}")
    if code == _NO_IMAGES:
        raise KitError(_no_images(folder))
    # tar ends with 1 where files changed while it read them.
    if not whole or code not in (0, 1):
        raise KitError(f"cannot be fetched: {message or f'no whole archive came, and ssh ended with {code}'}")


def _no_images(folder: str) -> str:
    return f"cannot be fetched: {folder} has no folder {IMAGES}: nothing was collected yet, or it is not what --collect names"


class _Messages:
    """Reads what a process says, so that it never waits for it to be read, and keeps the end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._end = b""
        self._thread = threading.Thread(target=self._read, name="messages", daemon=True)
        self._thread.start()

    def last_line(self) -> str:
        """The last line, or nothing; once the process has ended."""
        # A connection that ssh keeps open for later commands keeps the stream open, too.
        self._thread.join(_MESSAGE_SECONDS)
        lines: List[str] = self._end.decode("utf-8", "replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")

    def _read(self) -> None:
        with self._stream:
            while data := os.read(self._stream.fileno(), _MESSAGE_BYTES):
                self._end = (self._end + data)[-_MESSAGE_BYTES:]


def _unpacked(stream: IO[bytes]) -> Files:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            # Links, and names that lead elsewhere, are no work of the kit's; hidden files are not complete yet.
            if not member.isreg() or len(path.parts) != 2 or path.parts[0] not in (IMAGES, ANNOTATIONS):
                continue
            if path.name.startswith("."):
                continue
            wanted = _is_wanted(path.parts[0], path.name, member.size)
            content = archive.extractfile(member) if wanted else None
            yield path.parts[0], path.name, content.read() if content is not None else None


def _is_wanted(part: str, name: str, size: int) -> bool:
    return name.endswith(".jpg" if part == IMAGES else ".xml") and size <= _MOST_BYTES


def _is_whole(name: str, data: bytes) -> bool:
    try:
        images.decode(data, name)
    except InputError:
        return False
    return True


def _label(host: str) -> str:
    """What stands for a host in names of files."""
    destination = host.partition(":")[0] if not Path(host).is_dir() else Path(host).resolve().parent.name
    return re.sub(r"[^A-Za-z0-9-]+", "-", destination.rpartition("@")[2]).strip("-") or "device"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m devices.collect", __doc__)
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="an ssh destination with a folder, or a folder")
    parser.add_argument("--out", required=True, metavar="DIR", help="the merged folder, new or with earlier images")
    return parser


if __name__ == "__main__":
    run_command(main)

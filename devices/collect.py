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
import re
import shlex
import subprocess
import sys
import tarfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Dict, Generator, Iterable, Optional, Sequence, Set, Tuple

from runtime.collect.pairs import ANNOTATIONS, IMAGES
from runtime.common.command import run as run_command
from runtime.common.command import spelling
from runtime.common.command_parser import command_parser
from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path
from runtime.media import images

# A photograph of 24 megapixels has less.
_MOST_BYTES = 64_000_000
_NAME = re.compile(r"[^\W\s][\w.+-]{0,199}", re.ASCII)
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15")

# A file in a device's folder: the folder in it, the name, and the content.
File = Tuple[str, str, bytes]
Files = Generator[File, None, None]


@dataclass
class Result:
    """What became of the images of one host. `bad` are those that are cut, damaged, or without an annotation."""

    added: int = 0
    known: int = 0
    bad: int = 0

    def __str__(self) -> str:
        bad = f", {self.bad} left out: cut, damaged or without an annotation" if self.bad else ""
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
        folder = out / IMAGES
        self._known: Set[str] = {_digest(path.read_bytes()) for path in folder.iterdir()} if folder.is_dir() else set()

    @property
    def images(self) -> int:
        """The number of different images in the folder."""
        return len(self._known)

    def add(self, host: str, files: Iterable[File]) -> Result:
        """Takes the whole images among `files`, whose names get that of their `host` in front. Raises OSError."""
        result = Result()
        # One half of a pair waits for the other; the archive has them folder by folder, so annotations come first.
        annotations: Dict[str, bytes] = {}
        for folder, name, data in files:
            stem = PurePosixPath(name).stem
            if folder == ANNOTATIONS:
                annotations[stem] = data
                continue
            xml = annotations.pop(stem, None)
            digest = _digest(data)
            if digest in self._known:
                result.known += 1
            elif xml is None or not _is_whole(name, data):
                result.bad += 1
            else:
                self._write(f"{host}_{name}", data, xml)
                self._known.add(digest)
                result.added += 1
        return result

    def _write(self, name: str, data: bytes, xml: bytes) -> None:
        target, number = Path(name), 1
        while (self._out / IMAGES / target).exists():
            number += 1
            target = Path(f"{Path(name).stem}_{number}{Path(name).suffix}")
        renamed = re.sub(rb"<filename>[^<]*</filename>", f"<filename>{target}</filename>".encode(), xml, count=1)
        # The image first: an image without an annotation is one that was never fetched.
        for path, content in (
            (self._out / IMAGES / target, data),
            (self._out / ANNOTATIONS / f"{target.stem}.xml", renamed),
        ):
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
    for part in (ANNOTATIONS, IMAGES):
        for path in sorted((folder / part).iterdir()) if (folder / part).is_dir() else ():
            if _is_name(path.name) and path.is_file() and path.stat().st_size <= _MOST_BYTES:
                yield part, path.name, path.read_bytes()


def _remote(destination: str, folder: str) -> Files:
    """The files in an archive that the device writes to its standard output."""
    # A device that collects goes on writing: what changes while it is read is not an error of the whole.
    command = f"cd {shlex.quote(folder)} && exec tar --create --warning=no-file-changed {ANNOTATIONS} {IMAGES}"
    process = subprocess.Popen([*_SSH, destination, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    finished = False
    try:
        with closing(process.stdout) as stream:
            yield from _unpacked(stream)
        finished = True
    except tarfile.ReadError:
        # An empty stream: ssh says why.
        finished = True
    finally:
        if not finished:
            process.kill()
        message = process.stderr.read().decode("utf-8", "replace").strip()
        process.stderr.close()
        code = process.wait()
    # tar ends with 1 where files changed while it read them.
    if code not in (0, 1):
        lines = message.splitlines() or [f"ssh ended with {code}"]
        raise KitError(f"cannot be fetched: {lines[-1][:300]}")


def _unpacked(stream: IO[bytes]) -> Files:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            # Links, and names that lead elsewhere, are no work of the kit's.
            if not member.isreg() or len(path.parts) != 2 or path.parts[0] not in (IMAGES, ANNOTATIONS):
                continue
            if not _is_name(path.name) or member.size > _MOST_BYTES:
                continue
            content = archive.extractfile(member)
            if content is not None:
                yield path.parts[0], path.name, content.read()


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and PurePosixPath(name).suffix in (".jpg", ".xml")


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

"""Reads with the device's own code what is about to be published, so that nothing is published that devices refuse."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping, Tuple

from devices.releases import channel
from devices.releases.channel import Channel
from devices.releases.release import golden_of
from devices.selftest import selftest
from devices.update.download import download
from devices.update.signed_release import SignedRelease
from devices.update.transport import FolderTransport, Transport
from devices.update.tuf_client import TufClient
from runtime.common.errors import KitError

# Tests the model at a path on the golden in a folder: gives a line for each thing that is wrong with it.
SelfTest = Callable[[Path, Path], Tuple[str, ...]]


@dataclass(frozen=True)
class Reading:
    """What is read: the channels of `groups`, and of the first of them the `releases`, with all their files.

    `root` is the TUF root that the oldest devices trust.
    """

    root: bytes
    groups: Tuple[str, ...]
    releases: Tuple[str, ...] = ()


class Unfinished(Transport):
    """A repository folder as it will be with `files`, by their names in it, which are not written yet."""

    def __init__(self, folder: Path, files: Mapping[str, bytes]) -> None:
        self.where = str(folder)
        self._folder = FolderTransport(folder)
        self._files = files

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        """See `Transport.open`."""
        if name in self._files:
            return start, iter((self._files[name][start:],))
        return self._folder.open(name, start)


def self_test(model: Path, golden: Path) -> Tuple[str, ...]:
    """The self-test as a device does it, on this machine's usual engine."""
    return selftest.run(model, golden, fallback=True).differences


def skip_test(model: Path, golden: Path) -> Tuple[str, ...]:
    """No self-test, for releases that passed theirs when they were published."""
    return ()


def check(transport: Transport, reading: Reading, test: SelfTest = skip_test) -> None:
    """Reads what a new device would read through `transport`. Raises KitError where devices would refuse any of it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            client = TufClient(Path(folder) / "metadata", transport, reading.root)
            for group in reading.groups:
                target = client.target(channel.channel_target(group))
                if target is not None:
                    Channel.parse(client.read(target, channel.MOST_BYTES), target.path)
            for name in reading.releases:
                _check_release(client, transport, reading.groups[0], name, Path(folder) / name, test)
    except KitError as error:
        raise KitError(f"nothing is published, since devices would refuse it: {error}") from error


def _check_release(
    client: TufClient, transport: Transport, group: str, name: str, folder: Path, test: SelfTest
) -> None:
    signed = SignedRelease(client, group, name)
    release = signed.parse()
    for kind in release.models:
        files = release.needed(release.kind_for(kind, True))
        here = folder / kind
        for file in files:
            download(transport, signed.target(file), here / file.name)
        (here / selftest.NAME).write_bytes((here / golden_of(kind)).read_bytes())
        differences = test(here / release.models[kind], here)
        if differences:
            raise KitError(f"{release.models[kind]}: self-test: {'; '.join(differences[:3])}")

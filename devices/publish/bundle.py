"""Writes a bundle: one tar file with what devices without a network need of a repository.

It holds the signed metadata, and the files of the newest release that is for all devices and of those after it.
"""

from __future__ import annotations

import contextlib
import tarfile
from pathlib import Path
from typing import List, Sequence, Tuple

from devices.publish.repository import Repository
from devices.releases import channel
from devices.releases.bundle import Bundle
from devices.releases.channel import Offer
from runtime.common.errors import InputError
from runtime.common.files import atomic_path


def write(repository: Repository, group: str, path: Path) -> Tuple[str, ...]:
    """Writes the bundle of a group to `path`; gives the names of the releases in it, none where all are withdrawn.

    It is read back with the device's own code first. Raises InputError where the group was never offered a release,
    KitError where devices would refuse the bundle; then no file is written.
    """
    from devices.publish import read_back
    from devices.update.transport import BundleTransport

    offered = repository.channel(group).offers
    if not offered:
        raise InputError(f"{repository.folder}: offers {f'group {group}' if group else 'devices'} no release yet")
    taken = _releases([offer for offer in offered if offer.withdrawn is None and offer.percent])
    wanted = [channel.prefix(group) + f"releases/{name}" for name in taken]
    metadata, targets = repository.folder / "metadata", repository.folder / "targets"
    listed = sorted(metadata.glob("*.root.json")) + [metadata / name for name in sorted(repository.current_metadata())]
    for name in sorted(repository.current_files()):
        folder, _, last = name.rpartition("/")
        if folder in wanted or (folder == channel.prefix(group).rstrip("/") and last.endswith(".channel.json")):
            listed.append(targets / name)
    with atomic_path(path) as temporary:
        # Names of any length; ustar ends at a hundred characters.
        with tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive:
            for file in listed:
                archive.add(file, file.relative_to(repository.folder).as_posix(), recursive=False, filter=_plain)
        with contextlib.closing(BundleTransport(Bundle(temporary))) as transport:
            read_back.check(transport, read_back.Reading(repository.first_root, (group,), taken))
    return taken


def _releases(offers: Sequence[Offer]) -> Tuple[str, ...]:
    """The newest release, and those before it up to one for all devices: a staged release is not for all of them."""
    taken: List[str] = []
    for offer in reversed(offers):
        taken.insert(0, offer.release)
        if offer.percent == 100:
            break
    return tuple(taken)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    # In whole seconds: a fraction would get a header of its own.
    member.mtime = int(member.mtime)
    return member

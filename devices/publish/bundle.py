"""Writes a bundle: one tar file with what devices without a network need of a repository.

It holds the signed metadata, and the files of the newest release that is for all devices.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Tuple

from devices.publish.repository import Repository
from devices.releases import channel
from runtime.common.errors import InputError
from runtime.common.files import atomic_path


def write(repository: Repository, group: str, path: Path) -> Tuple[str, ...]:
    """Writes the bundle of a group to `path`; gives the names of the releases in it.

    Raises InputError where the group is offered no release.
    """
    offers = [offer for offer in repository.channel(group).offers if offer.withdrawn is None and offer.percent]
    if not offers:
        raise InputError(f"{repository.folder}: offers {f'group {group}' if group else 'devices'} no release yet")
    # A staged release is not for all devices: the others need the release before it.
    taken = [offers[-1]] if offers[-1].percent == 100 else offers[-2:]
    wanted = [channel.prefix(group) + f"releases/{offer.release}" for offer in taken]
    metadata, targets = repository.folder / "metadata", repository.folder / "targets"
    listed = sorted(metadata.glob("*.root.json")) + [metadata / name for name in sorted(repository.current_metadata())]
    for name in sorted(repository.current_files()):
        folder, _, last = name.rpartition("/")
        if folder in wanted or (folder == channel.prefix(group).rstrip("/") and last.endswith(".channel.json")):
            listed.append(targets / name)
    with atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file in listed:
            archive.add(file, file.relative_to(repository.folder).as_posix(), recursive=False, filter=_plain)
    return tuple(offer.release for offer in taken)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member

"""The roots of a repository, the published ones and those of the keys: they must be one chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Dict

from devices.keys.key_ring import Keyring
from devices.publish import repository_files
from runtime.common.errors import InputError

if TYPE_CHECKING:
    # These need packages that may be missing.
    from devices.releases.tuf_types import Root


def unpublished(folder: Path, ring: Keyring) -> Dict[str, bytes]:
    """The roots of the keys that the repository in `folder` lacks, by their names in it, oldest first."""
    return {name: data for name, data in _named(ring).items() if not (folder / name).exists()}


def check(folder: Path, ring: Keyring) -> None:
    """Raises InputError where the keys are not those of the repository in `folder`."""
    for name, data in _named(ring).items():
        path = folder / name
        if path.exists() and path.read_bytes() != data:
            raise InputError(
                f"{ring.folder}: these are not the keys of {folder}, which has another {path.name}; give them with --keys"
            )


def newest(folder: Path, ring: Keyring) -> Root:
    """The newest root: that of the keys, or a later one in the repository, where the keys are a copy from before it."""
    root = ring.root().signed
    while True:
        later = repository_files.read_metadata(folder / "metadata" / f"{root.version + 1}.root.json")
        if later is None:
            return root
        root = later.signed


def _named(ring: Keyring) -> Dict[str, bytes]:
    return {f"metadata/{number}.root.json": data for number, data in ring.roots()}

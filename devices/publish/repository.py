"""A TUF repository as a folder of plain files, which any web server can serve.

    DIR/metadata/N.root.json, N.targets.json, N.group-NAME.json, N.snapshot.json, timestamp.json
    DIR/targets/channel.json, releases/RELEASE/FILE, groups/NAME/...    with their hash before the name

No file is ever changed but `timestamp.json`, which is written last and names all that belongs to it:
who reads meanwhile sees the old state or the new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple, Union

from devices.host import fsync_files
from devices.keys.key_ring import Keyring, expiry, group_role
from devices.releases import channel
from devices.releases.channel import Channel
from runtime.common.errors import InputError, KitError

# What is to lie at a target: content, or a file with it.
Source = Union[bytes, Path]


@dataclass(frozen=True)
class Lifetimes:
    """Days until what is signed has to be signed again. A device that hears nothing newer for so long
    takes its repository for frozen, and no model from it.
    """

    targets: float = 365
    snapshot: float = 30
    timestamp: float = 14


class Repository:
    """Opens or begins the repository in `folder`; `publish` writes what was changed.

    Raises InputError where the keys are not those of the repository.
    """

    def __init__(self, folder: Path, ring: Keyring, lifetimes: Lifetimes = Lifetimes()) -> None:
        self.folder = folder
        self._ring = ring
        self._lifetimes = lifetimes
        self.root = ring.root().signed
        self._changed: Set[str] = set()
        self._new: Dict[str, Source] = {}
        self._signers: Dict[str, Any] = {}
        self._check_keys()
        self.timestamp = self._read("timestamp.json")
        self.snapshot: Any = None
        self.roles: Dict[str, Any] = {}
        if self.timestamp is not None:
            self.snapshot = self._needed(f"{self.timestamp.signed.snapshot_meta.version}.snapshot.json")
            for name, meta in self.snapshot.signed.meta.items():
                self.roles[name[: -len(".json")]] = self._needed(f"{meta.version}.{name}")
        self._before = self._referenced()
        if "targets" not in self.roles:
            self.roles["targets"] = _no_targets()
            self._changed.add("targets")

    @property
    def groups(self) -> List[str]:
        """The names of the groups that there are; the first is empty, for all devices."""
        return ["", *sorted(role[len(group_role("x")) - 1 :] for role in self.roles if role != "targets")]

    def channel(self, group: str) -> Channel:
        """What is offered to a group; empty where nothing is yet."""
        target = channel.channel_target(group)
        found = self._targets(group).get(target)
        if found is None:
            return Channel()
        path = self.folder / "targets" / _hashed(target, found.hashes["sha256"])
        return Channel.parse(path.read_bytes(), str(path))

    def set_channel(self, group: str, offered: Channel) -> None:
        """Takes the place of what was offered. Files of releases that are in it no more are left out."""
        kept = {offer.release for offer in offered.offers}
        before = channel.prefix(group) + "releases/"
        targets = self._targets(group)
        for target in list(targets):
            if target.startswith(before) and target[len(before) :].partition("/")[0] not in kept:
                del targets[target]
        self.add(group, {channel.channel_target(group): offered.text().encode()})

    def add(self, group: str, sources: Mapping[str, Source]) -> None:
        """Signs for new targets of a group. Raises InputError for a release that is there already."""
        from tuf.api.metadata import TargetFile

        self._delegate(group)
        targets = self._targets(group)
        for target, source in sources.items():
            made = (
                TargetFile.from_data(target, source, ["sha256"])
                if isinstance(source, bytes)
                else TargetFile.from_file(target, str(source), ["sha256"])
            )
            targets[target] = made
            self._new[target] = source
        self._changed.add(_role(group))

    def current_metadata(self) -> Set[str]:
        """The names of the metadata files of this state, but for the roots."""
        return self._referenced()[1] | {"timestamp.json"}

    def current_files(self) -> Set[str]:
        """The names of its target files, as they lie in the folder `targets`."""
        return self._referenced()[0]

    def publish(self) -> None:
        """Signs and writes: first files, then what names them, the timestamp last."""
        metadata = self.folder / "metadata"
        with fsync_files.lock(self.folder / ".lock", "another publish writes there"):
            self._check_unchanged()
            for target, source in self._new.items():
                role = next(role for role in self.roles.values() if target in role.signed.targets)
                info = role.signed.targets[target]
                self._put(self.folder / "targets" / _hashed(target, info.hashes["sha256"]), source)
            for number, data in self._ring.roots():
                if not (metadata / f"{number}.root.json").exists():
                    fsync_files.write(metadata / f"{number}.root.json", data)
            self._sign_roles(metadata)
            self._sign_snapshot(metadata)
            self._sign_timestamp(metadata)
            self._prune(metadata)

    def _sign_roles(self, metadata: Path) -> None:
        for name, role in self.roles.items():
            if name == "targets" and not self._is_signed(role, "targets"):
                self._changed.add(name)
            if name in self._changed:
                role.signed.version += 1
                role.signed.expires = expiry(self._lifetimes.targets)
                self._sign(role, name)
                fsync_files.write(metadata / f"{role.signed.version}.{name}.json", role.to_bytes())

    def _sign_snapshot(self, metadata: Path) -> None:
        from tuf.api.metadata import Snapshot

        if self.snapshot is None:
            self.snapshot = _unwritten(Snapshot())
        self.snapshot.signed.version += 1
        self.snapshot.signed.expires = expiry(self._lifetimes.snapshot)
        self.snapshot.signed.meta = {
            f"{name}.json": _meta(metadata / f"{role.signed.version}.{name}.json", role.signed.version)
            for name, role in self.roles.items()
        }
        self._sign(self.snapshot, "snapshot")
        fsync_files.write(metadata / f"{self.snapshot.signed.version}.snapshot.json", self.snapshot.to_bytes())

    def _sign_timestamp(self, metadata: Path) -> None:
        from tuf.api.metadata import Timestamp

        if self.timestamp is None:
            self.timestamp = _unwritten(Timestamp())
        version = self.snapshot.signed.version
        self.timestamp.signed.version += 1
        self.timestamp.signed.expires = expiry(self._lifetimes.timestamp)
        self.timestamp.signed.snapshot_meta = _meta(metadata / f"{version}.snapshot.json", version)
        self._sign(self.timestamp, "timestamp")
        fsync_files.write(metadata / "timestamp.json", self.timestamp.to_bytes())

    def _sign(self, content: Any, role: str) -> None:
        content.signatures.clear()
        if role in self.root.roles:
            signers = self._ring.needed(role, self.root.roles[role].keyids)
        else:
            keyids = self.roles["targets"].signed.delegations.roles[role].keyids
            signers = [self._signers[role]] if role in self._signers else self._ring.needed(role, keyids)
        for signer in signers:
            content.sign(signer, append=True)

    def _is_signed(self, content: Any, role: str) -> bool:
        return bool(self.root.get_verification_result(role, content.signed_bytes, content.signatures).verified)

    def _delegate(self, group: str) -> None:
        """Lets the group's key sign for the group's targets."""
        if not group:
            return
        from tuf.api.metadata import DelegatedRole, Delegations

        role, above = group_role(group), self.roles["targets"].signed
        signer = self._signers.setdefault(role, self._ring.group_signer(group))
        delegations = above.delegations or Delegations(keys={}, roles={})
        known = delegations.roles.get(role)
        if known is None or known.keyids != [signer.public_key.keyid]:
            start = channel.prefix(group)
            paths = [f"{start}channel.json", f"{start}releases/*/*"]
            delegations.roles[role] = DelegatedRole(role, [], 1, True, paths=paths)
            above.delegations = delegations
            above.add_key(signer.public_key, role)
            used = {keyid for found in delegations.roles.values() for keyid in found.keyids}
            delegations.keys = {keyid: key for keyid, key in delegations.keys.items() if keyid in used}
            self._changed.add("targets")
        if role not in self.roles:
            self.roles[role] = _no_targets()

    def _targets(self, group: str) -> Dict[str, Any]:
        role = self.roles.get(_role(group))
        return role.signed.targets if role is not None else {}

    def _put(self, path: Path, source: Source) -> None:
        if isinstance(source, bytes):
            fsync_files.write(path, source)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            shutil.copyfile(source, temporary)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        fsync_files.sync_folder(path.parent)

    def _prune(self, metadata: Path) -> None:
        """Removes what neither this state needs nor the one before it, which somebody may be reading."""
        files, names = (now | before for now, before in zip(self._referenced(), self._before))
        for path in metadata.glob("*.*.json"):
            if not path.name.endswith(".root.json") and path.name not in names:
                path.unlink()
        for place, _, found in os.walk(self.folder / "targets", topdown=False):
            for name in found:
                path = Path(place, name)
                if path.relative_to(self.folder / "targets").as_posix() not in files:
                    path.unlink()
            if not os.listdir(place):
                os.rmdir(place)

    def _referenced(self) -> Tuple[Set[str], Set[str]]:
        """The target files, and the metadata, that the state has that is open."""
        files = {
            _hashed(target, info.hashes["sha256"])
            for role in self.roles.values()
            for target, info in role.signed.targets.items()
        }
        names = {f"{role.signed.version}.{name}.json" for name, role in self.roles.items()}
        if self.snapshot is not None:
            names.add(f"{self.snapshot.signed.version}.snapshot.json")
        return files, names

    def _check_keys(self) -> None:
        first = self.folder / "metadata" / "1.root.json"
        if first.exists() and first.read_bytes() != self._ring.roots()[0][1]:
            raise InputError(f"{self._ring.folder}: these are not the keys of {self.folder}; give them with --keys")

    def _check_unchanged(self) -> None:
        now = self._read("timestamp.json")
        if (now and now.signed.version) != (self.timestamp and self.timestamp.signed.version):
            raise KitError(f"{self.folder}: another publish has changed it meanwhile; publish again")

    def _read(self, name: str) -> Optional[Any]:
        from tuf.api.exceptions import RepositoryError
        from tuf.api.metadata import Metadata

        path = self.folder / "metadata" / name
        try:
            return Metadata.from_bytes(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, RepositoryError) as error:
            raise KitError(f"{path}: cannot be read: {error}; restore it from a copy") from error

    def _needed(self, name: str) -> Any:
        found = self._read(name)
        if found is None:
            raise KitError(f"{self.folder / 'metadata' / name}: is missing; restore it from a copy")
        return found


def _no_targets() -> Any:
    from tuf.api.metadata import Targets

    return _unwritten(Targets())


def _unwritten(signed: Any) -> Any:
    """Metadata whose first version is still to come."""
    from tuf.api.metadata import Metadata

    signed.version = 0
    return Metadata(signed)


def _role(group: str) -> str:
    return group_role(group) if group else "targets"


def _hashed(target: str, sha256: str) -> str:
    """Where a target's file lies: https://theupdateframework.github.io/specification/latest/#consistent-snapshots."""
    folder, slash, name = target.rpartition("/")
    return f"{folder}{slash}{sha256}.{name}"


def _meta(path: Path, version: int) -> Any:
    from tuf.api.metadata import MetaFile

    data = path.read_bytes()
    return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})

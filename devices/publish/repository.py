"""Signs a TUF repository: a folder of plain files, which any web server can serve.

    DIR/metadata/N.root.json, N.targets.json, N.group-NAME.json, N.snapshot.json, timestamp.json
    DIR/targets/channel.json, releases/RELEASE/FILE, groups/NAME/...    each with its hash before its name

Only `timestamp.json` is ever changed. It is written last, and refers to everything else: a device that reads during
a publish sees the old state or the new one.

Each publish signs anew every list of targets whose keys are here, changed or not: a list that nobody changes would
expire, and with it the devices' whole view of the repository.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar

from devices.host import fsync_files
from devices.keys.key_ring import Keyring, expiry, group_of, group_role
from devices.publish import repository_files, roots
from devices.publish.repository_files import Source
from devices.releases import channel
from devices.releases.channel import Channel
from runtime.common.errors import InputError, KitError

if TYPE_CHECKING:
    # These need packages that may be missing.
    from devices.releases.tuf_types import Metadata, Root, Signer, Snapshot, TargetFile, Targets, Timestamp

Part = TypeVar("Part", "Targets", "Snapshot", "Timestamp")


@dataclass(frozen=True)
class Lifetimes:
    """Days until the signatures of each role expire and have to be renewed.

    A device whose repository has expired signatures takes no release from it.
    """

    targets: float = 365
    snapshot: float = 30
    timestamp: float = 14


class Repository:
    """The repository in `folder`, which may be new. `publish` writes the changes.

    `roles` are the signed lists of targets by the name of their role: `targets` for all devices, and one for each
    group. Raises InputError where the keys are not those of the repository.
    """

    def __init__(self, folder: Path, ring: Keyring, lifetimes: Lifetimes = Lifetimes()) -> None:
        self.folder = folder
        self._ring = ring
        self._lifetimes = lifetimes
        self._root: Root = ring.root().signed
        # The roles whose lists were signed anew by `publish`.
        self.renewed: Set[str] = set()
        self._changed: Set[str] = set()
        self._new: Dict[str, Source] = {}
        self._signers: Dict[str, Signer] = {}
        roots.check(folder, ring)
        self.timestamp: Optional[Metadata[Timestamp]] = self._read("timestamp.json")
        self.snapshot: Optional[Metadata[Snapshot]] = None
        self.roles: Dict[str, Metadata[Targets]] = {}
        if self.timestamp is not None:
            snapshot = self._existing(f"{self.timestamp.signed.snapshot_meta.version}.snapshot.json")
            for name, meta in snapshot.signed.meta.items():
                self.roles[name[: -len(".json")]] = self._existing(f"{meta.version}.{name}")
            self.snapshot = snapshot
        self._before = self._referenced()
        if "targets" not in self.roles:
            self.roles["targets"] = _no_targets()
            self._changed.add("targets")

    @property
    def groups(self) -> List[str]:
        """The names of the groups, beginning with the empty name, which stands for all devices."""
        return ["", *sorted(group_of(role) for role in self.roles if role != "targets")]

    def channel(self, group: str) -> Channel:
        """The channel of a group; empty where nothing was offered yet."""
        target = channel.channel_target(group)
        found = self._targets(group).get(target)
        if found is None:
            return Channel()
        path = self.folder / "targets" / repository_files.hashed_name(target, found.hashes["sha256"])
        return Channel.parse(path.read_bytes(), str(path))

    def set_channel(self, group: str, offered: Channel) -> None:
        """Replaces the channel of a group. Files of releases that it no longer lists are removed."""
        kept = {offer.release for offer in offered.offers}
        before = channel.prefix(group) + "releases/"
        targets = self._targets(group)
        for target in list(targets):
            if target.startswith(before) and target[len(before) :].partition("/")[0] not in kept:
                del targets[target]
        self.add(group, {channel.channel_target(group): offered.text().encode()})

    def add(self, group: str, sources: Mapping[str, Source]) -> None:
        """Adds targets to those of a group, each with its content or a file that holds it."""
        from devices.releases.tuf_types import TargetFile

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
        """The names of the current metadata files, without the roots."""
        return self._referenced()[1] | {"timestamp.json"}

    def current_files(self) -> Set[str]:
        """The names of the current target files, in the folder `targets`."""
        return self._referenced()[0]

    @property
    def first_root(self) -> bytes:
        """The root that the oldest devices trust."""
        return self._ring.roots()[0][1]

    def expiries(self) -> Dict[str, datetime]:
        """When the signatures of each role expire."""
        found = {"root": roots.newest(self.folder, self._ring).expires, **{name: role.signed.expires for name, role in self.roles.items()}}
        if self.snapshot is not None and self.timestamp is not None:
            found.update(snapshot=self.snapshot.signed.expires, timestamp=self.timestamp.signed.expires)
        return found

    def publish(self, read_back: Callable[[Mapping[str, bytes]], None] = lambda last: None) -> None:
        """Signs and writes the changes: first the files, then the metadata that refers to them, the timestamp last.

        `read_back` gets the files that are written last, by their names in the repository, when all others are
        written: new roots, and the timestamp. Devices still read the state before. Where it raises, nothing is
        published, and what was written is removed. After an error, open the repository anew.
        """
        with fsync_files.lock(self.folder / ".lock", "another publish writes there"):
            self._check_unchanged()
            with repository_files.removed_on_error(self.folder) as made:
                for target, source in self._new.items():
                    role = next(role for role in self.roles.values() if target in role.signed.targets)
                    digest = role.signed.targets[target].hashes["sha256"]
                    self._write(f"targets/{repository_files.hashed_name(target, digest)}", source, made)
                self._sign_roles(made)
                self._sign_snapshot(made)
                last = roots.unpublished(self.folder, self._ring)
                last["metadata/timestamp.json"] = self._signed_timestamp()
                read_back(last)
            for name, data in last.items():
                fsync_files.write(self.folder / name, data)
            # The files of the state before stay, since a device may be reading them.
            (files, names), (old_files, old_names) = self._referenced(), self._before
            repository_files.prune(self.folder, files | old_files, names | old_names)

    def _write(self, name: str, source: Source, made: List[Path]) -> None:
        path = self.folder / name
        if not path.exists():
            made.append(path)
        repository_files.write_target(path, source)

    def _sign_roles(self, made: List[Path]) -> None:
        self._replace_missing_keys()
        if not self._is_signed(self.roles["targets"], "targets"):
            self._changed.add("targets")
        for name, role in self.roles.items():
            signers = self._signers_of(name) if name in self._changed else self._signers_here(name)
            if signers:
                role.signed.version += 1
                role.signed.expires = expiry(self._lifetimes.targets)
                _sign(role, signers)
                self.renewed.add(name)
                self._write(f"metadata/{role.signed.version}.{name}.json", role.to_bytes(), made)

    def _replace_missing_keys(self) -> None:
        """Gives each group whose key is gone the key that was made for it since, where there is one."""
        for role in [role for role in self.roles if role != "targets"]:
            if self._ring.has_keys(role) and not self._signers_here(role) and self._signers_here("targets"):
                with contextlib.suppress(InputError):
                    self._delegate(group_of(role))
                    self._changed.add(role)

    def _signers_here(self, role: str) -> List[Signer]:
        """The signers of an unchanged role; none where its keys are elsewhere, or have another passphrase."""
        try:
            return self._signers_of(role)
        except InputError:
            return []

    def _sign_snapshot(self, made: List[Path]) -> None:
        """Signs and writes a new snapshot."""
        from devices.releases.tuf_types import Metadata, Snapshot

        snapshot = self.snapshot or Metadata(_first(Snapshot()))
        snapshot.signed.version += 1
        snapshot.signed.expires = expiry(self._lifetimes.snapshot)
        snapshot.signed.meta = {
            f"{name}.json": repository_files.description_of(
                self.folder / "metadata" / f"{role.signed.version}.{name}.json", role.signed.version
            )
            for name, role in self.roles.items()
        }
        _sign(snapshot, self._signers_of("snapshot"))
        self._write(f"metadata/{snapshot.signed.version}.snapshot.json", snapshot.to_bytes(), made)
        self.snapshot = snapshot

    def _signed_timestamp(self) -> bytes:
        """Signs a new timestamp, for the snapshot as it is; gives the content of its file."""
        from devices.releases.tuf_types import SIGNED_AT, Metadata, Timestamp

        version = self.snapshot.signed.version if self.snapshot is not None else 0
        path = self.folder / "metadata" / f"{version}.snapshot.json"
        timestamp = self.timestamp or Metadata(_first(Timestamp()))
        timestamp.signed.version += 1
        timestamp.signed.expires = expiry(self._lifetimes.timestamp)
        timestamp.signed.unrecognized_fields[SIGNED_AT] = int(time.time())
        timestamp.signed.snapshot_meta = repository_files.description_of(path, version)
        _sign(timestamp, self._signers_of("timestamp"))
        self.timestamp = timestamp
        return timestamp.to_bytes()

    def _signers_of(self, role: str) -> List[Signer]:
        if role in self._root.roles:
            return self._ring.required(role, self._root.roles[role].keyids)
        if role in self._signers:
            return [self._signers[role]]
        delegations = self.roles["targets"].signed.delegations
        delegated = delegations.roles if delegations is not None else None
        if not delegated or role not in delegated:
            raise KitError(f"{self.folder}: its targets do not name {role}; restore it from a copy")
        return self._ring.required(role, delegated[role].keyids)

    def _is_signed(self, content: Metadata[Any], role: str) -> bool:
        return bool(self._root.get_verification_result(role, content.signed_bytes, content.signatures).verified)

    def _delegate(self, group: str) -> None:
        """Delegates the targets of a group to the key of the group."""
        if not group:
            return
        from devices.releases.tuf_types import DelegatedRole, Delegations

        role, above = group_role(group), self.roles["targets"].signed
        signer = self._signers.setdefault(role, self._ring.group_signer(group))
        delegations = above.delegations or Delegations(keys={}, roles={})
        roles = delegations.roles if delegations.roles is not None else {}
        known = roles.get(role)
        if known is None or known.keyids != [signer.public_key.keyid]:
            start = channel.prefix(group)
            paths = [f"{start}channel.json", f"{start}releases/*/*"]
            roles[role] = DelegatedRole(role, [], 1, True, paths=paths)
            delegations.roles = roles
            above.delegations = delegations
            above.add_key(signer.public_key, role)
            used = {keyid for found in roles.values() for keyid in found.keyids}
            delegations.keys = {keyid: key for keyid, key in delegations.keys.items() if keyid in used}
            self._changed.add("targets")
        if role not in self.roles:
            self.roles[role] = _no_targets()

    def _targets(self, group: str) -> Dict[str, TargetFile]:
        role = self.roles.get(_role(group))
        return role.signed.targets if role is not None else {}

    def _referenced(self) -> Tuple[Set[str], Set[str]]:
        """The names of the target files and of the metadata files of the current state."""
        files = {
            repository_files.hashed_name(target, info.hashes["sha256"])
            for role in self.roles.values()
            for target, info in role.signed.targets.items()
        }
        names = {f"{role.signed.version}.{name}.json" for name, role in self.roles.items()}
        if self.snapshot is not None:
            names.add(f"{self.snapshot.signed.version}.snapshot.json")
        return files, names

    def _check_unchanged(self) -> None:
        now: Optional[Metadata[Timestamp]] = self._read("timestamp.json")
        if (now and now.signed.version) != (self.timestamp and self.timestamp.signed.version):
            raise KitError(f"{self.folder}: another publish has changed it meanwhile; publish again")

    def _read(self, name: str) -> Optional[Metadata[Any]]:
        return repository_files.read_metadata(self.folder / "metadata" / name)

    def _existing(self, name: str) -> Metadata[Any]:
        return repository_files.existing_metadata(self.folder / "metadata" / name)


def _sign(content: Metadata[Any], signers: Sequence[Signer]) -> None:
    content.signatures.clear()
    for signer in signers:
        content.sign(signer, append=True)


def _no_targets() -> Metadata[Targets]:
    from devices.releases.tuf_types import Metadata, Targets

    return Metadata(_first(Targets()))


def _first(signed: Part) -> Part:
    """`signed` with the version before the first, since signing it adds one."""
    signed.version = 0
    return signed


def _role(group: str) -> str:
    return group_role(group) if group else "targets"

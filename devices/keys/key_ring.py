"""The signing keys of a fleet: a folder with the public keys of each role, and a file for each private key.

    KEYS/root.json            the newest root: every role's public keys, signed by the root keys
    KEYS/roots/N.root.json    every root so far, by which devices get from theirs to the newest
    KEYS/root/ID.pem          private root keys, needed only to change keys; keep them elsewhere
    KEYS/targets/ID.pem       signs the list of files
    KEYS/snapshot/ID.pem      signs which versions of the metadata belong together
    KEYS/timestamp/ID.pem     signs which snapshot is the newest, again and again
    KEYS/group-NAME/ID.pem    signs the files of one group of devices

Private keys are Ed25519 in PKCS#8, encrypted with a passphrase, readable by their owner only. The
roles are those of The Update Framework: https://theupdateframework.github.io/specification/latest/.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence, Tuple

from devices.host import fsync_files
from devices.releases.channel import checked_name
from runtime.common.errors import InputError, KitError

if TYPE_CHECKING:
    # These need packages that may be missing.
    from devices.releases.tuf_types import CryptoSigner, Metadata, Root, Signer

ROLES = ("root", "targets", "snapshot", "timestamp")
GROUP = "group-"

SHORTEST_PASSPHRASE = 12

# Gives the passphrase for the keys of a role. Raises InputError where there is none.
Secret = Callable[[str], bytes]


def group_role(group: str) -> str:
    """The name of the role that signs for a group."""
    return GROUP + checked_name(group, "group")


def group_of(role: str) -> str:
    """The group that a role signs for; the inverse of `group_role`."""
    return role[len(GROUP) :]


class Keyring:
    """The keys in `folder`. The root keys may lie in another folder, `root_folder`, for example on a USB stick."""

    def __init__(self, folder: Path, secret: Secret, root_folder: Optional[Path] = None) -> None:
        self.folder = folder
        self._secret = secret
        self._root_folder = root_folder or folder / "root"

    @property
    def root_file(self) -> Path:
        """The newest root."""
        return self.folder / "root.json"

    @property
    def pending_file(self) -> Path:
        """A new root that still lacks signatures."""
        return self.folder / "root.pending.json"

    def create(self, keys: int = 1, threshold: int = 1, days: float = 365) -> Metadata[Root]:
        """Makes the first keys and the first root, and returns the root.

        There are `keys` root keys, of which `threshold` must sign, and one key for each other role. The root expires
        after `days`. Raises InputError where there are keys already.
        """
        from devices.releases.tuf_types import Metadata, Root

        if self.root_file.exists():
            raise InputError(f"{self.root_file}: there are keys already; use --rotate or --renew to change them")
        if not 1 <= threshold <= keys:
            raise InputError(f"--threshold {threshold}: must be from 1 to the number of root keys, {keys}")
        root = Metadata(Root(version=1, expires=expiry(days), consistent_snapshot=True))
        for role in ROLES:
            for _ in range(keys if role == "root" else 1):
                root.signed.add_key(self.make(role).public_key, role)
        root.signed.roles["root"].threshold = threshold
        for signer in self.signers("root", root.signed.roles["root"].keyids):
            root.sign(signer, append=True)
        self._keep(root)
        return root

    def root(self) -> Metadata[Root]:
        """The newest root. Raises InputError where there is none."""
        return _metadata(self.root_file, "make keys first: python -m devices.keys KEYS")

    def roots(self) -> List[Tuple[int, bytes]]:
        """The version and the content of every root so far, oldest first."""
        newest = self.root().signed.version
        return [(number, (self.folder / "roots" / f"{number}.root.json").read_bytes()) for number in range(1, newest + 1)]

    def rotate(self, role: str, days: float, lost: Sequence[str] = ()) -> Metadata[Root]:
        """Replaces the keys of a role: all of them, or those whose ids begin with one of `lost`.

        Returns the new root, signed with the root keys that are here; see `finish`. Raises InputError for an
        unknown role.
        """
        if role not in ROLES:
            raise InputError(f"--rotate {role}: there are {', '.join(ROLES)}; a group's key is made anew by --group")
        root = self._next(days)
        old = list(root.signed.roles[role].keyids)
        going = [key for key in old if not lost or key.startswith(tuple(lost))]
        if not going:
            raise InputError(f"--key {', '.join(lost)}: {role} has {', '.join(key[:8] for key in old)}")
        for key in going:
            root.signed.add_key(self.make(role).public_key, role)
            root.signed.revoke_key(key, role)
        return self._signed(root)

    def renew(self, days: float) -> Metadata[Root]:
        """A new root with the same keys, which expires `days` from now; see `finish`."""
        return self._signed(self._next(days))

    def sign_pending(self) -> Metadata[Root]:
        """Signs the pending root with the root keys that are here."""
        return self._signed(_metadata(self.pending_file, "no root is waiting for signatures"))

    def missing(self, root: Metadata[Root]) -> int:
        """How many signatures a root lacks, by its own keys or by those of the root before it."""
        lacking = _lacking(root.signed, root)
        if root.signed.version > 1:
            lacking = max(lacking, _lacking(self.root().signed, root))
        return lacking

    def finish(self, root: Metadata[Root]) -> bool:
        """Makes `root` the newest and gives true if it has all signatures; else keeps it as pending and gives false."""
        if self.missing(root):
            fsync_files.write(self.pending_file, root.to_bytes())
            return False
        self._keep(root)
        self.pending_file.unlink(missing_ok=True)
        return True

    def make(self, role: str) -> CryptoSigner:
        """Makes a key for a role and writes it, encrypted; gives its signer."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

        from devices.releases.tuf_types import CryptoSigner

        private = Ed25519PrivateKey.generate()
        signer = CryptoSigner(private)
        encrypted = private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(self._secret(role))
        )
        folder = self._folder(role)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fsync_files.write(folder / f"{signer.public_key.keyid[:16]}.pem", encrypted, mode=0o600)
        return signer

    def signers(self, role: str, keyids: Sequence[str]) -> List[Signer]:
        """Signers for those of `keyids` whose private keys are here.

        Raises InputError where the passphrase is wrong.
        """
        found: List[Signer] = []
        for keyid in keyids:
            path = self._folder(role) / f"{keyid[:16]}.pem"
            if not path.is_file():
                continue
            signer = self._load(path, role)
            if signer.public_key.keyid != keyid:
                raise InputError(f"{path}: holds another key than its name says")
            found.append(signer)
        return found

    def group_signer(self, group: str) -> Signer:
        """The signer of a group, with its newest key; a key is made where there is none."""
        role = group_role(group)
        paths = sorted(self._folder(role).glob("*.pem"), key=lambda path: path.stat().st_mtime_ns)
        if not paths:
            return self.make(role)
        return self._load(paths[-1], role)

    def has_keys(self, role: str) -> bool:
        """Whether private keys of a role are here, old or new."""
        return any(self._folder(role).glob("*.pem"))

    def required(self, role: str, keyids: Sequence[str]) -> List[Signer]:
        """As `signers`, but raises InputError where no private key is here."""
        found = self.signers(role, keyids)
        if not found:
            raise InputError(
                f"{self._folder(role)}: none of the keys that sign for {role} is here "
                f"({', '.join(f'{keyid[:16]}.pem' for keyid in keyids)})"
            )
        return found

    def _load(self, path: Path, role: str) -> CryptoSigner:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        from devices.releases.tuf_types import CryptoSigner

        try:
            return CryptoSigner(load_pem_private_key(path.read_bytes(), self._secret(role)))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: cannot be opened: the passphrase is wrong, or the file damaged") from error

    def _folder(self, role: str) -> Path:
        return self._root_folder if role == "root" else self.folder / role

    def _next(self, days: float) -> Metadata[Root]:
        root = self.root()
        root.signed.version += 1
        root.signed.expires = expiry(days)
        root.signatures.clear()
        return root

    def _signed(self, root: Metadata[Root]) -> Metadata[Root]:
        before = self.root().signed if root.signed.version > 1 else root.signed
        wanted = dict.fromkeys([*before.roles["root"].keyids, *root.signed.roles["root"].keyids])
        signers = self.signers("root", list(wanted))
        if not signers:
            raise InputError(
                f"{self._root_folder}: there is no root key here, which every change needs; "
                "name the folder with --root-keys"
            )
        for signer in signers:
            root.sign(signer, append=True)
        return root

    def _keep(self, root: Metadata[Root]) -> None:
        data = root.to_bytes()
        fsync_files.write(self.folder / "roots" / f"{root.signed.version}.root.json", data)
        fsync_files.write(self.root_file, data)


def expiry(days: float) -> datetime:
    """The time `days` from now, in whole seconds, as TUF writes it."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).replace(microsecond=0)


def secret_from(passphrase_file: Optional[Path], ask: Callable[[str], str], is_new: bool) -> Secret:
    """A source of passphrases: a file, else the environment, else the terminal by `ask`.

    `EDGE_DETECTOR_PASSPHRASE` is for all keys; `EDGE_DETECTOR_ROOT_PASSPHRASE` takes precedence for root keys. With
    `is_new` the passphrase is being chosen: it is asked for twice and must be long enough.
    """
    known: Dict[str, bytes] = {}

    def secret(role: str) -> bytes:
        name = "root" if role == "root" else "other"
        if name not in known:
            known[name] = _checked(_found(role, passphrase_file, ask, is_new), is_new)
        return known[name]

    return secret


def _found(role: str, passphrase_file: Optional[Path], ask: Callable[[str], str], is_new: bool) -> str:
    if passphrase_file is not None:
        try:
            return passphrase_file.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--passphrase-file {passphrase_file}: cannot be read: {error}") from error
    names = ("EDGE_DETECTOR_ROOT_PASSPHRASE",) if role == "root" else ()
    for name in (*names, "EDGE_DETECTOR_PASSPHRASE"):
        if os.environ.get(name):
            return os.environ[name]
    what = "the root keys" if role == "root" else "the other keys"
    answer = ask(f"passphrase of {what}: ")
    if is_new and answer and ask("again: ") != answer:
        raise InputError("the two passphrases differ")
    return answer


def _checked(text: str, is_new: bool) -> bytes:
    if not text:
        raise InputError("no passphrase; set EDGE_DETECTOR_PASSPHRASE, or give --passphrase-file FILE")
    if is_new and len(text) < SHORTEST_PASSPHRASE:
        raise InputError(f"the passphrase has {len(text)} characters; take {SHORTEST_PASSPHRASE} or more")
    return text.encode()


def _metadata(path: Path, advice: str) -> Metadata[Root]:
    from tuf.api.exceptions import RepositoryError

    from devices.releases.tuf_types import Metadata, Root

    try:
        return Metadata[Root].from_bytes(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {advice}") from None
    except (OSError, RepositoryError) as error:
        raise KitError(f"{path}: cannot be read: {error}") from error


def _lacking(delegator: Root, root: Metadata[Root]) -> int:
    result = delegator.get_verification_result("root", root.signed_bytes, root.signatures)
    lacking: int = max(0, result.threshold - len(result.signed))
    return lacking

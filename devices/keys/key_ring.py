"""The keys of a fleet, in a folder: who may sign what, and the private halves, each in a file of its own.

    KEYS/root.json            the newest root: every role's public keys, signed by the root keys
    KEYS/roots/N.root.json    each root there was, through which devices follow to the newest
    KEYS/root/ID.pem          private root keys; made to be carried away, needed only to change keys
    KEYS/targets/ID.pem       signs which files there are
    KEYS/snapshot/ID.pem      signs which versions belong together
    KEYS/timestamp/ID.pem     signs what is newest, again and again
    KEYS/group-NAME/ID.pem    signs the files of one group of devices

Private keys are Ed25519 in PKCS#8, encrypted with a passphrase, readable by their owner only. The
roles are those of The Update Framework: https://theupdateframework.github.io/specification/latest/.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from devices.host import fsync_files
from devices.releases.channel import checked_name
from runtime.common.errors import InputError, KitError

ROLES = ("root", "targets", "snapshot", "timestamp")
GROUP = "group-"

SHORTEST_PASSPHRASE = 12

# Gives the passphrase for the keys of a role, or ends the command.
Secret = Callable[[str], bytes]


def group_role(group: str) -> str:
    """The role that signs for a group."""
    return GROUP + checked_name(group, "group")


class Keyring:
    """The keys in `folder`; those of the root may lie elsewhere (`root_folder`), on a stick in a safe."""

    def __init__(self, folder: Path, secret: Secret, root_folder: Optional[Path] = None) -> None:
        self.folder = folder
        self._secret = secret
        self._root_folder = root_folder or folder / "root"

    @property
    def root_file(self) -> Path:
        return self.folder / "root.json"

    @property
    def pending_file(self) -> Path:
        """A root that still lacks signatures."""
        return self.folder / "root.pending.json"

    def create(self, keys: int = 1, threshold: int = 1, days: float = 365) -> Any:
        """Makes `keys` root keys, of which `threshold` must sign, one key of each other role, and the
        first root, which is good for `days`.

        Returns the root's TUF `Metadata`. Raises InputError where there are keys already.
        """
        from tuf.api.metadata import Metadata, Root

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

    def root(self) -> Any:
        """The newest root, as TUF `Metadata`. Raises InputError where there is none."""
        return _metadata(self.root_file, "make keys first: python -m devices.keys KEYS")

    def roots(self) -> List[Tuple[int, bytes]]:
        """Every root there was, with its version."""
        newest = self.root().signed.version
        return [(number, (self.folder / "roots" / f"{number}.root.json").read_bytes()) for number in range(1, newest + 1)]

    def rotate(self, role: str, days: float, lost: Sequence[str] = ()) -> Any:
        """Puts new keys in place of a role's: of all, or of those whose ids begin with one of `lost`.

        Returns the new root, signed with the root keys that are at hand; see `finish`. Raises
        InputError for a role that there is not.
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

    def renew(self, days: float) -> Any:
        """A root with the same keys that is good for `days` from now."""
        return self._signed(self._next(days))

    def sign_pending(self) -> Any:
        """Adds the signatures of the root keys at hand to a root that waits for more of them."""
        return self._signed(_metadata(self.pending_file, "there is no root that waits for signatures"))

    def missing(self, root: Any) -> int:
        """How many more signatures a root needs: of its own keys, and of those of the root before it."""
        lacking = _lacking(root.signed, root)
        if root.signed.version > 1:
            lacking = max(lacking, _lacking(self.root().signed, root))
        return lacking

    def finish(self, root: Any) -> bool:
        """Makes `root` the newest if it has all signatures; else keeps it as pending, and is false."""
        if self.missing(root):
            fsync_files.write(self.pending_file, root.to_bytes())
            return False
        self._keep(root)
        self.pending_file.unlink(missing_ok=True)
        return True

    def make(self, role: str) -> Any:
        """A new key for a role, written encrypted; gives its TUF `Signer`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
        from securesystemslib.signer import CryptoSigner

        private = Ed25519PrivateKey.generate()
        signer = CryptoSigner(private)
        encrypted = private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(self._secret(role))
        )
        place = self._place(role)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        fsync_files.write(place / f"{signer.public_key.keyid[:16]}.pem", encrypted, mode=0o600)
        return signer

    def signers(self, role: str, keyids: Sequence[str]) -> List[Any]:
        """TUF `Signer`s for those of `keyids` whose private halves lie here.

        Raises InputError where the passphrase is wrong.
        """
        found = []
        for keyid in keyids:
            path = self._place(role) / f"{keyid[:16]}.pem"
            if not path.is_file():
                continue
            signer = self._opened(path, role)
            if signer.public_key.keyid != keyid:
                raise InputError(f"{path}: is another key than its name says")
            found.append(signer)
        return found

    def group_signer(self, group: str) -> Any:
        """The signer of a group; its key is made where there is none. The newest of several counts."""
        role = group_role(group)
        paths = sorted(self._place(role).glob("*.pem"), key=lambda path: path.stat().st_mtime_ns)
        if not paths:
            return self.make(role)
        return self._opened(paths[-1], role)

    def needed(self, role: str, keyids: Sequence[str]) -> List[Any]:
        """As `signers`. Raises InputError where there is none."""
        found = self.signers(role, keyids)
        if not found:
            raise InputError(
                f"{self._place(role)}: none of the keys that sign for {role} is here "
                f"({', '.join(f'{keyid[:16]}.pem' for keyid in keyids)})"
            )
        return found

    def _opened(self, path: Path, role: str) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from securesystemslib.signer import CryptoSigner

        try:
            return CryptoSigner(load_pem_private_key(path.read_bytes(), self._secret(role)))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}: cannot be opened: the passphrase is wrong, or the file damaged") from error

    def _place(self, role: str) -> Path:
        return self._root_folder if role == "root" else self.folder / role

    def _next(self, days: float) -> Any:
        root = self.root()
        root.signed.version += 1
        root.signed.expires = expiry(days)
        root.signatures.clear()
        return root

    def _signed(self, root: Any) -> Any:
        before = self.root().signed if root.signed.version > 1 else root.signed
        wanted = dict.fromkeys([*before.roles["root"].keyids, *root.signed.roles["root"].keyids])
        signers = self.signers("root", list(wanted))
        if not signers:
            raise InputError(
                f"{self._root_folder}: no root key is here, without which nothing can be changed; "
                "name the folder with --root-keys"
            )
        for signer in signers:
            root.sign(signer, append=True)
        return root

    def _keep(self, root: Any) -> None:
        data = root.to_bytes()
        fsync_files.write(self.folder / "roots" / f"{root.signed.version}.root.json", data)
        fsync_files.write(self.root_file, data)


def expiry(days: float) -> datetime:
    """`days` from now, in whole seconds, which is what TUF writes."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).replace(microsecond=0)


def secret_from(passphrase_file: Optional[Path], ask: Callable[[str], str], is_new: bool) -> Secret:
    """Where passphrases come from: a file, the environment, or the terminal through `ask`.

    `EDGE_DETECTOR_ROOT_PASSPHRASE` is for root keys, `EDGE_DETECTOR_PASSPHRASE` for all others, and
    for root keys too where they have none of their own. `is_new`: the passphrase is being chosen.
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
    said = ask(f"passphrase of {what}: ")
    if is_new and said and ask("again: ") != said:
        raise InputError("the two passphrases differ")
    return said


def _checked(text: str, is_new: bool) -> bytes:
    if not text:
        raise InputError("no passphrase; set EDGE_DETECTOR_PASSPHRASE, or give --passphrase-file FILE")
    if is_new and len(text) < SHORTEST_PASSPHRASE:
        raise InputError(f"the passphrase has {len(text)} characters; take {SHORTEST_PASSPHRASE} or more")
    return text.encode()


def _metadata(path: Path, advice: str) -> Any:
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata

    try:
        return Metadata.from_bytes(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {advice}") from None
    except (OSError, RepositoryError) as error:
        raise KitError(f"{path}: cannot be read: {error}") from error


def _lacking(delegator: Any, root: Any) -> int:
    result = delegator.get_verification_result("root", root.signed_bytes, root.signatures)
    return max(0, result.threshold - len(result.signed))

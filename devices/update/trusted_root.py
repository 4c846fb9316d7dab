"""The TUF root that a device trusts, and how a person replaces it.

A publisher's later roots are signed by the root before them, and devices follow by themselves. A publisher whose root
keys are lost begins anew with a root that no device trusts. Nothing that comes over the network, or on a stick, can
replace the trusted root. A person can, on the device, who has the new file and knows its fingerprint:

- Where `devices.install` has put a root into /etc/edge-detector, that file is what counts. Only root can change it.
- Elsewhere `--root FILE --replace-root FINGERPRINT` replaces it. The fingerprint fits one root only, so that a command
  that stays in a script never takes another.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Callable, List, Optional

from tuf.api import exceptions

from devices.host import fsync_files
from devices.host.paths import Layout
from devices.releases.tuf_types import Metadata, Root
from runtime.common.errors import InputError


def fingerprint(data: bytes) -> str:
    """The fingerprint of a root: what `sha256sum root.json` prints."""
    return hashlib.sha256(data).hexdigest()


def trusted_root(
    layout: Layout,
    given: Optional[Path],
    replace: str = "",
    tell: Callable[[str], None] = print,
    installed: bool = True,
) -> bytes:
    """The TUF root that this device trusts, which is kept in the updater's folder.

    The first time, it is that of the file `given`, else the installed one (`layout.trusted_root`). Later the installed
    one replaces it where that is of another publisher, and `given` does where its fingerprint is `replace`. With
    `installed` false, the installed root counts the first time only. Raises InputError where there is none, or where
    `given` is of another publisher and is not to replace the one that is trusted.
    """
    kept = layout.update / "root.json"
    of_device = layout.trusted_root if installed and layout.trusted_root.is_file() else None
    trusted = kept.read_bytes() if kept.is_file() else b""
    if _parsed(trusted) is None:
        data = _read(given or layout.trusted_root)
        if replace:
            _check_fingerprint(data, given, replace)
        fsync_files.write(kept, data)
        return data
    if of_device is not None:
        # Always this file itself: the service's user, who may be attacked, can change the other one.
        data = _read(of_device)
        if not _is_successor(layout, trusted, data):
            _replace(layout, trusted, data, f"{of_device} is new", tell)
        elif data != trusted:
            fsync_files.write(kept, data)
        trusted = data
    if given is None:
        if replace:
            raise InputError("--replace-root: give the new root as well: --root FILE")
        return trusted
    data = _read(given)
    if replace:
        _check_fingerprint(data, given, replace)
    if _is_successor(layout, trusted, data):
        return trusted
    if of_device is not None or not replace:
        raise InputError(_how_to_replace(given, trusted, data, of_device is not None))
    _replace(layout, trusted, data, str(given), tell)
    return data


def _read(path: Path) -> bytes:
    """The root in a file. Raises InputError where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}; a device needs the publisher's root.json once: --root FILE"
        ) from error
    if _parsed(data) is None:
        raise InputError(f"{path}: is no TUF root; take the publisher's keys/root.json")
    return data


def _check_fingerprint(data: bytes, given: Optional[Path], wanted: str) -> None:
    if fingerprint(data) != wanted.strip().lower():
        raise InputError(
            f"--replace-root {wanted}: {given} has the fingerprint {fingerprint(data)}; ask the publisher which is right "
            "(sha256sum keys/root.json), and change nothing until then"
        )


def _how_to_replace(given: Path, trusted: bytes, data: bytes, installed: bool) -> str:
    how = (
        "as root, python -m devices.install --device NAME --repository URL --trust FILE --apply replaces it"
        if installed
        else f"--replace-root {fingerprint(data)} replaces it"
    )
    return (
        f"--root {given}: is of another publisher than this device trusts; it has the fingerprint {fingerprint(data)}, the "
        f"trusted root {fingerprint(trusted)}. Where the publisher names this new fingerprint (sha256sum keys/root.json), {how}"
    )


def _is_successor(layout: Layout, trusted: bytes, data: bytes) -> bool:
    """Whether the root `data` is the `trusted` one or of the same publisher, so that nothing is to be replaced.

    It is where the device has followed to it already, or where the newest root that it knows has signed it. Older roots
    don't count: their keys may have been replaced because they were stolen.
    """
    if data == trusted:
        return True
    known: List[bytes] = [trusted]
    known += [path.read_bytes() for path in (layout.update / "metadata" / "root_history").glob("*.root.json")]
    if data in known:
        return True
    new = _parsed(data)
    roots = [root for root in map(_parsed, known) if root is not None]
    return new is not None and _has_signed(max(roots, key=lambda root: root.signed.version), new)


def _has_signed(old: Metadata[Root], new: Metadata[Root]) -> bool:
    """Whether enough of the root keys of `old` have signed `new`, which is newer."""
    if new.signed.version <= old.signed.version:
        return False
    try:
        old.signed.verify_delegate(Root.type, new.signed_bytes, new.signatures)
    except exceptions.RepositoryError:
        return False
    return True


def _parsed(data: bytes) -> Optional[Metadata[Root]]:
    """The root in `data`, with its own signatures verified; None where it is none."""
    try:
        root: Metadata[Root] = Metadata.from_bytes(data)
        root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    except (exceptions.RepositoryError, AttributeError, ValueError):
        return None
    return root if root.signed.type == Root.type else None


def _replace(layout: Layout, old: bytes, new: bytes, source: str, tell: Callable[[str], None]) -> None:
    """Trusts `new` from here on. What the former publisher has signed is forgotten; the models stay."""
    tell(f"{source}: trusting the root {fingerprint(new)} from here on, no longer {fingerprint(old)}")
    fsync_files.write(layout.update / "root.json", new)
    # What a power cut leaves of it is not signed by the new root, and so is not used.
    shutil.rmtree(layout.update / "metadata", ignore_errors=True)

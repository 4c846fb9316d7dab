"""`python -m devices.keys KEYS`: makes and changes the keys that sign releases for a fleet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence

from devices.host import fsync_files
from devices.keys import key_ring
from devices.keys.passphrase import ask
from devices.releases import tuf_library
from runtime.common.command import run
from runtime.common.options import positive
from runtime.common.tables import columns

if TYPE_CHECKING:
    # These need packages that may be missing.
    from devices.releases.tuf_types import Metadata, Root


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code."""
    options = _parser().parse_args(argv)
    tuf_library.require()
    with fsync_files.as_kit_errors():
        return _keys(options)


def _keys(options: argparse.Namespace) -> int:
    is_new = not (options.show or options.sign or options.renew)
    secret = key_ring.secret_from(options.passphrase_file, ask, is_new)
    ring = key_ring.Keyring(options.keys, secret, options.root_keys)
    if options.group:
        ring.root()
        signer = ring.make(key_ring.group_role(options.group))
        print(f"group {options.group}: new key {signer.public_key.keyid[:16]}, used by the next publish --group")
    elif options.show:
        _show(ring.root(), ring)
    elif options.rotate or options.renew or options.sign:
        _change(ring, options)
    else:
        _show(ring.create(options.root_count, options.threshold, options.days), ring)
        print(f"copy {ring.root_file} to every device; keep {options.root_keys or options.keys / 'root'} in a safe place")
    return 0


def _change(ring: key_ring.Keyring, options: argparse.Namespace) -> None:
    if options.rotate:
        root = ring.rotate(options.rotate, options.days, options.key)
    else:
        root = ring.renew(options.days) if options.renew else ring.sign_pending()
    if ring.finish(root):
        _show(root, ring)
        print("publish it: python -m devices.publish --repository DIR --refresh")
    else:
        print(
            f"{ring.pending_file}: signatures missing: {ring.missing(root)}; "
            f"continue with python -m devices.keys {options.keys} --sign --root-keys DIR"
        )


def _show(root: Metadata[Root], ring: key_ring.Keyring) -> None:
    rows = [("role", "key", "must sign", "private key")]
    for name in key_ring.ROLES:
        role = root.signed.roles[name]
        for keyid in role.keyids:
            here = (ring.folder / name / f"{keyid[:16]}.pem").is_file()
            rows.append((name, keyid[:16], f"{role.threshold} of {len(role.keyids)}", "here" if here else "elsewhere"))
    print(columns(rows))
    print(f"root version {root.signed.version}, expires {root.signed.expires:%Y-%m-%d}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devices.keys",
        description="Makes and changes the keys that sign releases for a fleet. Without an action\nit makes the first keys.",
        epilog="examples:\n"
        "  python -m devices.keys keys --root-count 3 --threshold 2\n"
        "  python -m devices.keys keys --rotate targets --root-keys /media/stick/root\n\n"
        "Passphrases are read from --passphrase-file, else from EDGE_DETECTOR_PASSPHRASE\n"
        "(for root keys from EDGE_DETECTOR_ROOT_PASSPHRASE, if that is set), else from\n"
        "the terminal.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("keys", metavar="KEYS", type=Path, help="folder of the keys; it is made if needed")
    group = parser.add_argument_group("actions")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--rotate", metavar="ROLE", help=f"replace the keys of a role: {', '.join(key_ring.ROLES)}")
    what.add_argument("--renew", action="store_true", help="keep the keys, and extend the time until the root expires")
    what.add_argument("--sign", action="store_true", help="sign a pending root with the root keys that are here")
    what.add_argument("--group", metavar="NAME", help="make a new key for a group of devices")
    what.add_argument("--show", action="store_true", help="list the keys, and when the root expires")
    add = parser.add_argument_group("settings").add_argument
    add("--key", metavar="ID", action="append", default=[], help="with --rotate: replace only this key; may be repeated")
    add("--root-count", metavar="N", type=positive, default=1, help="number of root keys to make (default 1)")
    add("--threshold", metavar="N", type=positive, default=1, help="number of root keys that must sign (default 1)")
    add("--root-keys", metavar="DIR", type=Path, help="folder of the root keys (default KEYS/root)")
    add("--days", metavar="N", type=positive, default=365, help="days until the root expires (default 365)")
    add("--passphrase-file", metavar="FILE", type=Path, help="file with the passphrase (default: see below)")
    return parser


if __name__ == "__main__":
    run(main)

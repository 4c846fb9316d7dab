"""`python -m devices.keys KEYS`: makes and changes the keys with which models for a fleet are signed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Optional, Sequence

from devices.host import fsync_files
from devices.keys import key_ring
from devices.keys.passphrase import ask
from devices.releases import tuf_library
from runtime.common.command import run
from runtime.common.options import positive
from runtime.common.tables import columns


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m devices.keys",
        description="Makes the keys that sign models for a fleet, and changes them. The passphrase is asked for, or "
        "taken from EDGE_DETECTOR_PASSPHRASE (for root keys from EDGE_DETECTOR_ROOT_PASSPHRASE, where that is set).",
    )
    parser.add_argument("keys", metavar="KEYS", type=Path, help="the folder of the keys; made where there is none")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--rotate", metavar="ROLE", help=f"put new keys in place of those of {', '.join(key_ring.ROLES)}")
    what.add_argument("--renew", action="store_true", help="let the same keys go on beyond the day when the root ends")
    what.add_argument("--sign", action="store_true", help="add the root keys at hand to a root that lacks signatures")
    what.add_argument("--group", metavar="NAME", help="make a new key for a group of devices")
    what.add_argument("--show", action="store_true", help="list the keys and until when the root is good")
    parser.add_argument("--key", metavar="ID", action="append", default=[], help="with --rotate: only this key")
    parser.add_argument("--root-count", metavar="N", type=positive, default=1, help="root keys to make (default 1)")
    parser.add_argument("--threshold", metavar="N", type=positive, default=1, help="how many must sign (default 1)")
    parser.add_argument("--root-keys", metavar="DIR", type=Path, help="where the root keys lie (default KEYS/root)")
    parser.add_argument("--days", metavar="N", type=positive, default=365, help="the root is good so long (default 365)")
    parser.add_argument("--passphrase-file", metavar="FILE", type=Path, help="a file with the passphrase")
    options = parser.parse_args(argv)
    tuf_library.require()
    with fsync_files.told():
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
        print(f"give {ring.root_file} to every device; carry {options.root_keys or options.keys / 'root'} away")
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
            f"go on with python -m devices.keys {options.keys} --sign --root-keys DIR"
        )


def _show(root: Any, ring: key_ring.Keyring) -> None:
    rows = [("role", "key", "must sign", "private key")]
    for name in key_ring.ROLES:
        role = root.signed.roles[name]
        for keyid in role.keyids:
            here = (ring.folder / name / f"{keyid[:16]}.pem").is_file()
            rows.append((name, keyid[:16], f"{role.threshold} of {len(role.keyids)}", "here" if here else "elsewhere"))
    print(columns(rows))
    print(f"root version {root.signed.version}, good until {root.signed.expires:%Y-%m-%d}")


if __name__ == "__main__":
    run(main)

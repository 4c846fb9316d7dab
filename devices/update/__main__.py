"""`python -m devices.update --repository URL`: brings this device to the model that is meant for it."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from devices.host import fsync_files
from devices.host.paths import MODEL, Layout
from devices.releases import tuf_library
from devices.releases.release import KINDS
from devices.update.state import Memory
from runtime.common.command import run
from runtime.common.errors import InputError
from runtime.common.options import positive, seconds_or_zero

# An image on the slowest board takes a few seconds; loading is not counted.
HANG_SECONDS = 60.0

# systemd's id of a machine is not to be told to others; this is made of it, and cannot be undone.
_MACHINE_ID = Path("/etc/machine-id")
_APPLICATION = b"edge-detection-kit"


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.config:
        from runtime.config import config_file

        # What the command line says counts, then what the file says.
        parser.set_defaults(**config_file.read(options.config, parser))
        options = parser.parse_args(argv)
    layout = replace(Layout(), state=options.state) if options.state else Layout()
    health = options.health or layout.health
    if options.status:
        print(json.dumps(status(layout), indent=1) if options.json else _told(status(layout)))
        return 0
    tuf_library.require()
    from devices.update.updater import RETURNED, Device, Settings, trusted_root

    settings = Settings(
        options.group or "",
        options.id or device_id(),
        options.model,
        _has_edgetpu() if options.model == "auto" else False,
        options.probation,
        options.limit << 20,
    )
    with fsync_files.told():
        device = Device(layout, self_test(options), settings, Path(health), _tell)
        if options.rollback:
            outcome = device.roll_back()
        else:
            root = trusted_root(layout, options.root)
            if options.retry:
                device.forget_refused()
            with contextlib.closing(_origin(options)) as origin:
                outcome = device.update(origin, root)
    print(f"{outcome.word}: {outcome.release or 'no model'}" + (f" ({outcome.reason})" if outcome.reason else ""))
    return 1 if outcome.word == RETURNED and not options.rollback else 0


def self_test(options: argparse.Namespace):
    """The test of a release's folder, with the engine that the options name, in a process of its own."""

    def test(folder: Path) -> Tuple[str, ...]:
        from devices.selftest import selftest

        # By its own name, beside which the file lies that a compiled one was made of: while the runtime
        # has the accelerator, that one is tried here, and the runtime itself tries the other.
        model = os.path.realpath(folder / MODEL)
        result = selftest.run(
            model, folder, engine=options.engine, device=options.device, fallback=True, hang=HANG_SECONDS
        )
        for note in result.notes:
            _tell(f"note: {note}")
        return result.differences

    return test


def status(layout: Layout) -> Dict[str, Any]:
    """What runs on this device, what it would return to, and what is under way, as values for JSON.

    Raises KitError where the updater's memory cannot be read.
    """
    memory = Memory.read(layout.update)
    current = os.readlink(layout.current) if layout.current.is_symlink() else ""
    trial = memory.trial
    incoming = layout.update / "incoming"
    return {
        "current": current,
        "last_good": memory.last_good,
        "on_trial": trial.release if trial and trial.release == current else "",
        "downloading": sorted(path.name for path in incoming.iterdir()) if incoming.is_dir() else [],
        "offered": memory.offered,
        "refused": dict(memory.refused),
        "repository": memory.repository,
        "checked": memory.checked,
    }


def device_id() -> str:
    """A name for this device that stays the same: from its machine id, else its host name."""
    try:
        machine = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    if not machine:
        return socket.gethostname()
    return hashlib.sha256(_APPLICATION + machine.encode()).hexdigest()[:16]


def _origin(options: argparse.Namespace) -> Any:
    from devices.releases.bundle import Bundle
    from devices.update.transport import Archive, origin_of

    if options.file:
        return Archive(Bundle(options.file))
    if not options.repository:
        raise InputError("give --repository URL, or --file BUNDLE")
    return origin_of(options.repository)


def _has_edgetpu() -> bool:
    from runtime.machine import edgetpu_devices

    return bool(edgetpu_devices.find())


def _told(said: Dict[str, Any]) -> str:
    checked = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(said["checked"])) if said["checked"] else "never"
    lines = [
        ("current", said["current"] or "none"),
        ("last good", said["last_good"] or "none"),
        ("on trial", said["on_trial"] or "none"),
        ("offered", said["offered"] or "none"),
        ("checked", checked + (f", {said['repository']}" if said["repository"] else "")),
    ]
    lines += [("downloading", name) for name in said["downloading"]]
    lines += [("refused", f"{name}: {reason}") for name, reason in said["refused"].items()]
    return "\n".join(f"{name:<12}{text}" for name, text in lines)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devices.update",
        description="Brings this device to the model that is meant for it: downloads it, verifies it, tries it, "
        "switches to it, and returns to the one before where it fails.",
    )
    add = parser.add_argument
    add("--config", metavar="FILE", help="take what is not given here from an update.yaml")
    add("--repository", metavar="URL", help="where python -m devices.publish put it: an address, or a folder")
    add("--file", metavar="BUNDLE", type=Path, help="a bundle from a stick, in place of --repository")
    add("--root", metavar="FILE", type=Path, help="the publisher's root.json; taken the first time only")
    add("--group", metavar="NAME", help="the group that this device belongs to")
    add("--id", metavar="NAME", help="this device's name for staged releases (default: of its machine id)")
    add("--model", choices=("auto", *KINDS), default="auto", help="which model of a release (default auto)")
    add("--probation", type=seconds_or_zero, default=120.0, metavar="S", help="watch a new model for S seconds (default 120)")
    add("--limit", type=positive, default=256, metavar="MB", help="take no release larger than this (default 256)")
    add("--engine", default="auto", help="for the self-test, as in python -m runtime (default auto)")
    add("--device", default="", help="for the self-test, as in python -m runtime")
    add("--retry", action="store_true", help="try releases again that have failed here")
    add("--rollback", action="store_true", help="return to the last good model at once, without a network")
    add("--status", action="store_true", help="say what runs, and what is under way")
    add("--json", action="store_true", help="--status for programs")
    add("--state", metavar="DIR", type=Path, help=f"where models lie (default {Layout().state})")
    add("--health", metavar="FILE", type=Path, help=f"what the runtime says of itself (default {Layout().health})")
    return parser


if __name__ == "__main__":
    run(main)

"""`python -m devices.update --repository URL`: updates the model of this device."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import socket
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple

from devices.host import fsync_files, owner
from devices.host.paths import MODEL, Layout
from devices.releases import tuf_library
from devices.releases.release import KINDS
from devices.update import clock
from devices.update.state import UpdaterState
from devices.update.verdicts.hold import Terms
from devices.update.verdicts.hold_text import summary
from runtime.common.command import run
from runtime.common.command_parser import Parser
from runtime.common.errors import InputError
from runtime.common.options import duration, fraction, positive, seconds_or_zero

if TYPE_CHECKING:
    # These need packages that may be missing.
    from devices.update.transport import Transport
    from devices.update.updater import SelfTest

# The longest that one image may take in the self-test; the slowest board needs a few seconds.
HANG_SECONDS = 60.0

# machine-id(5) asks programs not to publish the machine's id, but a hash of it with the application's name.
_MACHINE_ID = Path("/etc/machine-id")
_APPLICATION = b"edge-detection-kit"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code: 1 where the device returned to an older model, or refused one that it held."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.config:
        from runtime.config import config_file

        # The command line overrides the file.
        parser.set_defaults(**config_file.read(options.config, parser))
        options = parser.parse_args(argv)
    layout = replace(Layout(), state=options.state) if options.state else Layout()
    health = options.health or layout.health
    if options.status:
        with fsync_files.as_kit_errors("run it with sudo"):
            found = status(layout)
        print(json.dumps(found, indent=1) if options.json else _status_text(found))
        return 0
    if options.engine != "auto":
        _check_engine(options.engine)
    owner.check(layout, sys.argv[1:] if argv is None else argv)
    tuf_library.require()
    from devices.update.trusted_root import trusted_root
    from devices.update.updater import REFUSED, RETURNED, Device, Settings

    settings = Settings(
        options.group or "",
        options.id or device_id(),
        options.model,
        _has_edgetpu() if options.model == "auto" else False,
        options.probation,
        options.limit << 20,
        hold=Terms(options.shadow_for, options.shadow_frames, options.shadow_agreement),
        at_once=options.now,
    )
    with fsync_files.as_kit_errors():
        device = Device(layout, self_test(options), settings, Path(health), _tell)
        if options.rollback:
            outcome = device.roll_back()
        else:
            device.settle()
            root = trusted_root(layout, options.root, options.replace_root, _tell, installed=options.state is None)
            if options.wait_for_clock:
                clock.wait(options.wait_for_clock, device.state.checked, _tell)
            if clock.is_behind(device.state.checked):
                _tell(f"note: the clock of this device is behind; it is {clock.text(device.now)} or later")
            if options.retry:
                device.forget_refused()
            with contextlib.closing(_transport(options)) as transport:
                outcome = device.update(transport, root)
    print(f"{outcome.word}: {outcome.release or 'no model'}" + (f" ({outcome.reason})" if outcome.reason else ""))
    return 1 if outcome.word in (RETURNED, REFUSED) and not options.rollback else 0


def self_test(options: argparse.Namespace) -> SelfTest:
    """A self-test for the folder of a release, with the engine of `options`, in a process of its own."""

    def test(folder: Path) -> Tuple[str, ...]:
        from devices.selftest import selftest

        # The link is resolved, since the file that a compiled model was made of lies beside the model itself. While
        # the runtime uses the accelerator, that file is tested here, and the runtime tests the compiled one.
        model = os.path.realpath(folder / MODEL)
        result = selftest.run(
            model, folder, engine=options.engine, device=options.device, fallback=True, hang=HANG_SECONDS
        )
        for note in result.notes:
            _tell(f"note: {note}")
        return result.differences

    return test


def status(layout: Layout) -> Dict[str, Any]:
    """The state of the updates on this device, as values for JSON.

    Raises KitError where the updater's state cannot be read.
    """
    state = UpdaterState.read(layout.update)
    current = os.readlink(layout.current) if layout.current.is_symlink() else ""
    probation, hold = state.probation, state.hold
    incoming = layout.update / "incoming"
    return {
        "current": current,
        "last_good": state.last_good,
        "on_trial": probation.release if probation and probation.release == current else "",
        "held": hold.release if hold is not None and hold.is_open else "",
        "hold": {**asdict(hold), "text": summary(hold)} if hold is not None else None,
        "downloading": sorted(path.name for path in incoming.iterdir()) if incoming.is_dir() else [],
        "offered": state.offered,
        "refused": dict(state.refused),
        "withdrawn": dict(state.withdrawn),
        "postponed": {name: {"until": found.until, "reason": found.reason} for name, found in state.postponed.items()},
        "repository": state.repository,
        "checked": state.checked,
    }


def device_id() -> str:
    """A stable name for this device: a hash of its machine id, else its host name."""
    try:
        machine = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    if not machine:
        return socket.gethostname()
    return hashlib.sha256(_APPLICATION + machine.encode()).hexdigest()[:16]


def _check_engine(engine: str) -> None:
    """Raises InputError where there is no such engine: else the self-test would put the release off for it."""
    from runtime.inference import engines

    if engine not in engines.names():
        raise InputError(f"--engine: there is no {engine!r}; give one of {', '.join(engines.names())}")


def _transport(options: argparse.Namespace) -> Transport:
    from devices.releases.bundle import Bundle
    from devices.update.transport import BundleTransport, open_transport

    if options.file:
        return BundleTransport(Bundle(options.file))
    if not options.repository:
        raise InputError("give --repository URL, or --file BUNDLE")
    return open_transport(options.repository)


def _has_edgetpu() -> bool:
    from runtime.machine import edgetpu_devices

    return bool(edgetpu_devices.find())


def _status_text(content: Dict[str, Any]) -> str:
    checked = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(content["checked"])) if content["checked"] else "never"
    lines = [
        ("current", content["current"] or "none"),
        ("last good", content["last_good"] or "none"),
        ("probation", content["on_trial"] or "none"),
        ("offered", content["offered"] or "none"),
        ("checked", checked + (f", {content['repository']}" if content["repository"] else "")),
    ]
    if content["hold"] and content["hold"]["release"] not in (*content["refused"], *content["postponed"]):
        since = content["hold"]["since"] if content["held"] else content["hold"]["decided"]
        when = f"; since {clock.text(since)}" if since else ""
        lines.append(("held" if content["held"] else "was held", content["hold"]["text"] + when))
    lines += [("downloading", name) for name in content["downloading"]]
    lines += [("refused", f"{name}: {reason}") for name, reason in content["refused"].items()]
    lines += [("withdrawn", f"{name}: {reason}") for name, reason in content["withdrawn"].items()]
    for name, failed in content["postponed"].items():
        lines.append(("postponed", f"{name}, until {clock.text(failed['until'])}: {failed['reason']}"))
    return "\n".join(f"{name:<12}{text}" for name, text in lines)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m devices.update",
        description="Updates the model of this device: downloads the release that is meant for it,\nverifies and tests it, "
        "switches to it, and returns to the one before where it fails.",
        epilog="examples:\n"
        "  python -m devices.update --repository https://models.example.com/fleet --root root.json\n"
        "  python -m devices.update --file bundle.tar\n"
        "  python -m devices.update --status",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("where releases come from").add_argument
    add("--repository", metavar="URL", help="the repository of python -m devices.publish: an address, or a folder")
    add("--file", metavar="BUNDLE", type=Path, help="a bundle, for example on a USB stick, instead of --repository")
    add("--root", metavar="FILE", type=Path, help="the publisher's root.json; needed the first time")
    add(
        "--replace-root",
        metavar="SHA256",
        default="",
        help="trust the root.json of --root instead of the one that is trusted, if it has this fingerprint (sha256sum)",
    )
    add = parser.add_argument_group("what this device takes").add_argument
    add("--group", metavar="NAME", help="the group that this device belongs to (default: none)")
    add("--id", metavar="NAME", help="the name of this device for staged releases (default: a hash of its machine id)")
    add("--model", choices=("auto", *KINDS), default="auto", help="which model of a release (default auto)")
    add("--limit", type=positive, default=256, metavar="MB", help="take no release larger than this (default 256)")
    add(
        "--wait-for-clock",
        type=seconds_or_zero,
        default=0.0,
        metavar="S",
        help="wait up to S seconds until the clock of this device is set; then stop if it is still wrong (default 0)",
    )
    add("--retry", action="store_true", help="try releases again that have failed here")
    add = parser.add_argument_group("how a new model is tested").add_argument
    add("--engine", default="auto", help="engine of the self-test, as in python -m runtime (default auto)")
    add("--device", default="", help="device of the self-test, as in python -m runtime (default: the first)")
    add("--probation", type=seconds_or_zero, default=120.0, metavar="S", help="watch a new model for S seconds (default 120)")
    add = parser.add_argument_group("how a new model is compared with the one that runs, before it takes over").add_argument
    add(
        "--shadow-for",
        type=duration,
        default=0.0,
        metavar="TIME",
        help="let the runtime compare it for so long, such as 24h, and refuse it where they differ too much; the runtime needs "
        f"--shadow {Layout().shadow}/{MODEL},follow=on (default: not at all)",
    )
    add("--shadow-frames", type=positive, default=1000, metavar="N", help="compare at least N frames (default 1000)")
    add(
        "--shadow-agreement",
        type=fraction,
        default=0.5,
        metavar="SHARE",
        help="of the objects that either finds, both have to find at least this share, of each class (default 0.5)",
    )
    add("--now", action="store_true", help="switch at once, also to a release that is being compared")
    add = parser.add_argument_group("other actions").add_argument
    add("--rollback", action="store_true", help="return to the last good model at once, without a network")
    add("--status", action="store_true", help="show which model runs, and the state of updates")
    add("--json", action="store_true", help="print --status as JSON")
    add = parser.add_argument_group("files").add_argument
    add("--config", metavar="FILE", help="read options that are not given here from an update.yaml")
    add("--state", metavar="DIR", type=Path, help=f"folder of the models (default {Layout().state})")
    add("--health", metavar="FILE", type=Path, help=f"the runtime's health file (default {Layout().health})")
    return parser


if __name__ == "__main__":
    run(main)

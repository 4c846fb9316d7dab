"""`python -m devices`: lists the devices that the kit knows."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Optional, Sequence

from devices.boards import catalogue
from devices.boards.profile import Profile
from runtime.common.command import run as run_command
from runtime.common.command_parser import add_version
from runtime.common.tables import columns


def row(profile: Profile) -> Sequence[object]:
    """The cells of a profile's row in the list."""
    pythons = sorted({system.python for system in profile.systems if system.python and system.interpreter}, key=_minor)
    low, high = profile.expected.low, profile.expected.high
    span = "?" if low is None else f"{low:g}" if low == high else f"{low:g}-{high:g}"
    where = ", ".join(pythons) or ("app" if profile.kind != "linux" else "-")
    return profile.name, where, profile.file, profile.engine, profile.expected.basis, span, profile.threads


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m devices",
        description="Lists the devices that the kit knows. Times are those of FPNLite 320 for one image.",
        epilog="example:\n  python -m devices\n  python -m devices.show raspberry-pi-5  shows one device with all details",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print all details of all devices as JSON")
    add_version(parser)
    arguments = parser.parse_args(argv)
    profiles = catalogue.profiles()
    if arguments.json:
        print(json.dumps([asdict(profile) for profile in profiles], indent=1, ensure_ascii=False))
        return 0
    head = ("device", "Python", "file", "engine", "time is", "ms", "threads")
    print(columns([head, *(row(profile) for profile in profiles)], left=range(5)))
    return 0


if __name__ == "__main__":
    run_command(main)

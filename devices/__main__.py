"""`python -m devices`: the devices that the kit knows."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Optional, Sequence

from devices.boards import catalogue
from devices.boards.profile import Profile
from runtime.common.command import run as run_command
from runtime.common.tables import columns


def row(profile: Profile) -> Sequence[object]:
    """One line of the list."""
    pythons = sorted({system.python for system in profile.systems if system.python and system.interpreter}, key=_minor)
    low, high = profile.expected.low, profile.expected.high
    span = "?" if low is None else f"{low:g}" if low == high else f"{low:g}-{high:g}"
    where = ", ".join(pythons) or ("app" if profile.kind != "linux" else "-")
    return profile.name, where, profile.file, profile.engine, profile.expected.basis, span, profile.threads


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m devices",
        description="Lists the devices that the kit knows. Milliseconds are those of FPNLite 320 for one frame; "
        "python -m devices.show NAME says where they come from, and all else.",
    )
    parser.add_argument("--json", action="store_true", help="for programs: everything that is known of each")
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

"""`python -m devices.show NAME`: shows what the kit knows of a device."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict
from typing import Iterator, Optional, Sequence, Tuple

from devices.boards import catalogue
from devices.boards.profile import Profile
from runtime.common.command import run as run_command

WIDTH = 100
_INDENT = 12


def text(profile: Profile) -> str:
    """A profile as text."""
    lines = [profile.title, ""]
    for name, value in _fields(profile):
        lines += textwrap.wrap(
            value,
            WIDTH,
            initial_indent=f"{name:<{_INDENT}}",
            subsequent_indent=" " * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    if profile.kind == "linux":
        commands = ("devices.install", "devices.doctor")
        lines += ["", *(f"python -m {command} --device {profile.name}" for command in commands)]
    return "\n".join(lines)


def _fields(profile: Profile) -> Iterator[Tuple[str, str]]:
    yield "chip", f"{profile.chip}; {profile.cores} x {profile.cpu}; {profile.memory}"
    for number, system in enumerate(profile.systems):
        python = f", Python {system.python}" if system.python else ""
        runs = f": {system.interpreter}" if system.interpreter else ": no interpreter"
        wheel = f" ({system.wheel})" if system.wheel else ""
        note = f"; {system.note}" if system.note else ""
        yield "" if number else "systems", f"{system.name}{python}{runs}{wheel}{note}"
    for number, camera in enumerate(profile.cameras):
        source = f" (--source {camera.source})" if camera.source else ""
        yield "" if number else "cameras", f"{camera.stack}{source}"
    yield "delegates", ", ".join(profile.delegates)
    yield "file", f"{profile.file}: {profile.why}"
    if profile.kind == "linux":
        device = f" --device {profile.device}" if profile.device else ""
        yield "options", f"--engine {profile.engine}{device} --threads {profile.threads} --source {profile.source}"
    yield "speed", f"{profile.expected.text}. {profile.expected.how.strip()}"
    for source in profile.expected.sources:
        yield "", source
    if profile.packages:
        yield "packages", " ".join(profile.packages)
    if profile.delegate_devices:
        yield "GPU, NPU", " ".join(profile.delegate_devices)
    if profile.groups:
        yield "groups", " ".join(profile.groups)
    if profile.udev:
        yield "udev", profile.udev.file
        for rule in profile.udev.rules:
            yield "", rule
    for number, note in enumerate(profile.notes):
        yield "" if number else "notes", note


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m devices.show",
        description="Shows what the kit knows of a device: hardware, systems, the best file\nand options, and speed.",
        epilog="example:\n  python -m devices.show raspberry-pi-5",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="name of the device, as in the list of python -m devices")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    arguments = parser.parse_args(argv)
    profile = catalogue.find(arguments.name)
    print(json.dumps(asdict(profile), indent=1, ensure_ascii=False) if arguments.json else text(profile))
    return 0


if __name__ == "__main__":
    run_command(main)

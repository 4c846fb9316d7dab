"""`python -m devices.install --device NAME`: installs the detector on this machine, as a service.

Without `--apply` it only prints the plan.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import os
import shlex
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import devices.install.steps
from devices.boards import catalogue
from devices.boards.delegate_devices import with_delegate
from devices.host.fsync_files import as_kit_errors
from devices.host.host import Host
from devices.host.paths import Layout
from devices.install.commands import Commands
from devices.install.resources import BY_HAND, KEPT, UNDO, PlanLine, Resource, make_folders
from devices.install.steps import Installation
from devices.install.target import Target
from runtime.common import plugins
from runtime.common.command import run
from runtime.common.command_parser import Parser
from runtime.common.errors import InputError

# Width of the longest `PlanLine.state`.
_WIDTH = 8

# The title and the resources of each step.
Plan = List[Tuple[str, List[Resource]]]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    with as_kit_errors("run it with sudo"):
        return _run(options, parser, sys.argv[1:] if argv is None else argv)


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    target = Target(Host(Path(os.path.abspath(options.root))))
    if options.apply or options.remove:
        _need_root(target, argv)
    if options.remove:
        remove(target)
        return 0
    if not options.device:
        found = catalogue.identify(target.host)
        if found is None:
            parser.error("give the device with --device NAME; python -m devices lists them")
        options.device = found.name
    profile = catalogue.find(options.device)
    if profile.kind != "linux":
        raise InputError(f"{profile.name}: runs an app, which is not installed from here; see docs/how-to/phones.md")
    config = Layout().runtime_config.as_posix()
    if target.yaml_field(config, "engine") == "delegate":
        profile = with_delegate(profile, target.yaml_field(config, "device"))
    installation = Installation(profile, target, options)
    if options.apply:
        apply(installation)
    else:
        show(installation)
    return 0


def show(installation: Installation) -> None:
    """Prints the plan: what `apply` would do."""
    print(f"{installation.profile.title} ({installation.profile.name}), in {installation.target.host.path}")
    number = 0
    for title, resources in plan(installation):
        _print_title(title)
        for resource in resources:
            line = resource.plan(installation.target)
            number += line.open
            _print(line)
    for note in installation.profile.notes:
        print(f"\nnote: {note}")
    changes = "1 change" if number == 1 else f"{number} changes"
    print(f"\n{changes}; --apply makes {'it' if number == 1 else 'them'}" if number else "\nnothing to change")


def apply(installation: Installation) -> None:
    """Makes everything that does not exist yet, and prints it.

    Where a step fails, what was made before stays and is in the manifest: another `apply` continues from there, and
    `remove` removes it. Raises InputError or KitError.
    """
    # The service's user must be able to read what root makes here, whatever root's umask is.
    mask = os.umask(0o022)
    try:
        _apply(installation)
    finally:
        os.umask(mask)


def remove(target: Target) -> None:
    """Removes what `apply` made, in reverse order, and prints what is kept and why."""
    if not target.manifest.entries:
        print(f"nothing is installed in {target.host.path}: there is no {target.manifest.path}")
        return
    entries = target.manifest.entries[::-1]
    # The manifest is removed last, apart from the folders around it.
    parents = [entry for entry in entries if entry.kind == "folder" and target.at(entry.name) in target.manifest.path.parents]
    lines = []
    for entry in entries:
        if entry not in parents:
            lines.append(UNDO[entry.kind](entry, target))
            _print(lines[-1])
            target.manifest.forget(entry)
    for entry in parents:
        target.manifest.forget(entry)
    for entry in parents:
        lines.append(UNDO[entry.kind](entry, target))
        _print(lines[-1])
    if any(line.state == KEPT for line in lines):
        print("\nwhat is kept is yours now: the manifest of the installation is gone")


def plan(installation: Installation) -> Plan:
    """The title and the resources of each step, in the order in which they are made."""
    planned = [(step.TITLE, step.resources(installation)) for step in devices.install.steps.steps()]
    digest = hashlib.sha256()
    settled = []
    for title, resources in planned:
        made = []
        for resource in resources:
            if isinstance(resource, Commands) and resource.follows:
                resource = dataclasses.replace(resource, identity=digest.hexdigest())
            digest.update(repr(resource).encode())
            made.append(resource)
        settled.append((title, made))
    return [(title, resources) for title, resources in settled if resources]


def _apply(installation: Installation) -> None:
    # All steps are planned before anything is made, so that errors in the options show first.
    planned = plan(installation)
    for _, resources in planned:
        for resource in resources:
            resource.plan(installation.target)
    by_hand: List[PlanLine] = []
    make_folders(installation.target.manifest.path.parent, installation.target)
    for title, resources in planned:
        _print_title(title)
        for resource in resources:
            line = resource.plan(installation.target)
            if line.open:
                resource.make(installation.target)
            elif line.state == BY_HAND:
                by_hand.append(line)
            _print(line.made)
    if by_hand:
        print(f"\nto be run on the device itself, since {installation.target.host.path} is not the running system:")
        for line in by_hand:
            print("\n".join(f"  sudo {line}" for line in line.details))
    if os.geteuid() != 0:
        print("\nnote: not run as root, so the files belong to you; in a running system they must belong to root")


def _need_root(target: Target, argv: Sequence[str]) -> None:
    """Raises InputError, with the command to run instead, where the running system would be changed without root."""
    if target.live and os.geteuid() != 0:
        command = shlex.join([sys.executable, "-m", "devices.install", *argv])
        raise InputError(f"only root may change this system: sudo {command}; or give another one with --root DIR")


def _print_title(title: str) -> None:
    print(f"\n{title}", flush=True)


def _print(line: PlanLine) -> None:
    printed = (f"  {line.state:<{_WIDTH}}{line.what}", *(f"  {'':<{_WIDTH}}  {text}" for text in line.details))
    # Flushed, to stay in order with the output of other programs.
    print("\n".join(printed), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m devices.install",
        description="Installs the detector on this machine, as a service that starts with the system.\n"
        "Prints the plan only; --apply makes the changes.",
        epilog="examples:\n"
        "  python -m devices.install --device raspberry-pi-5 --export runs/door/export\n"
        "  sudo python -m devices.install --device raspberry-pi-5 --export runs/door/export --apply",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_argument_group("actions").add_mutually_exclusive_group()
    actions.add_argument("--apply", action="store_true", help="make the changes; what exists already stays")
    actions.add_argument("--remove", action="store_true", help="remove what --apply made; what was changed since stays")
    group = parser.add_argument_group("what is installed, and where")
    group.add_argument("--device", metavar="NAME", help="device, see python -m devices (default: what it looks like)")
    group.add_argument("--root", metavar="DIR", default="/", help="root folder of a system image (default: this system)")
    plugins.add_options(devices.install.steps, group)
    return parser


if __name__ == "__main__":
    run(main)

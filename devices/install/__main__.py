"""`python -m devices.install --device NAME`: makes a detector run on this machine, from its start on.

Without `--apply` it only says what it would do.
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
from devices.host.host import Root
from devices.install.commands import Task
from devices.install.resources import BY_HAND, KEPT, UNDO, Look, Piece, make_folders
from devices.install.steps import Target
from devices.install.target import Place
from runtime.common import plugins
from runtime.common.command import run
from runtime.common.errors import InputError

# Room for the longest word that `Look.state` can be.
_WIDTH = 8

Plan = List[Tuple[str, List[Piece]]]


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    place = Place(Root(Path(os.path.abspath(options.root))))
    if options.apply or options.remove:
        _need_root(place, sys.argv[1:] if argv is None else argv)
    if options.remove:
        remove(place)
        return 0
    if not options.device:
        found = catalogue.identify(place.root)
        if found is None:
            parser.error("give the device with --device NAME; python -m devices lists them")
        options.device = found.name
    profile = catalogue.find(options.device)
    if profile.kind != "linux":
        raise InputError(f"{profile.name}: runs an app, which is not installed from here; see {profile.kind}/README.md")
    target = Target(profile, place, options)
    if options.apply:
        apply(target)
    else:
        show(target)
    return 0


def show(target: Target) -> None:
    """Prints what `apply` would do."""
    print(f"{target.profile.title} ({target.profile.name}), in {target.place.root.path}")
    number = 0
    for title, pieces in plan(target):
        _print_title(title)
        for piece in pieces:
            look = piece.look(target.place)
            number += look.open
            _print(look)
    for note in target.profile.notes:
        print(f"\nnote: {note}")
    print(f"\n{number} changes; --apply makes them" if number else "\nnothing to change")


def apply(target: Target) -> None:
    """Makes everything that is not there yet, and prints it.

    What has been made stays when a later step fails, and is in the record: applied again, it goes on
    from there, and `remove` takes it away. Raises InputError or KitError.
    """
    # The service's user reads what root makes here, whatever root's own habits are.
    mask = os.umask(0o022)
    try:
        _apply(target)
    finally:
        os.umask(mask)


def remove(place: Place) -> None:
    """Takes away what `apply` made, last things first, and prints what is kept, and why."""
    if not place.record.entries:
        print(f"nothing is installed in {place.root.path}: there is no {place.record.path}")
        return
    entries = place.record.entries[::-1]
    # The record is the last to go, but for the folders that it lies in.
    around = [entry for entry in entries if entry.kind == "folder" and place.at(entry.name) in place.record.path.parents]
    looks = []
    for entry in entries:
        if entry not in around:
            looks.append(UNDO[entry.kind](entry, place))
            _print(looks[-1])
            place.record.forget(entry)
    for entry in around:
        place.record.forget(entry)
    for entry in around:
        looks.append(UNDO[entry.kind](entry, place))
        _print(looks[-1])
    if any(look.state == KEPT for look in looks):
        print("\nwhat is kept is yours now: the record of the installation is gone")


def plan(target: Target) -> Plan:
    """Title and pieces of each step, in the order of work."""
    planned = [(step.TITLE, step.pieces(target)) for step in devices.install.steps.steps()]
    digest = hashlib.sha256()
    settled = []
    for title, pieces in planned:
        made = []
        for piece in pieces:
            if isinstance(piece, Task) and piece.follows:
                piece = dataclasses.replace(piece, identity=digest.hexdigest())
            digest.update(repr(piece).encode())
            made.append(piece)
        settled.append((title, made))
    return [(title, pieces) for title, pieces in settled if pieces]


def _apply(target: Target) -> None:
    # Before anything is made, whatever can be wrong about any step has been looked at.
    planned = plan(target)
    for _, pieces in planned:
        for piece in pieces:
            piece.look(target.place)
    by_hand: List[Look] = []
    make_folders(target.place.record.path.parent, target.place)
    for title, pieces in planned:
        _print_title(title)
        for piece in pieces:
            look = piece.look(target.place)
            if look.open:
                piece.make(target.place)
            elif look.state == BY_HAND:
                by_hand.append(look)
            _print(look.made)
    if by_hand:
        print(f"\nto be run on the device itself, since {target.place.root.path} is not the running system:")
        for look in by_hand:
            print("\n".join(f"  sudo {line}" for line in look.details))
    if os.geteuid() != 0:
        print("\nnote: not run as root, so that the files belong to you; a system wants them to be root's")


def _need_root(place: Place, argv: Sequence[str]) -> None:
    """Raises InputError with the command that works, where the running system is to be changed."""
    if place.live and os.geteuid() != 0:
        command = shlex.join([sys.executable, "-m", "devices.install", *argv])
        raise InputError(f"only root may change this system: sudo {command}; or give another one with --root DIR")


def _print_title(title: str) -> None:
    print(f"\n{title}", flush=True)


def _print(look: Look) -> None:
    lines = (f"  {look.state:<{_WIDTH}}{look.what}", *(f"  {'':<{_WIDTH}}  {line}" for line in look.details))
    # In order with what programs say in between.
    print("\n".join(lines), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devices.install",
        description="Makes a detector run on this machine, from its start on. Says what it would do; --apply does it.",
    )
    add = parser.add_argument
    add("--device", metavar="NAME", help="what the machine is, see python -m devices (default: what it looks like)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--apply", action="store_true", help="do it; what is there already stays")
    how.add_argument("--remove", action="store_true", help="undo what --apply did; what others have changed stays")
    add("--root", metavar="DIR", default="/", help="a system's root folder in place of this system, for images")
    plugins.add_options(devices.install.steps, parser)
    return parser


if __name__ == "__main__":
    run(main)

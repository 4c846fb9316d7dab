"""Parts of an installation that other programs make: packages, accounts, running services."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import Callable, List, Optional, Set, Tuple

from devices.install.manifest import Entry
from devices.install.resources import BY_HAND, EXISTS, GONE, KEPT, LATER, NEW, REMOVED, TO_DO, UNDO, Look, Piece
from devices.install.target import Place
from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path

Command = Tuple[str, ...]

# Numbers for accounts that the system has of its own: Debian Policy, 9.2.2.
FIRST_ID, LAST_ID = 100, 999


@dataclass(frozen=True)
class Task(Piece):
    """Commands of a live system. In a root folder they are left to the user, or with `at_boot` to the
    system's next start.

    They are run where `there`, if it is given, says that what they make is missing, where they have not
    been run in this installation, and again when `identity` is another than it was: it stands for what
    they depend on. With `follows`, that is everything before them in the installation. Where others have
    made it before, they are not run. `undo` takes away what they made.
    """

    what: str
    commands: Tuple[Command, ...]
    undo: Tuple[Command, ...] = ()
    there: Optional[Callable[[Place], bool]] = field(default=None, repr=False)
    identity: str = ""
    follows: bool = False
    at_boot: bool = False

    def look(self, place: Place) -> Look:
        entry = place.record.find("task", self.what)
        there = self.there is not None and self.there(place)
        if there and entry is None and not self.identity:
            return Look(EXISTS, self.what)
        if entry is not None and entry.facts["identity"] == self.identity and (there or self.there is None):
            return Look(EXISTS, self.what)
        lines = tuple(shlex.join(command) for command in self.commands)
        if place.live:
            return Look(TO_DO, self.what, lines)
        if self.at_boot:
            return Look(LATER, f"{self.what}  when the system starts")
        return Look(EXISTS, self.what) if there else Look(BY_HAND, self.what, lines)

    def make(self, place: Place) -> None:
        entry = place.record.find("task", self.what)
        before = entry.facts["undo"] if entry else []
        undo = before + [list(command) for command in self.undo if list(command) not in before]
        # What is not finished is done again.
        place.record.note("task", self.what, identity="", undo=undo)
        for command in self.commands:
            place.run(command)
        place.record.note("task", self.what, identity=self.identity, undo=undo)


@dataclass(frozen=True)
class Account(Piece):
    """A user of the system's own without a password or a shell, its group, and groups that must exist.

    On a live system systemd-sysusers makes them, of the file `source`; in a root folder they are lines
    in its files.
    """

    user: str
    full_name: str
    home: str
    groups: Tuple[str, ...]
    source: str

    def look(self, place: Place) -> Look:
        if not place.root.exists("/etc/passwd") or not place.root.exists("/etc/group"):
            raise InputError(f"{place.root.path}: has no /etc/passwd and /etc/group; give the root folder of a system")
        missing = self._missing(place)
        if not missing:
            return Look(EXISTS, f"user {self.user}, groups {', '.join((self.user, *self.groups))}")
        lines = (shlex.join(self._command),) if place.live else ()
        return Look(NEW, ", ".join(f"{kind} {name}" for kind, name in missing), lines)

    def make(self, place: Place) -> None:
        missing = self._missing(place)
        for kind, name in missing:
            place.record.note(kind, name)
        if place.live:
            place.run(self._command)
        else:
            self._add_lines(place, missing)

    @property
    def _command(self) -> Command:
        return ("systemd-sysusers", self.source)

    def _missing(self, place: Place) -> List[Tuple[str, str]]:
        known = place.ids("group")
        missing = [("group", name) for name in (self.user, *self.groups) if name not in known]
        return missing if self.user in place.ids("passwd") else [*missing, ("user", self.user)]

    def _add_lines(self, place: Place, missing: List[Tuple[str, str]]) -> None:
        for kind, name in missing:
            groups, users = place.ids("group"), place.ids("passwd")
            if kind == "group":
                number = _free({*groups.values(), *users.values()})
                _add(place, "group", f"{name}:x:{number}:")
                _add(place, "gshadow", f"{name}:!*::")
            else:
                own = groups[name]
                number = own if own not in users.values() else _free({*groups.values(), *users.values()})
                _add(place, "passwd", f"{name}:x:{number}:{own}:{self.full_name}:{self.home}:/usr/sbin/nologin")
                _add(place, "shadow", f"{name}:!*:::::::")


@dataclass(frozen=True)
class Note(Piece):
    """Something to be told with a step."""

    text: str

    def look(self, place: Place) -> Look:
        return Look("note", self.text)

    def make(self, place: Place) -> None:
        raise NotImplementedError("a note makes nothing")


def _undo_task(entry: Entry, place: Place) -> Look:
    said = [line for command in entry.facts["undo"] if place.live for line in place.try_to_run(command)]
    return Look(REMOVED, entry.name, tuple(said))


def _undo_user(entry: Entry, place: Place) -> Look:
    return _undo_account(entry, place, "user", "passwd", "shadow")


def _undo_group(entry: Entry, place: Place) -> Look:
    # The user's own group goes with the user.
    return _undo_account(entry, place, "group", "group", "gshadow")


def _undo_account(entry: Entry, place: Place, kind: str, *files: str) -> Look:
    if entry.name not in place.ids(files[0]):
        return Look(GONE, f"{kind} {entry.name}")
    if place.live:
        said = place.try_to_run((f"{kind}del", entry.name))
        if said:
            return Look(KEPT, f"{kind} {entry.name}", tuple(said))
    else:
        for name in files:
            _rewrite(place, name, lambda lines: [line for line in lines if line.split(":")[0] != entry.name])
    return Look(REMOVED, f"{kind} {entry.name}")


UNDO.update(task=_undo_task, user=_undo_user, group=_undo_group)


def _free(used: Set[int]) -> int:
    """From the top, as systemd-sysusers does."""
    for number in range(LAST_ID, FIRST_ID - 1, -1):
        if number not in used:
            return number
    raise KitError(f"every number from {FIRST_ID} to {LAST_ID} is taken in /etc/passwd and /etc/group")


def _add(place: Place, name: str, line: str) -> None:
    _rewrite(place, name, lambda lines: [*lines, line])


def _rewrite(place: Place, name: str, change: Callable[[List[str]], List[str]]) -> None:
    """Replaces a file of /etc as a whole, with the owner and the permissions that it had; a system
    without shadowed passwords lacks two of the four.
    """
    path = place.at(f"/etc/{name}")
    if not path.exists():
        return
    had = path.stat()
    lines = path.read_text(encoding="utf-8").splitlines()
    with atomic_path(path, had.st_mode & 0o7777) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in change(lines)), encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(temporary, had.st_uid, had.st_gid)

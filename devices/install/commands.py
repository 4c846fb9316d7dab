"""Resources that other programs make: packages, accounts, running services."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import Callable, List, Optional, Set, Tuple

from devices.install.manifest import Entry
from devices.install.resources import BY_HAND, EXISTS, GONE, KEPT, LATER, NEW, REMOVED, TO_DO, UNDO, PlanLine, Resource
from devices.install.target import Target
from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path

Command = Tuple[str, ...]

# The range of ids for system accounts: Debian Policy, 9.2.2.
FIRST_ID, LAST_ID = 100, 999


@dataclass(frozen=True)
class Commands(Resource):
    """Commands that are run on a live system.

    Below another root they are left to the user, or with `at_boot` to the next start of the system.

    `exists`, if it is given, says whether what they make exists already. They run where it does not, where they have
    not run in this installation, and again when `identity` has changed, which stands for what they depend on. With
    `follows`, they depend on everything before them in the installation. What somebody else made before is left
    alone. `undo` are the commands that remove what they made.
    """

    what: str
    commands: Tuple[Command, ...]
    undo: Tuple[Command, ...] = ()
    exists: Optional[Callable[[Target], bool]] = field(default=None, repr=False)
    identity: str = ""
    follows: bool = False
    at_boot: bool = False

    def plan(self, target: Target) -> PlanLine:
        """See `Resource`."""
        entry = target.manifest.find("task", self.what)
        exists = self.exists is not None and self.exists(target)
        if exists and entry is None and not self.identity:
            return PlanLine(EXISTS, self.what)
        if entry is not None and entry.facts["identity"] == self.identity and (exists or self.exists is None):
            return PlanLine(EXISTS, self.what)
        lines = tuple(shlex.join(command) for command in self.commands)
        if target.live:
            return PlanLine(TO_DO, self.what, lines)
        if self.at_boot:
            return PlanLine(LATER, f"{self.what}  when the system starts")
        return PlanLine(EXISTS, self.what) if exists else PlanLine(BY_HAND, self.what, lines)

    def make(self, target: Target) -> None:
        """See `Resource`."""
        entry = target.manifest.find("task", self.what)
        before = entry.facts["undo"] if entry else []
        undo = before + [list(command) for command in self.undo if list(command) not in before]
        # Without an identity, the commands run again after an interruption.
        target.manifest.record("task", self.what, identity="", undo=undo)
        for command in self.commands:
            target.run(command)
        target.manifest.record("task", self.what, identity=self.identity, undo=undo)


@dataclass(frozen=True)
class Account(Resource):
    """A system user without password and shell, its group, and other groups that must exist.

    On a live system, systemd-sysusers makes them from the file `source`; below another root, lines are added to the
    files of /etc.
    """

    user: str
    full_name: str
    home: str
    groups: Tuple[str, ...]
    source: str

    def plan(self, target: Target) -> PlanLine:
        """See `Resource`."""
        if not target.host.exists("/etc/passwd") or not target.host.exists("/etc/group"):
            raise InputError(f"{target.host.path}: has no /etc/passwd and /etc/group; give the root folder of a system")
        missing = self._missing(target)
        if not missing:
            return PlanLine(EXISTS, f"user {self.user}, groups {', '.join((self.user, *self.groups))}")
        lines = (shlex.join(self._command),) if target.live else ()
        return PlanLine(NEW, ", ".join(f"{kind} {name}" for kind, name in missing), lines)

    def make(self, target: Target) -> None:
        """See `Resource`."""
        missing = self._missing(target)
        for kind, name in missing:
            target.manifest.record(kind, name)
        if target.live:
            target.run(self._command)
        else:
            self._add_lines(target, missing)

    @property
    def _command(self) -> Command:
        return ("systemd-sysusers", self.source)

    def _missing(self, target: Target) -> List[Tuple[str, str]]:
        known = target.ids("group")
        missing = [("group", name) for name in (self.user, *self.groups) if name not in known]
        return missing if self.user in target.ids("passwd") else [*missing, ("user", self.user)]

    def _add_lines(self, target: Target, missing: List[Tuple[str, str]]) -> None:
        for kind, name in missing:
            groups, users = target.ids("group"), target.ids("passwd")
            if kind == "group":
                number = _free({*groups.values(), *users.values()})
                _add(target, "group", f"{name}:x:{number}:")
                _add(target, "gshadow", f"{name}:!*::")
            else:
                own = groups[name]
                number = own if own not in users.values() else _free({*groups.values(), *users.values()})
                _add(target, "passwd", f"{name}:x:{number}:{own}:{self.full_name}:{self.home}:/usr/sbin/nologin")
                _add(target, "shadow", f"{name}:!*:::::::")


@dataclass(frozen=True)
class Note(Resource):
    """A remark on a step; it makes nothing."""

    text: str

    def plan(self, target: Target) -> PlanLine:
        """See `Resource`."""
        return PlanLine("note", self.text)

    def make(self, target: Target) -> None:
        """See `Resource`."""
        raise NotImplementedError("a note makes nothing")


def _undo_commands(entry: Entry, target: Target) -> PlanLine:
    problems = [line for command in entry.facts["undo"] if target.live for line in target.try_to_run(command)]
    return PlanLine(REMOVED, entry.name, tuple(problems))


def _undo_user(entry: Entry, target: Target) -> PlanLine:
    return _undo_account(entry, target, "user", "passwd", "shadow")


def _undo_group(entry: Entry, target: Target) -> PlanLine:
    # Removing a user also removes the group of that name.
    return _undo_account(entry, target, "group", "group", "gshadow")


def _undo_account(entry: Entry, target: Target, kind: str, *files: str) -> PlanLine:
    if entry.name not in target.ids(files[0]):
        return PlanLine(GONE, f"{kind} {entry.name}")
    if target.live:
        problems = target.try_to_run((f"{kind}del", entry.name))
        if problems:
            return PlanLine(KEPT, f"{kind} {entry.name}", tuple(problems))
    else:
        for name in files:
            _rewrite(target, name, lambda lines: [line for line in lines if line.split(":")[0] != entry.name])
    return PlanLine(REMOVED, f"{kind} {entry.name}")


UNDO.update(task=_undo_commands, user=_undo_user, group=_undo_group)


def _free(used: Set[int]) -> int:
    """The highest free id, as systemd-sysusers chooses it."""
    for number in range(LAST_ID, FIRST_ID - 1, -1):
        if number not in used:
            return number
    raise KitError(f"every number from {FIRST_ID} to {LAST_ID} is taken in /etc/passwd and /etc/group")


def _add(target: Target, name: str, line: str) -> None:
    _rewrite(target, name, lambda lines: [*lines, line])


def _rewrite(target: Target, name: str, change: Callable[[List[str]], List[str]]) -> None:
    """Changes the lines of a file of /etc, and keeps its owner and permissions.

    Nothing is done where there is no such file: a system without shadow passwords has only two of the four.
    """
    path = target.at(f"/etc/{name}")
    if not path.exists():
        return
    old = path.stat()
    lines = path.read_text(encoding="utf-8").splitlines()
    with atomic_path(path, old.st_mode & 0o7777) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in change(lines)), encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(temporary, old.st_uid, old.st_gid)

"""The resources of an installation: files, folders and links, each of which can be planned, made and undone."""

from __future__ import annotations

import abc
import difflib
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, ClassVar, Dict, List, Tuple

from devices.install.manifest import Entry
from devices.install.target import Target
from runtime.common import redaction
from runtime.common.errors import InputError
from runtime.common.files import atomic_path

# The states of a resource in a plan or a report; see `PlanLine`.
EXISTS = "exists"
NEW = "new"
CHANGE = "change"
KEPT = "kept"
TO_DO = "to do"
DONE = "done"
LATER = "later"
BY_HAND = "by hand"
REMOVED = "removed"
GONE = "gone"


@dataclass(frozen=True)
class PlanLine:
    """One line of a plan or of a report, with further lines below it.

    `state` is "exists"; "new" or "change" (`Resource.make` does it); "kept" (somebody else has changed it); "to do" (a
    command that `make` runs) or "done" (it has run); "later" (at the next start of the system); "by hand" (the user
    has to run it); "note"; "removed"; or "gone" (somebody else has removed it).
    """

    state: str
    what: str
    details: Tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether `Resource.make` has something to do."""
        return self.state in (NEW, CHANGE, TO_DO)

    @property
    def made(self) -> PlanLine:
        """The line of the report after `Resource.make`; commands were shown as they ran."""
        return PlanLine(DONE, self.what) if self.state == TO_DO else self


class Resource(abc.ABC):
    """A part of an installation. Making one that exists already changes nothing."""

    @abc.abstractmethod
    def plan(self, target: Target) -> PlanLine:
        """What `make` would change. Raises InputError where the resource cannot be made."""

    @abc.abstractmethod
    def make(self, target: Target) -> None:
        """Makes the resource, after recording it in the manifest. Called only where the planned line is `open`."""


@dataclass(frozen=True)
class File(Resource):
    """A file with the content `data` and the permissions `mode`.

    Where it is made by root, it belongs to root and to `group`, or with `like_folder` to the owner of its folder.
    Otherwise it belongs to the user who makes it.
    """

    kind: ClassVar[str] = "file"

    path: str
    data: bytes
    mode: int = 0o644
    group: str = ""
    like_folder: bool = False

    @classmethod
    def text(cls, path: str, text: str, mode: int = 0o644, group: str = "") -> File:
        """A file with the content `text`."""
        return cls(str(path), text.encode(), mode, group)

    def plan(self, target: Target) -> PlanLine:
        """See `Resource`."""
        ours = target.at(self.path)
        if not ours.exists() and not ours.is_symlink():
            return PlanLine(NEW, f"{self.path}  {self.mode:04o}")
        if ours.is_symlink() or not ours.is_file():
            raise InputError(f"{ours}: is in the way, where a file belongs; remove it")
        there = _read(ours)
        if there == self.data:
            wrong = self._wrong(ours, target) if self._known_hashes(target) else ()
            return PlanLine(CHANGE if wrong else EXISTS, self.path, wrong)
        # A file for its owner alone holds secrets.
        difference = _difference(there, self.data) if self.mode & 0o077 else ("its content is not shown: it holds secrets",)
        if _hash(there) in self._known_hashes(target):
            return PlanLine(CHANGE, self.path, difference)
        why = "changed since it was installed" if self._known_hashes(target) else "not from this installation"
        return PlanLine(KEPT, f"{self.path}  {why}; the kit would have:", (*self._too_open(ours), *difference))

    def make(self, target: Target) -> None:
        """See `Resource`."""
        ours = target.at(self.path)
        make_folders(ours.parent, target)
        target.manifest.record(self.kind, self.path, sha256=sorted({*self._known_hashes(target), _hash(self.data)}))
        with atomic_path(ours, self.mode) as temporary:
            temporary.write_bytes(self.data)
            if os.geteuid() == 0:
                os.chown(temporary, *self._owner(ours, target))
        target.manifest.record(self.kind, self.path, sha256=[_hash(self.data)])

    def _known_hashes(self, target: Target) -> List[str]:
        entry = target.manifest.find(self.kind, self.path)
        return list(entry.facts["sha256"]) if entry else []

    def _wrong(self, ours: Path, target: Target) -> Tuple[str, ...]:
        """What is wrong with the file, apart from its content."""
        there = ours.stat()
        wrong = []
        if stat.S_IMODE(there.st_mode) != self.mode:
            wrong.append(f"permissions {stat.S_IMODE(there.st_mode):04o}, to be {self.mode:04o}")
        if self.group and os.geteuid() == 0 and (there.st_uid, there.st_gid) != self._owner(ours, target):
            wrong.append(f"not of the group {self.group}")
        return tuple(wrong)

    def _too_open(self, ours: Path) -> Tuple[str, ...]:
        """Tells that everybody can read a kept file, which may hold a password."""
        there = stat.S_IMODE(ours.stat().st_mode)
        if there & 0o004 and not self.mode & 0o004:
            return (f"permissions {there:04o}: everybody can read it; sudo chmod {self.mode:o} {self.path}",)
        return ()

    def _owner(self, ours: Path, target: Target) -> Tuple[int, int]:
        if self.like_folder:
            folder = ours.parent.stat()
            return folder.st_uid, folder.st_gid
        return 0, target.ids("group").get(self.group, 0)


@dataclass(frozen=True)
class Link(Resource):
    """A symbolic link, replaced in one step. A target that somebody else has set is kept."""

    path: str
    target: str

    def plan(self, target: Target) -> PlanLine:
        """See `Resource`."""
        ours = target.at(self.path)
        what = f"{self.path} -> {self.target}"
        if not ours.is_symlink():
            if ours.exists():
                raise InputError(f"{ours}: is in the way, where a link belongs; remove it")
            return PlanLine(NEW, what)
        there = os.readlink(ours)
        if there == self.target:
            return PlanLine(EXISTS, what)
        entry = target.manifest.find("link", self.path)
        if entry is not None and there == entry.facts["target"]:
            return PlanLine(CHANGE, what, (f"-> {there} until now",))
        return PlanLine(KEPT, f"{self.path} -> {there}  set by others, not to {self.target}")

    def make(self, target: Target) -> None:
        """See `Resource`."""
        ours = target.at(self.path)
        make_folders(ours.parent, target)
        target.manifest.record("link", self.path, target=self.target)
        temporary = _beside(ours)
        temporary.unlink(missing_ok=True)
        os.symlink(self.target, temporary)
        if os.geteuid() == 0:
            folder = ours.parent.stat()
            os.chown(temporary, folder.st_uid, folder.st_gid, follow_symlinks=False)
        os.replace(temporary, ours)


@dataclass(frozen=True)
class Tree(Resource):
    """A folder with the files `names`, by their paths below it, copied from the folder `source`. `digest` is of them all."""

    path: str
    source: str
    names: Tuple[str, ...]
    digest: str

    def plan(self, target: Target) -> PlanLine:
        """See `Resource`."""
        entry = target.manifest.find("tree", self.path)
        what = f"{self.path}/  {len(self.names)} files of {self.source}"
        if not target.at(self.path).exists():
            return PlanLine(NEW, what)
        if entry is None:
            raise InputError(f"{target.at(self.path)}: is in the way, and not from this installation; remove it")
        return PlanLine(EXISTS if entry.facts["digest"] == self.digest else CHANGE, what)

    def make(self, target: Target) -> None:
        """See `Resource`."""
        ours = target.at(self.path)
        make_folders(ours.parent, target)
        target.manifest.record("tree", self.path, digest="")
        incoming = _beside(ours)
        shutil.rmtree(incoming, ignore_errors=True)
        for name in self.names:
            copy = incoming / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(self.source, name), copy)
        shutil.rmtree(ours, ignore_errors=True)
        os.replace(incoming, ours)
        target.manifest.record("tree", self.path, digest=self.digest)


def undo_tree(entry: Entry, target: Target) -> PlanLine:
    """Removes a tree."""
    ours = target.at(entry.name)
    for folder in (ours, _beside(ours)):
        shutil.rmtree(folder, ignore_errors=True)
    return PlanLine(REMOVED, f"{entry.name}/")


def make_folders(folder: Path, target: Target) -> None:
    """Makes `folder` and its missing parents, each recorded in the manifest."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        name = target.host.own(each)
        target.manifest.record("folder", name)
        # Recording has made the folder of the manifest itself.
        each.mkdir(mode=0o755, exist_ok=True)
        each.chmod(0o755)
        if os.geteuid() == 0:
            above = each.parent.stat()
            os.chown(each, above.st_uid, above.st_gid)


def undo_file(entry: Entry, target: Target) -> PlanLine:
    """Removes a file, unless it was changed since it was installed."""
    ours = target.at(entry.name)
    if not ours.is_file():
        return PlanLine(GONE, entry.name)
    if _hash(_read(ours)) not in entry.facts["sha256"]:
        return PlanLine(KEPT, f"{entry.name}  changed since it was installed")
    ours.unlink()
    return PlanLine(REMOVED, entry.name)


def undo_link(entry: Entry, target: Target) -> PlanLine:
    """Removes a link, unless it leads elsewhere now."""
    ours = target.at(entry.name)
    _beside(ours).unlink(missing_ok=True)
    if not ours.is_symlink():
        return PlanLine(GONE, entry.name)
    if os.readlink(ours) != entry.facts["target"]:
        return PlanLine(KEPT, f"{entry.name} -> {os.readlink(ours)}  set by others")
    ours.unlink()
    return PlanLine(REMOVED, entry.name)


def undo_folder(entry: Entry, target: Target) -> PlanLine:
    """Removes a folder, unless something is in it."""
    ours = target.at(entry.name)
    try:
        ours.rmdir()
    except FileNotFoundError:
        return PlanLine(GONE, f"{entry.name}/")
    except OSError:
        return PlanLine(KEPT, f"{entry.name}/  holds what is not from this installation")
    return PlanLine(REMOVED, f"{entry.name}/")


# The function that undoes each kind of entry in the manifest.
UNDO: Dict[str, Callable[[Entry, Target], PlanLine]] = {
    "file": undo_file, "link": undo_link, "folder": undo_folder, "tree": undo_tree
}  # fmt: skip


def _beside(ours: Path) -> Path:
    """A temporary path beside `ours`, to be renamed to it."""
    return ours.with_name(f".{ours.name}.new")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; run it as root: sudo") from error


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _difference(there: bytes, wanted: bytes) -> Tuple[str, ...]:
    try:
        old, new = there.decode().splitlines(), wanted.decode().splitlines()
    except UnicodeDecodeError:
        return (f"{len(there):,} bytes there, {len(wanted):,} here",)
    # Without the first two lines, which are for file names. Lines are compared with their passwords and shown without.
    return tuple(map(redaction.message, tuple(difflib.unified_diff(old, new, lineterm="", n=1))[2:]))

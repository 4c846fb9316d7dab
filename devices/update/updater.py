"""Brings one device to the release that is meant for it, so that a working model runs at any moment.

    recover -> choose -> download -> self-test -> switch -> trial -> good, or back

A release is a folder that is whole and tested before its name can be seen. What runs is a link, which
changes in one step. What is under way is written down before it is done, so that the next run knows
after a power cut where it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from devices.host import fsync_files
from devices.host.paths import MODEL, Layout
from devices.releases import channel
from devices.releases.channel import Channel
from devices.releases.release import MOST_BYTES, NAME, Part, Release, golden_of
from devices.update.download import download
from devices.update.probation import BAD, GOOD, OPEN, Verdict, Watch
from devices.update.state import Memory, Trial
from devices.update.transport import Origin
from devices.update.tuf_client import Refused, Trusted
from runtime.common.errors import InputError, KitError
from runtime.telemetry.health import Health

# A release that is cut off so often during its trial may be what cuts the power.
MOST_BEGUN = 4

# Left free beside what is downloaded, for logs and for the updater's own files.
RESERVE_BYTES = 16 << 20

UP_TO_DATE, UPDATED, ON_TRIAL, RETURNED = "up to date", "updated", "on trial", "returned"

# Tries a release: gives what is wrong with it, line by line.
SelfTest = Callable[[Path], Tuple[str, ...]]


@dataclass(frozen=True)
class Settings:
    """`device` is this device's name for staged releases; `kind` the model that it takes, or `auto`.
    `probation` is how many seconds a release has to show itself, `most_bytes` what one may need.
    """

    group: str = ""
    device: str = ""
    kind: str = "auto"
    has_edgetpu: bool = False
    probation: float = 120.0
    most_bytes: int = 256 << 20
    poll: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """`word` is one of UP_TO_DATE, UPDATED, ON_TRIAL and RETURNED; `release` is what runs now."""

    word: str
    release: str
    reason: str = ""


class Device:
    """One device's models and what it remembers of them. Hold `lock` for everything that writes."""

    def __init__(
        self,
        layout: Layout,
        test: SelfTest,
        settings: Settings,
        health: Optional[Path] = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        """`health` is the file in which the runtime says how it is doing, if not that of the layout."""
        self.layout = layout
        self._health_file = health or layout.health
        self._test = test
        self._settings = settings
        # The group whose channel was taken.
        self._group = settings.group
        self._tell = tell
        self.memory = Memory.read(layout.update)

    @property
    def release(self) -> str:
        """What runs; empty where nothing does."""
        try:
            return os.readlink(self.layout.current).rstrip("/")
        except OSError:
            return ""

    def lock(self) -> contextlib.AbstractContextManager:
        """Raises KitError where another update runs."""
        return fsync_files.lock(self.layout.update / "lock", "another update runs")

    def update(self, origin: Origin, root: bytes) -> Outcome:
        """Everything in a row. Raises Refused for what is not to be trusted, KitError where it cannot be
        done; the model that runs stays in both cases.
        """
        with self.lock():
            self.recover()
            outcome = Outcome(UP_TO_DATE, self.release)
            if self.memory.trial is not None:
                # First, since it needs nothing from outside: a bad model may have cut the network off.
                outcome = self.finish_trial()
                self._tell(f"{outcome.word}: {outcome.release}: {outcome.reason}")
            trusted = Trusted(self.layout.update / "metadata", origin, root)
            chosen = self.choose(trusted)
            self._remember(checked=time.time(), offered=chosen, repository=origin.where)
            if chosen in ("", self.release):
                return outcome if chosen else replace(outcome, reason="nothing is offered to this device")
            self.install(trusted, origin, chosen)
            self.switch(chosen)
            return self.finish_trial()

    def recover(self) -> None:
        """Makes good what a kill or a power cut has left undone."""
        self.memory = Memory.read(self.layout.update)
        self.layout.models.mkdir(parents=True, exist_ok=True)
        for leftover in [*self.layout.models.glob(".current.*"), *self.layout.update.glob(".*.*")]:
            leftover.unlink()
        trial, here = self.memory.trial, self.release
        if trial is not None and here != trial.release:
            # Written down, but not switched yet: it is chosen again.
            self._remember(trial=None)
        elif trial is None and here in self.memory.refused:
            # Taken back, but not switched yet.
            self._link(self.memory.last_good)
            self._reload()
        elif trial is None and here and here != self.memory.last_good and self._is_whole(here):
            # Put there by somebody, and so theirs to vouch for.
            self._remember(last_good=here)
        if not self._is_whole(self.release) and self._is_whole(self.memory.last_good):
            self._link(self.memory.last_good)

    def choose(self, trusted: Trusted) -> str:
        """The release that is meant for this device; empty where none is. A group without a channel has
        that of all devices.
        """
        settings = self._settings
        for group in dict.fromkeys((settings.group, "")):
            target = trusted.target(channel.channel_target(group))
            if target is not None:
                content = trusted.read(target, channel.MOST_BYTES)
                offer = Channel.parse(content, target.path).choose(settings.device, self.memory.refused)
                self._group = group
                return offer.release if offer else ""
        return ""

    def install(self, trusted: Trusted, origin: Origin, name: str) -> None:
        """Downloads a release and tries it; its folder is there when this returns.

        Raises Refused for files that are not as signed, KitError where the self-test fails.
        """
        incoming = self.layout.update / "incoming" / name
        final = self.layout.models / name
        described = self._target(trusted, name, NAME)
        data = trusted.read(described, MOST_BYTES)
        if self._is_whole(name) and (final / NAME).read_bytes() == data:
            self._try(final, name)
            return
        release = Release.parse(data, described.path)
        if release.name != name:
            raise Refused(f"{described.path}: is release {release.name}; the publisher has to publish it again")
        kind = release.kind_for(self._settings.kind, self._settings.has_edgetpu)
        parts = release.needed(kind)
        self._discard_other_downloads(name)
        self._check_room(parts, incoming)
        self._tell(f"downloading {name} ({kind}, {sum(part.bytes for part in parts) / 2**20:.1f} MB)")
        for part in parts:
            target = self._target(trusted, name, part.name)
            if (target.length, target.hashes.get("sha256")) != (part.bytes, part.sha256):
                raise Refused(f"{target.path}: is another file than {NAME} tells of")
            download(origin, target, incoming / part.name)
        fsync_files.write(incoming / NAME, data)
        self._arrange(incoming, release, kind)
        self._try(incoming, name)
        if final.exists():
            # Of the same name, but not what is signed now, or not whole.
            if name in (self.release, self.memory.last_good):
                raise KitError(f"{final}: runs, and is not what is published under that name; publish a new release")
            shutil.rmtree(final)
        fsync_files.sync_tree(incoming)
        os.replace(incoming, final)
        fsync_files.sync_folder(self.layout.models)

    def switch(self, name: str) -> None:
        """Lets `name` be what runs, on trial; `finish_trial` follows."""
        watched = self._health() is not None
        self._remember(trial=Trial(name, self.memory.last_good, time.time(), watched=watched))
        self._link(name)
        self._tell(f"switched to {name}")

    def finish_trial(self) -> Outcome:
        """Tells the runtime of the release on trial, watches it, and keeps it or returns to the last good one."""
        trial = replace(self.memory.trial, begun=self.memory.trial.begun + 1)
        self._remember(trial=trial)
        if trial.begun > MOST_BEGUN:
            verdict = Verdict(BAD, f"its trial was cut off {trial.begun - 1} times")
        else:
            verdict = self._watch(trial)
        if verdict.word == BAD:
            return self.go_back(verdict.reason)
        if verdict.word == OPEN:
            # Nothing has cut this trial off.
            self._remember(trial=replace(trial, begun=trial.begun - 1))
            return Outcome(ON_TRIAL, trial.release, verdict.reason)
        self._remember(last_good=trial.release, trial=None)
        self._prune()
        return Outcome(UPDATED, trial.release, verdict.reason)

    def roll_back(self) -> Outcome:
        """Returns to the release before the one that runs, because somebody says so.

        Raises InputError where there is none.
        """
        with self.lock():
            self.recover()
            running = self.release
            trial = self.memory.trial
            previous = trial.previous if trial is not None else next(iter(self._before()), "")
            if not self._is_whole(previous) or previous == running:
                raise InputError(f"{self.layout.models}: there is no other release than {running or 'none'} to return to")
            self._remember(trial=Trial(running, previous, time.time()))
            return self.go_back("returned by hand")

    def go_back(self, reason: str) -> Outcome:
        """Returns from the release on trial to the last good one, for `reason`."""
        trial = self.memory.trial
        refused = {**self.memory.refused, trial.release: reason}
        if not self._is_whole(trial.previous):
            self._remember(trial=None, last_good=trial.release)
            return Outcome(ON_TRIAL, trial.release, f"{reason}; there is no other model to return to")
        self._remember(trial=None, refused=refused, last_good=trial.previous)
        self._link(trial.previous)
        self._reload()
        return Outcome(RETURNED, trial.previous, f"{trial.release}: {reason}")

    def forget_refused(self) -> None:
        """Lets releases be tried again that have failed here."""
        self._remember(refused={})

    def _watch(self, trial: Trial) -> Verdict:
        if not self._settings.probation:
            self._reload()
            return Verdict(GOOD, "self-test passed")
        folder, before = self.layout.models / trial.release, self._health()
        watch = Watch(folder, self._settings.probation, trial.watched, time.monotonic(), before)
        if before is not None or trial.watched:
            self._tell(f"watching {trial.release} for {self._settings.probation:.0f} s")
        self._reload()
        while True:
            health = self._health()
            if health is not None and not trial.watched:
                trial = replace(trial, watched=True)
                self._remember(trial=trial)
            verdict = watch.look(time.monotonic(), health)
            if verdict is not None:
                return verdict
            time.sleep(self._settings.poll)

    def _try(self, folder: Path, name: str) -> None:
        self._tell(f"self-test of {name}")
        try:
            differences = self._test(folder)
        except KitError as error:
            differences = (str(error),)
        if differences:
            reason = f"self-test: {'; '.join(differences[:3])}"
            self._remember(refused={**self.memory.refused, name: reason})
            shutil.rmtree(self.layout.update / "incoming", ignore_errors=True)
            raise KitError(f"{name} does not work on this device, {self.release or 'nothing'} stays; {reason}")

    def _target(self, trusted: Trusted, release: str, file: str):
        name = channel.release_target(self._group, release, file)
        target = trusted.target(name)
        if target is None or "sha256" not in target.hashes:
            raise Refused(f"{name}: nobody has signed for it; publish the release again")
        return target

    def _arrange(self, folder: Path, release: Release, kind: str) -> None:
        """The names under which the runtime and the self-test look."""
        for leftover in folder.glob(".*"):
            leftover.unlink()
        fsync_files.write(folder / "golden.json", (folder / golden_of(kind)).read_bytes())
        fsync_files.link(folder / MODEL, release.models[kind])

    def _check_room(self, parts: Tuple[Part, ...], incoming: Path) -> None:
        needed = sum(part.bytes for part in parts)
        if needed > self._settings.most_bytes:
            raise Refused(
                f"the release needs {needed >> 20} MB; at most {self._settings.most_bytes >> 20} MB are taken (--limit)"
            )
        there = sum(path.stat().st_size for path in incoming.glob("*") if path.is_file() and not path.is_symlink())
        free = shutil.disk_usage(self.layout.update).free
        if free < needed - there + RESERVE_BYTES:
            raise KitError(
                f"{self.layout.update}: {free >> 20} MB are free, the release needs {max(needed - there, 0) >> 20} MB and "
                f"{RESERVE_BYTES >> 20} MB stay free; make room"
            )

    def _is_whole(self, name: str) -> bool:
        """Whether the folder of a release is there; it never is before all of it is."""
        return bool(name) and (self.layout.models / name / MODEL).exists()

    def _link(self, name: str) -> None:
        fsync_files.link(self.layout.current, name)

    def _remember(self, **changes) -> None:
        self.memory = replace(self.memory, **changes)
        self.memory.write(self.layout.update)

    def _health(self) -> Optional[Health]:
        """That of the runtime; None where none runs."""
        health = Health.read(self._health_file)
        return health if health is not None and health.is_fresh() else None

    def _reload(self) -> None:
        """Tells the runtime, if one runs with another model, of the one that is to run."""
        health = self._health()
        if health is None or not _is_runtime(health.pid) or os.path.realpath(health.model) == os.path.realpath(self.layout.model):
            return
        try:
            os.kill(health.pid, signal.SIGHUP)
        except ProcessLookupError:
            pass
        except PermissionError:
            self._tell(f"the runtime (process {health.pid}) belongs to another user and is not told of the model")

    def _discard_other_downloads(self, name: str) -> None:
        for path in (self.layout.update / "incoming").glob("*"):
            if path.name != name:
                shutil.rmtree(path, ignore_errors=True)

    def _prune(self) -> None:
        """Removes releases that are neither run nor returned to."""
        kept = {self.release, self.memory.last_good, *self._before()}
        for path in self.layout.models.iterdir():
            if path.name not in kept and not path.is_symlink() and (path / NAME).is_file():
                # Under a name that is no release's first, so that a cut leaves no half of one.
                going = self.layout.update / "incoming" / path.name
                going.parent.mkdir(exist_ok=True)
                shutil.rmtree(going, ignore_errors=True)
                os.replace(path, going)
                shutil.rmtree(going)

    def _before(self) -> List[str]:
        """The newest release beside the one that runs: what a withdrawal returns to."""
        others = [path for path in self.layout.models.iterdir() if path.is_dir() and not path.is_symlink()]
        others = [path for path in others if path.name not in (self.release, *self.memory.refused)]
        return [path.name for path in sorted(others, key=lambda path: path.stat().st_mtime)[-1:]]


def _is_runtime(pid: int) -> bool:
    """Whether a process is a runtime, as far as the system tells: the signal would end another one."""
    try:
        return b"runtime" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def trusted_root(layout: Layout, given: Optional[Path]) -> bytes:
    """The root that this device trusts: the first that it was given, kept in its own folder.

    Raises InputError where it was given none.
    """
    kept = layout.update / "root.json"
    if kept.is_file():
        return kept.read_bytes()
    path = given or layout.trusted_root
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}; a device needs the publisher's root.json once: --root FILE"
        ) from error
    fsync_files.write(kept, data)
    return data

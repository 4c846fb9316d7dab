"""Brings one device to the release that is meant for it, so that a working model runs at any moment.

    recover -> choose -> download -> self-test -> switch -> probation -> keep the release, or return

A release gets its final folder only once it is complete and tested. A link points to the release that runs, and
changes in one step. Each step is written to the updater's state before it is done, so that the next run can continue
after a power cut.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

from devices.host import fsync_files
from devices.host.paths import Layout
from devices.releases import channel
from devices.releases.channel import Channel
from devices.releases.release import MOST_BYTES, NAME, Release
from devices.releases.tuf_types import TargetFile
from devices.update.download import download
from devices.update.probation import BAD, GOOD, OPEN, ProbationMonitor, Verdict
from devices.update.release_store import ReleaseStore
from devices.update.runtime_process import RuntimeProcess
from devices.update.state import Probation, UpdaterState
from devices.update.transport import Transport
from devices.update.tuf_client import Refused, TufClient
from runtime.common.errors import InputError, KitError

# A release whose probation is interrupted more often than this may itself be what cuts the power.
MOST_BEGUN = 4

UP_TO_DATE, UPDATED, ON_PROBATION, RETURNED = "up to date", "updated", "on probation", "returned"

# Tests the release in a folder: gives a line for each thing that is wrong with it.
SelfTest = Callable[[Path], Tuple[str, ...]]


@dataclass(frozen=True)
class Settings:
    """What the updater's options say.

    `device` is this device's name for staged releases; `kind` is the model that it takes, or `auto`. `probation` is
    for how many seconds a new release is watched, `most_bytes` the largest release that is taken, and `poll` the
    seconds between two reads of the runtime's health.
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
    """How an update ended.

    `word` is one of UP_TO_DATE, UPDATED, ON_PROBATION and RETURNED; `release` is what runs now.
    """

    word: str
    release: str
    reason: str = ""


class Device:
    """One device: its releases, and the state of its updater. Hold `lock` around everything that writes."""

    def __init__(
        self,
        layout: Layout,
        test: SelfTest,
        settings: Settings,
        health: Optional[Path] = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        """Reads the updater's state. `health` is the runtime's health file, if it is not that of `layout`."""
        self.layout = layout
        self._store = ReleaseStore(layout)
        self._runtime = RuntimeProcess(health or layout.health, tell)
        self._test = test
        self._settings = settings
        # The group whose channel is used: that of the settings, or all devices.
        self._group = settings.group
        self._tell = tell
        self.state = UpdaterState.read(layout.update)

    @property
    def release(self) -> str:
        """The name of the release that runs; empty where none does."""
        return self._store.current

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Holds the updater's lock. Raises KitError where another update runs."""
        return fsync_files.lock(self.layout.update / "lock", "another update runs")

    def update(self, transport: Transport, root: bytes) -> Outcome:
        """Does a whole update from the repository behind `transport`, trusting the TUF root `root`.

        Raises Refused for a repository that is not to be trusted, KitError where the update cannot be done. In both
        cases the model that runs stays.
        """
        with self.lock():
            self.recover()
            outcome = Outcome(UP_TO_DATE, self.release)
            if self.state.probation is not None:
                # First, since it needs no network: a bad model may be what cut the network off.
                outcome = self.finish_probation(self.state.probation)
                self._tell(f"{outcome.word}: {outcome.release}: {outcome.reason}")
            client = TufClient(self.layout.update / "metadata", transport, root)
            chosen = self.choose(client)
            self._change_state(checked=time.time(), offered=chosen, repository=transport.where)
            if chosen in ("", self.release):
                return outcome if chosen else replace(outcome, reason="nothing is offered to this device")
            self.install(client, transport, chosen)
            return self.finish_probation(self.switch(chosen))

    def recover(self) -> None:
        """Completes or undoes what a kill or a power cut interrupted."""
        self.state = UpdaterState.read(self.layout.update)
        self._store.clean_up()
        probation, running = self.state.probation, self.release
        if probation is not None and running != probation.release:
            # Written down, but not switched yet: the release is chosen again.
            self._change_state(probation=None)
        elif probation is None and running in self.state.refused:
            # Refused, but not switched back yet.
            self._store.set_current(self.state.last_good)
            self._reload()
        elif probation is None and running and running != self.state.last_good and self._store.is_complete(running):
            # Somebody set the link by hand, and so vouches for that release.
            self._change_state(last_good=running)
        if not self._store.is_complete(self.release) and self._store.is_complete(self.state.last_good):
            self._store.set_current(self.state.last_good)

    def choose(self, client: TufClient) -> str:
        """The release that is meant for this device; empty where none is.

        A group without a channel of its own uses the channel of all devices.
        """
        settings = self._settings
        for group in dict.fromkeys((settings.group, "")):
            target = client.target(channel.channel_target(group))
            if target is not None:
                content = client.read(target, channel.MOST_BYTES)
                offer = Channel.parse(content, target.path).choose(settings.device, self.state.refused)
                self._group = group
                return offer.release if offer else ""
        return ""

    def install(self, client: TufClient, transport: Transport, name: str) -> None:
        """Downloads a release and tests it; its folder is complete when this returns.

        Raises Refused for files that are not what was signed, KitError where the self-test fails.
        """
        store = self._store
        described = self._target(client, name, NAME)
        data = client.read(described, MOST_BYTES)
        if store.is_complete(name) and (store.folder(name) / NAME).read_bytes() == data:
            self._run_self_test(store.folder(name), name)
            return
        release = Release.parse(data, described.path)
        if release.name != name:
            raise Refused(f"{described.path}: is release {release.name}; the publisher has to publish it again")
        kind = release.kind_for(self._settings.kind, self._settings.has_edgetpu)
        files = release.needed(kind)
        store.discard_other_downloads(name)
        store.check_space(name, files, self._settings.most_bytes)
        self._tell(f"downloading {name} ({kind}, {sum(file.bytes for file in files) / 2**20:.1f} MB)")
        for file in files:
            target = self._target(client, name, file.name)
            if (target.length, target.hashes["sha256"]) != (file.bytes, file.sha256):
                raise Refused(f"{target.path}: is not the file that {NAME} lists")
            download(transport, target, store.incoming(name) / file.name)
        store.prepare(name, release, kind, data)
        self._run_self_test(store.incoming(name), name)
        store.move_in(name, in_use=(self.release, self.state.last_good))

    def switch(self, name: str) -> Probation:
        """Makes `name` the release that runs, and begins its probation; `finish_probation` follows."""
        probation = Probation(name, self.state.last_good, time.time(), watched=self._runtime.health() is not None)
        self._change_state(probation=probation)
        self._store.set_current(name)
        self._tell(f"switched to {name}")
        return probation

    def finish_probation(self, probation: Probation) -> Outcome:
        """Makes the runtime load the release on probation, watches it, and keeps it or returns to the last good one."""
        probation = replace(probation, begun=probation.begun + 1)
        self._change_state(probation=probation)
        if probation.begun > MOST_BEGUN:
            verdict = Verdict(BAD, f"its probation was interrupted {probation.begun - 1} times")
        else:
            verdict = self._watch(probation)
        if verdict.word == BAD:
            return self.go_back(probation, verdict.reason)
        if verdict.word == OPEN:
            # This probation was not interrupted.
            self._change_state(probation=replace(probation, begun=probation.begun - 1))
            return Outcome(ON_PROBATION, probation.release, verdict.reason)
        self._change_state(last_good=probation.release, probation=None)
        self._store.prune({self.release, self.state.last_good, self._store.previous(self.state.refused)})
        return Outcome(UPDATED, probation.release, verdict.reason)

    def roll_back(self) -> Outcome:
        """Returns to the release before the one that runs, at the user's request.

        Raises InputError where there is none.
        """
        with self.lock():
            self.recover()
            running, probation = self.release, self.state.probation
            previous = self._store.previous(self.state.refused) if probation is None else probation.previous
            if not self._store.is_complete(previous) or previous == running:
                raise InputError(f"{self.layout.models}: there is no other release than {running or 'none'} to return to")
            probation = Probation(running, previous, time.time())
            self._change_state(probation=probation)
            return self.go_back(probation, "returned by hand")

    def go_back(self, probation: Probation, reason: str) -> Outcome:
        """Returns from the release on probation to the one before it, and refuses it from now on, for `reason`."""
        refused = {**self.state.refused, probation.release: reason}
        if not self._store.is_complete(probation.previous):
            self._change_state(probation=None, last_good=probation.release)
            return Outcome(ON_PROBATION, probation.release, f"{reason}; there is no other model to return to")
        self._change_state(probation=None, refused=refused, last_good=probation.previous)
        self._store.set_current(probation.previous)
        self._reload()
        return Outcome(RETURNED, probation.previous, f"{probation.release}: {reason}")

    def forget_refused(self) -> None:
        """Lets releases that failed here be tried again."""
        self._change_state(refused={})

    def _watch(self, probation: Probation) -> Verdict:
        if not self._settings.probation:
            self._reload()
            return Verdict(GOOD, "self-test passed")
        folder, before = self._store.folder(probation.release), self._runtime.health()
        monitor = ProbationMonitor(folder, self._settings.probation, probation.watched, time.monotonic(), before)
        if before is not None or probation.watched:
            self._tell(f"watching {probation.release} for {self._settings.probation:.0f} s")
        self._reload()
        while True:
            health = self._runtime.health()
            if health is not None and not probation.watched:
                probation = replace(probation, watched=True)
                self._change_state(probation=probation)
            verdict = monitor.observe(time.monotonic(), health)
            if verdict is not None:
                return verdict
            time.sleep(self._settings.poll)

    def _run_self_test(self, folder: Path, name: str) -> None:
        self._tell(f"self-test of {name}")
        try:
            differences = self._test(folder)
        except KitError as error:
            differences = (str(error),)
        if differences:
            reason = f"self-test: {'; '.join(differences[:3])}"
            self._change_state(refused={**self.state.refused, name: reason})
            self._store.discard_downloads()
            raise KitError(f"{name} does not work on this device, {self.release or 'nothing'} stays; {reason}")

    def _target(self, client: TufClient, release: str, file: str) -> TargetFile:
        name = channel.release_target(self._group, release, file)
        target = client.target(name)
        if target is None or "sha256" not in target.hashes:
            raise Refused(f"{name}: nobody has signed for it; publish the release again")
        return target

    def _change_state(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self.state.write(self.layout.update)

    def _reload(self) -> None:
        self._runtime.reload(self.layout.model)

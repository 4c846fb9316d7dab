"""Brings one device to the release that is meant for it, so that a working model runs at any moment.

    recover -> choose -> download -> self-test (-> hold in the shadow) -> switch -> probation -> keep the release, or return

A release gets its final folder only once it is complete and tested. A link points to the release that runs, and
changes in one step. Each step is written to the updater's state before it is done, so that the next run can continue
after a power cut.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

from devices.host import fsync_files
from devices.host.paths import Layout
from devices.releases import channel
from devices.releases.channel import Channel
from devices.releases.release import NAME
from devices.update import clock
from devices.update.download import download
from devices.update.holding import Holding
from devices.update.release_report import ReleaseReport
from devices.update.release_store import ReleaseStore
from devices.update.runtime_process import RuntimeProcess
from devices.update.signed_release import SignedRelease
from devices.update.state import Probation, UpdaterState
from devices.update.transport import Transport
from devices.update.tuf_client import TufClient
from devices.update.verdicts.hold import Terms
from devices.update.verdicts.hold_text import summary
from devices.update.verdicts.probation import ProbationMonitor
from devices.update.verdicts.verdict import BAD, GOOD, OPEN, TAKEN, TROUBLE, Verdict
from devices.update.withdrawals import reason_to_leave, remembered
from runtime.common.errors import InputError, KitError

# A release whose probation is interrupted more often than this may itself be what cuts the power.
MOST_BEGUN = 4

UP_TO_DATE, UPDATED, ON_PROBATION, RETURNED = "up to date", "updated", "on probation", "returned"
HELD, REFUSED = "held", "refused"

# Tests the release in a folder: gives a line for each thing that is wrong with it.
SelfTest = Callable[[Path], Tuple[str, ...]]


@dataclass(frozen=True)
class Settings:
    """What the updater's options say.

    `device` is this device's name for staged releases; `kind` is the model that it takes, or `auto`. `probation` is
    for how many seconds a new release is watched, `most_bytes` the largest release that is taken, and `poll` the
    seconds between two reads of the runtime's health. `hold` says how a new release is compared with the one that runs
    before it is switched to; with `at_once`, none is.
    """

    group: str = ""
    device: str = ""
    kind: str = "auto"
    has_edgetpu: bool = False
    probation: float = 120.0
    most_bytes: int = 256 << 20
    poll: float = 1.0
    hold: Terms = Terms()
    at_once: bool = False


@dataclass(frozen=True)
class Outcome:
    """How an update ended.

    `word` is one of UP_TO_DATE, UPDATED, ON_PROBATION, RETURNED, HELD (a newer release is compared first) and REFUSED (it was,
    and did not do); `release` is what runs now.
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
        self._offered = Channel()
        self._tell = tell
        self.state = UpdaterState.read(layout.update)
        self._release_report = ReleaseReport(layout, settings.hold)
        # How a probation ended that an earlier run had left open.
        self._finished: Optional[Outcome] = None
        self._holding = Holding(
            settings.hold, self._store, self._runtime, lambda: self.state, lambda hold: self._change_state(hold=hold), tell
        )

    @property
    def release(self) -> str:
        """The name of the release that runs; empty where none does."""
        return self._store.current

    @property
    def now(self) -> float:
        """The present time, in seconds since 1970; never earlier than any that this device has worked with."""
        return clock.now(self.state.checked)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Holds the updater's lock. Raises KitError where another update runs."""
        return fsync_files.lock(self.layout.update / "lock", "another update runs")

    def update(self, transport: Transport, root: bytes) -> Outcome:
        """Does a whole update from the repository behind `transport`, trusting the TUF root `root`.

        Raises Refused for a repository that is not to be trusted, KitError where the update cannot be done. In both
        cases the model that runs stays.
        """
        with self.lock():
            outcome = self._settled()
            outcome = self._look_at_hold() or outcome
            client = TufClient(self.layout.update / "metadata", transport, root, self.now)
            chosen = self.choose(client)
            self._change_state(checked=self.now, offered=chosen, repository=transport.where)
            self._holding.drop_other(chosen)
            if not chosen:
                return self._without_offer(outcome)
            if chosen == self.release and self._store.is_complete(chosen):
                return outcome
            self.install(client, transport, chosen)
            if chosen == self.release:
                # A card that loses files.
                self._reload()
                return Outcome(UPDATED, chosen, "its model was gone, and was fetched again")
            waits = self._hold(chosen)
            if waits:
                return Outcome(HELD, self.release, waits)
            return self.finish_probation(self.switch(chosen))

    def settle(self) -> None:
        """Finishes what the updater left open, which needs neither a network nor a clock: a bad model may have cut both off."""
        if self.layout.update.is_dir():
            with self.lock():
                self._settled()

    def _settled(self) -> Outcome:
        """Recovers, and finishes a probation; how that ended, also where an earlier call in this process did it."""
        self.recover()
        if self.state.probation is not None:
            self._finished = self.finish_probation(self.state.probation)
            self._tell(f"{self._finished.word}: {self._finished.release}: {self._finished.reason}")
        return self._finished or Outcome(UP_TO_DATE, self.release)

    def recover(self) -> None:
        """Completes or undoes what a kill or a power cut interrupted."""
        self.state = UpdaterState.read(self.layout.update)
        self._store.clean_up()
        probation, running = self.state.probation, self.release
        if probation is not None and running != probation.release:
            # Written down, but not switched yet: the release is chosen again.
            self._change_state(probation=None)
        elif probation is None and running in self.state.failed:
            # It has failed, but is not switched back yet.
            self._store.set_current(self.state.last_good)
            self._reload()
        elif probation is None and running and running != self.state.last_good and self._store.is_complete(running):
            # Somebody set the link by hand, and so vouches for that release.
            self._change_state(last_good=running)
        if not self._store.is_complete(self.release) and self._store.is_complete(self.state.last_good):
            self._store.set_current(self.state.last_good)
        self._holding.recover()
        self._report_releases()

    def choose(self, client: TufClient) -> str:
        """The release that is meant for this device; empty where none is.

        A group without a channel of its own uses the channel of all devices.
        """
        settings = self._settings
        for group in dict.fromkeys((settings.group, "")):
            target = client.target(channel.channel_target(group))
            if target is not None:
                self._offered = Channel.parse(client.read(target, channel.MOST_BYTES), target.path)
                withdrawn = remembered(self.state.withdrawn, self._offered, self._store.is_complete)
                meant = self._offered.choose(settings.device)
                self._release_report.meant(meant.release if meant else "")
                self._change_state(withdrawn=withdrawn)
                offer = self._offered.choose(settings.device, self.state.blocked(self.now))
                self._group = group
                return offer.release if offer else ""
        return ""

    def install(self, client: TufClient, transport: Transport, name: str) -> None:
        """Downloads a release and tests it; its folder is complete when this returns.

        Raises Refused for files that are not what was signed, KitError where the self-test fails.
        """
        store, signed = self._store, SignedRelease(client, self._group, name)
        if store.is_complete(name) and (store.folder(name) / NAME).read_bytes() == signed.data:
            if not self._holding.knows(name):
                self._run_self_test(store.folder(name), name)
            return
        release = signed.parse()
        kind = release.kind_for(self._settings.kind, self._settings.has_edgetpu)
        files = release.needed(kind)
        store.discard_other_downloads(name)
        store.check_space(name, files, self._settings.most_bytes)
        self._tell(f"downloading {name} ({kind}, {sum(file.bytes for file in files) / 2**20:.1f} MB)")
        for file in files:
            download(transport, signed.target(file), store.incoming(name) / file.name)
        store.prepare(name, release, kind, signed.data)
        self._run_self_test(store.incoming(name), name)
        if self._holding.knows(name):
            # It was published again under the same name, and is another one.
            self._change_state(hold=None)
            self._holding.align()
        store.move_in(name, in_use=(self.release, self.state.last_good))

    def switch(self, name: str) -> Probation:
        """Makes `name` the release that runs, and begins its probation; `finish_probation` follows."""
        previous = self.state.last_good if self.state.last_good != name else ""
        probation = Probation(name, previous, self.now, watched=self._runtime.health() is not None)
        hold = self._holding.open
        # It has not passed: should it be offered again, it is compared.
        taken = {"hold": hold.ended(Verdict(TAKEN, "at once, as it was asked for"), self.now)} if hold is not None else {}
        self._change_state(probation=probation, **taken)
        self._holding.align()
        self._holding.wait_until_ended()
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
        if verdict.word in (BAD, TROUBLE):
            return self.go_back(probation, verdict.reason, may_pass=verdict.word == TROUBLE)
        if verdict.word == OPEN:
            # This probation was not interrupted.
            self._change_state(probation=replace(probation, begun=probation.begun - 1))
            return Outcome(ON_PROBATION, probation.release, verdict.reason)
        postponed = self.state.postponed_but(probation.release)
        self._change_state(last_good=probation.release, probation=None, postponed=postponed)
        hold = self._holding.open
        held = {hold.release} if hold is not None else set()
        # Which one ran before is known; the times of the folders are those of a clock that may have been wrong.
        known = self._store.is_complete(probation.previous) and probation.previous not in self._unwanted
        previous = probation.previous if known else self._store.previous(self._unwanted)
        self._store.prune({self.release, self.state.last_good, previous, *held})
        return Outcome(UPDATED, probation.release, verdict.reason)

    def roll_back(self) -> Outcome:
        """Returns to the release before the one that runs, at the user's request.

        Raises InputError where there is none.
        """
        with self.lock():
            self.recover()
            running, probation = self.release, self.state.probation
            previous = self._store.previous(self._unwanted) if probation is None else self._previous(probation)
            if not self._store.is_complete(previous) or previous == running or previous in self.state.withdrawn:
                left = [name for name in self.state.withdrawn if name != running and self._store.is_complete(name)]
                others = f"no other release than {running}" if running else "no release"
                raise InputError(
                    f"{self.layout.models}: there is {others} to return to"
                    + "".join(f"; {name} was withdrawn" for name in left)
                )
            probation = Probation(running, previous, self.now)
            self._change_state(probation=probation)
            return self.go_back(probation, "returned by hand")

    def go_back(self, probation: Probation, reason: str, may_pass: bool = False) -> Outcome:
        """Returns from the release on probation to the one before it, for `reason`.

        It is refused from now on; where the reason `may_pass`, it is only tried again later. A release that was
        withdrawn since is the last to return to: a model that fails here is worse.
        """
        probation = replace(probation, previous=self._previous(probation))
        if not self._store.is_complete(probation.previous):
            if may_pass:
                # Its probation goes on with the next update.
                self._change_state(probation=replace(probation, begun=probation.begun - 1))
            else:
                self._change_state(probation=None, last_good=probation.release)
            return Outcome(ON_PROBATION, probation.release, f"{reason}; there is no other model to return to")
        failed = self._failure(probation.release, reason, may_pass)
        self._change_state(probation=None, last_good=probation.previous, **failed)
        self._store.set_current(probation.previous)
        self._reload()
        return Outcome(RETURNED, probation.previous, f"{probation.release}: {reason}")

    @property
    def _unwanted(self) -> Dict[str, str]:
        """The releases that this device does not return to, and why."""
        hold = self.state.hold
        held: Dict[str, str] = {}
        # One that has passed and was not switched to yet has not run here either.
        if hold is not None and hold.release != self.release and (hold.is_open or hold.against == self.release):
            held = {hold.release: "held"}
        return {**self.state.failed, **self.state.withdrawn, **held}

    def _previous(self, probation: Probation) -> str:
        """The release to return to from one on probation."""
        if probation.previous and probation.previous not in self.state.withdrawn:
            return probation.previous
        return self._store.previous({**self._unwanted, probation.release: ""}) or probation.previous

    def _without_offer(self, outcome: Outcome) -> Outcome:
        """Leaves a release that was taken back for one that is on the disk; keeps any other."""
        why = reason_to_leave(self.release, self._settings.device, self._offered, self.state.withdrawn)
        if not why and outcome.word == REFUSED:
            return outcome
        if not why:
            return replace(outcome, reason="nothing is offered to this device")
        previous = self._store.previous(self._unwanted)
        if not previous:
            return replace(outcome, reason=f"{why}; it stays, since there is no other model here")
        found = self.finish_probation(self.switch(previous))
        return replace(found, reason=f"{why}; {found.reason}")

    def _look_at_hold(self) -> Optional[Outcome]:
        """Takes what the runtime has compared, and refuses the held release where it does not do. Needs no network."""
        hold = self._holding.look()
        if hold is None:
            return None
        self._tell(summary(hold))
        reason = f"in the shadow: {hold.reason}"
        failed = {} if hold.word == GOOD else self._failure(hold.release, reason, hold.word == TROUBLE)
        self._change_state(hold=hold, **failed)
        self._holding.align()
        return Outcome(REFUSED, self.release, f"{hold.release}: {reason}") if failed else None

    def _hold(self, name: str) -> str:
        """Holds the release `name` where it has to be compared first; how far that is, empty where it is to be switched to."""
        running, settings = self.release, self._settings
        if not settings.hold.seconds or settings.at_once or not self._store.is_complete(running):
            return ""
        why = reason_to_leave(running, settings.device, self._offered, self.state.withdrawn)
        if why:
            self._tell(f"{name} is not held: {why}")
            return ""
        return self._holding.hold(name)

    def forget_refused(self) -> None:
        """Lets releases that failed here be tried again."""
        self._change_state(refused={}, postponed={})

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
            stopped = health is None and self._runtime.is_stopped()
            verdict = monitor.observe(time.monotonic(), health, stopped)
            if verdict is not None:
                return verdict
            time.sleep(self._settings.poll)

    def _run_self_test(self, folder: Path, name: str) -> None:
        self._tell(f"self-test of {name}")
        differences, cause = self._tested(folder)
        if not differences:
            return
        reason = f"self-test: {'; '.join(differences[:3])}"
        # The model that runs tells a fault of the device from one of the release.
        running = self.release
        known = self._store.is_complete(running)
        may_pass = cause is not None and not (known and isinstance(cause, InputError))
        if known and self._tested(self._store.folder(running))[0]:
            may_pass, reason = True, f"{reason}; {running}, which runs, fails here too"
        self._change_state(**self._failure(name, reason, may_pass))
        if not may_pass:
            self._store.discard_downloads()
            raise KitError(f"{name} does not work on this device, {running or 'nothing'} stays; {reason}")
        again = clock.text(self.state.postponed[name].until)
        raise KitError(f"{name} cannot be tested on this device, {running or 'nothing'} stays; {reason}; again from {again} on")

    def _tested(self, folder: Path) -> Tuple[Tuple[str, ...], Optional[KitError]]:
        """The differences that the self-test finds, and the error where it could not be done.

        The error is an InputError for files or options that are wrong, else one of the engine, which may pass.
        """
        try:
            return self._test(folder), None
        except KitError as error:
            return (str(error),), error

    def _change_state(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self.state.write(self.layout.update)
        self._report_releases()

    def _report_releases(self) -> None:
        self._release_report.write(self.state, self.release)

    def _failure(self, name: str, reason: str, may_pass: bool) -> Dict[str, Any]:
        """The changes of the state where the release `name` has failed."""
        self._release_report.failed(name)
        return self.state.failure(name, reason, may_pass, self.now)

    def _reload(self) -> None:
        self._runtime.reload(self.layout.model)

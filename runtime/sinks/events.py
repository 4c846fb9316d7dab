"""Clips, snapshots and lines of JSON of objects that stay for a while: `--events DIR`."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from runtime.common import redaction, settings
from runtime.common.errors import InputError
from runtime.common.options import positive, seconds, seconds_or_zero
from runtime.common.values import Detection, Frame
from runtime.events.event import Event
from runtime.events.pace import Pace
from runtime.events.recorder import Choices, Recorder
from runtime.events.store import DAYS, MEGABYTES, Budget, Store
from runtime.events.webhook import OPTION as WEBHOOK
from runtime.events.webhook import SECRET, Sender, Webhook
from runtime.events.writer import Writer
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State

KIND = "events (events:DIR)"

# An event is of a track.
TRACKS = True

PREFIX = "events:"
OPTION = "--events"

# Seconds that a run which is stopped waits for the clip that is under way, and for the webhook.
_END_SECONDS = 0.6
_WEBHOOK_SECONDS = 0.1
# A file's run waits for so long until the webhook has its events: half of what `docker stop` leaves to a run.
_FILE_WEBHOOK_SECONDS = 5.0
# A live source from which nothing comes for this long ends the clip that is under way.
_SILENCE_SECONDS = 10.0

_DEFAULT = Choices()


def options(parser: Any) -> None:
    """Adds `--events` and `--webhook`."""
    parser.add_argument(
        OPTION,
        metavar="DIR",
        help="keep a clip, the best image and a line of JSON of each object that stays for a while in DIR; tracks objects "
        f"as --track does; settings follow after commas (days={DAYS:g}, megabytes={MEGABYTES}, before={_DEFAULT.before:g}, "
        f"after={_DEFAULT.after:g}, least={_DEFAULT.least:g}, longest={_DEFAULT.longest:g}, fps={_DEFAULT.fps:g}, "
        f"width={_DEFAULT.width})",
    )
    parser.add_argument(
        WEBHOOK,
        metavar="URL",
        help=f"send the JSON of each event of {OPTION} to this address by POST, signed with the secret in {SECRET}",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--events` asks for, if it was given. Raises InputError for `--webhook` without it."""
    if not arguments.events:
        if arguments.webhook:
            raise InputError(f"{WEBHOOK}: sends what {OPTION} keeps; give {OPTION} DIR, too")
        return []
    # A comma would begin a setting; in an address it may always be written so.
    webhook = f",webhook={arguments.webhook.replace(',', '%2C')}" if arguments.webhook else ""
    return [f"{PREFIX}{arguments.events}{webhook}"]


def accepts(spec: str) -> bool:
    """Whether `spec` names a folder of events."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the sink. Raises InputError for wrong settings or a wrong folder."""
    readers: Dict[str, settings.Reader] = {
        "days": _days, "megabytes": positive, "before": seconds_or_zero, "after": seconds_or_zero, "least": seconds_or_zero,
        "longest": seconds, "fps": positive, "width": positive, "webhook": str,
    }  # fmt: skip
    name, found = settings.parse(spec[len(PREFIX) :], readers, OPTION)
    folder = Path(name)
    if not name or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{OPTION}: {name or 'nothing'} is no folder; give the name of one, which need not exist yet")
    if source.path is not None and folder.resolve() == source.path.resolve():
        raise InputError(f"{OPTION}: {name}: holds the source, whose images would mix with those of events")
    webhook = Webhook.parse(found.pop("webhook")) if "webhook" in found else None
    budget = Budget(found.pop("days", DAYS), found.pop("megabytes", MEGABYTES))
    return Events(folder, source, Choices(**found), budget, webhook)


class Events(Sink):
    """Records events, see `runtime.events`. Each camera has one of its own, with a folder of its own."""

    def __init__(
        self, folder: Path, source: Source, choices: Choices, budget: Budget, webhook: Optional[Webhook] = None
    ) -> None:
        # On a live source, an event that cannot be kept must not end the run, nor slow it.
        self.lossless = not source.live
        self._folder = folder
        self._source = source
        self._choices = choices
        self._budget = budget
        self._webhook = webhook
        self._state: Optional[State] = None
        self._store: Optional[Store] = None
        self._writer: Optional[Writer] = None
        self._recorder: Optional[Recorder] = None
        self._sender: Optional[Sender] = None
        # A run that is stopped may close the sink while its thread still writes; and a lost camera ends a clip.
        self._busy = threading.Lock()
        self._last = time.monotonic()

    def attach(self, state: State) -> None:
        """See `Sink.attach`. Raises InputError where the folder cannot be used."""
        self._state = state
        try:
            self._store = Store(self._folder, self._budget, wanted=self._webhook is not None)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"{OPTION} {self._folder}: cannot be used: {error}") from error
        if self._webhook is not None:
            self._sender = Sender(self._folder, self._webhook, told=self._tell)
        self._writer = Writer(
            self._store, self._choices.fps, waits=self.lossless, written=self._written, idle=self._end_after_silence
        )
        self._recorder = Recorder(
            self._choices,
            self._writer,
            redaction.address(self._source.name),
            begun=lambda event: state.announce({**event.as_dict(), "end": None}),
            wall=None if self._source.live else time.time,
            # A file has as much time as it takes.
            pause=Pace(self._choices.fps) if self._source.live else None,
        )
        state.events_in(str(self._folder))
        self._tell()

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """See `Sink.write`."""
        with self._busy:
            if self._recorder is not None:
                self._last = time.monotonic()
                self._recorder.add(frame, detections)

    def finish(self) -> None:
        """Completes what is under way. A run on a live source, which has to end soon, may lose the clip of the moment."""
        with self._busy:
            recorder, self._recorder = self._recorder, None
        if recorder is None or self._writer is None or self._store is None:
            return
        recorder.end()
        done = self._writer.end(_END_SECONDS if self._source.live else threading.TIMEOUT_MAX / 2)
        if self._sender is not None:
            live = self._source.live
            self._sender.end(_WEBHOOK_SECONDS if live else _FILE_WEBHOOK_SECONDS, drain=not live)
            if done:
                self._say_what_waits(self._sender, self._store)
        self._tell()
        if done:
            self._store.close()
        else:
            print(f"events: {self._folder}: there was no time to complete the last clip", file=sys.stderr)

    def close(self) -> None:
        """See `finish`."""
        self.finish()

    def discard(self) -> None:
        """Same as `close`: events are complete, or not there."""
        self.close()

    def _say_what_waits(self, sender: Sender, store: Store) -> None:
        with contextlib.suppress(sqlite3.Error):
            sender.waiting = store.index.count_waiting()
        if sender.waiting:
            where = f"the next run with {OPTION} {self._folder} sends them"
            print(f"webhook: events that are not sent yet: {sender.waiting}; {where}", file=sys.stderr)

    def _end_after_silence(self) -> None:
        # Not blocking: where a frame is being written, there is no silence.
        if self._source.live and self._busy.acquire(blocking=False):
            try:
                if self._recorder is not None and time.monotonic() - self._last > _SILENCE_SECONDS:
                    self._recorder.end()
            finally:
                self._busy.release()
        self._tell()

    def _written(self, event: Event) -> None:
        if self._sender is not None:
            self._sender.wake()
        if self._state is not None:
            self._state.announce(event.as_dict())
        self._tell()

    def _tell(self) -> None:
        state, store, writer, sender = self._state, self._store, self._writer, self._sender
        if state is None or store is None or writer is None:
            return
        values = {
            "kept": store.events, "megabytes": round(store.used / 1e6, 1), "recorded": writer.recorded,
            "removed": store.removed, "lost": writer.lost_events, "lost_frames": writer.lost_frames,
        }  # fmt: skip
        if sender is not None:
            values.update(sent=sender.sent, waiting=sender.waiting, given_up=sender.given_up)
        state.recorded(**values)


def _days(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 36500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days over 0")
    return number

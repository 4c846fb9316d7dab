"""The index of a folder of events: SQLite, which any process may read while a run writes it.

The files are what counts. The index only finds them, and knows what was sent to a webhook; it is made again from the files
where it is lost or broken.
"""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from runtime.events.event import Event

NAME = "index.sqlite"

# What becomes of an event: it waits for the webhook, was taken by it, was given up, or nobody wanted it.
WAITS, SENT, GIVEN_UP, UNWANTED = range(4)

# Seconds to wait for another thread or process that writes.
_BUSY_SECONDS = 5.0

# Bytes on the disk without which SQLite cannot open an index.
_LEAST_FREE = 1_000_000

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, label TEXT NOT NULL, line TEXT NOT NULL,
    sent INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS by_sent ON events (sent) WHERE sent = 0;
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), seconds REAL NOT NULL, lead REAL NOT NULL);
"""


@dataclass(frozen=True)
class Listed:
    """An event in the index; numbers grow in the order in which events were added."""

    number: int
    event: Event


class DiskFullError(sqlite3.OperationalError):
    """There is no room for what SQLite writes when it opens an index."""


class Index:
    """A connection to the index, for one thread at a time. Methods raise sqlite3.Error."""

    def __init__(self, folder: Optional[Path], *, read_only: bool = False, repair: bool = False) -> None:
        """Opens or makes the index in `folder`; without one, an empty index in memory.

        With `repair`, an index that is broken is removed and made anew; DiskFullError where it only has no room.
        """
        self._path = Path(":memory:") if folder is None else folder / NAME
        if read_only:
            self._database = self._connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
            return
        try:
            self._database = self._checked()
        except sqlite3.DatabaseError as error:
            if not repair or (isinstance(error, sqlite3.OperationalError) and "locked" in str(error)):
                raise
            if folder is not None and shutil.disk_usage(folder).free < _LEAST_FREE:
                # It is not broken for that, and a new one would not know what waits for the webhook.
                raise DiskFullError(f"its disk is full ({error})") from error
            for end in ("", "-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)
            self._database = self._checked()

    def close(self) -> None:
        """Closes the connection."""
        self._database.close()

    def ids(self) -> Dict[str, int]:
        """The ids of all events, with their numbers."""
        return dict(self._database.execute("SELECT id, number FROM events"))

    def add(self, event: Event, sent: int) -> None:
        """Adds an event."""
        with self._database:
            self._database.execute(
                "INSERT OR IGNORE INTO events (id, label, line, sent) VALUES (?, ?, ?, ?)",
                (event.id, event.label, event.line(), sent),
            )

    def remove(self, ids: Sequence[str]) -> None:
        """Removes events."""
        with self._database:
            self._database.executemany("DELETE FROM events WHERE id = ?", [(each,) for each in ids])

    def page(self, before: Optional[int], limit: int, label: Optional[str] = None) -> List[Listed]:
        """At most `limit` events, the newest first: those with lower numbers than `before`, of the class `label`."""
        rows = self._database.execute(
            "SELECT number, line FROM events WHERE (? IS NULL OR number < ?) AND (? IS NULL OR label = ?) "
            "ORDER BY number DESC LIMIT ?",
            (before, before, label, label, limit),
        )
        return [Listed(number, Event.parse(line)) for number, line in rows]

    def waiting(self) -> Optional[Listed]:
        """The oldest event that waits for the webhook."""
        row = self._database.execute("SELECT number, line FROM events WHERE sent = 0 ORDER BY number LIMIT 1").fetchone()
        return None if row is None else Listed(row[0], Event.parse(row[1]))

    def count_waiting(self) -> int:
        """How many events wait for the webhook."""
        (number,) = self._database.execute("SELECT COUNT(*) FROM events WHERE sent = 0").fetchone()
        return int(number)

    def mark(self, number: int, sent: int) -> None:
        """Notes what became of an event that waits."""
        with self._database:
            self._database.execute("UPDATE events SET sent = ? WHERE number = ?", (sent, number))

    def give_up_oldest(self, keep: int) -> int:
        """Gives up all but the newest `keep` events that wait; gives the number of those."""
        with self._database:
            return self._database.execute(
                "UPDATE events SET sent = ? WHERE sent = 0 AND number NOT IN "
                "(SELECT number FROM events WHERE sent = 0 ORDER BY number DESC LIMIT ?)",
                (GIVEN_UP, keep),
            ).rowcount

    @property
    def clock(self) -> Optional[Tuple[float, float]]:
        """The time and the lead (`runtime.events.age`) that were set last; None for a new index."""
        row = self._database.execute("SELECT seconds, lead FROM clock").fetchone()
        return None if row is None else (float(row[0]), float(row[1]))

    @clock.setter
    def clock(self, noted: Tuple[float, float]) -> None:
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO clock (one, seconds, lead) VALUES (1, ?, ?)", noted)

    def _checked(self) -> sqlite3.Connection:
        database = self._connect(str(self._path))
        try:
            database.execute("PRAGMA journal_mode = WAL")
            # Whole after a power cut; the last events may be missing then, and are found by their files.
            database.execute("PRAGMA synchronous = NORMAL")
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if answer != "ok":
                raise sqlite3.DatabaseError(answer)
            database.executescript(_TABLES)
            # Raises where a table has other columns.
            database.execute("SELECT number, id, label, line, sent FROM events LIMIT 1")
            database.execute("SELECT seconds, lead FROM clock LIMIT 1")
        except BaseException:
            database.close()
            raise
        return database

    @staticmethod
    def _connect(where: str, uri: bool = False) -> sqlite3.Connection:
        # One thread at a time uses it, but the one that closes it may be another than the one that opened it.
        return sqlite3.connect(where, timeout=_BUSY_SECONDS, uri=uri, check_same_thread=False)

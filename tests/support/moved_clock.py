"""A clock that a test moves, for what publishers and devices call the current time."""

from __future__ import annotations

import datetime
import sys
import time
from types import SimpleNamespace

import pytest


class MovedClock:
    """The real time plus as many days as `advance` was told."""

    def __init__(self) -> None:
        self._offset = datetime.timedelta()

    def advance(self, days: float) -> None:
        """Moves the clock forward."""
        self._offset += datetime.timedelta(days=days)

    def now(self, tz=None) -> datetime.datetime:
        """The moved time."""
        return datetime.datetime.now(tz) + self._offset

    @property
    def seconds(self) -> float:
        """The seconds by which the clock was moved."""
        return self._offset.total_seconds()


@pytest.fixture
def clock(monkeypatch) -> MovedClock:
    """Moves the time of the kit's and of TUF's modules, as far as they are imported."""
    made, real = MovedClock(), time.time

    class Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return made.now(tz)

    replaced = SimpleNamespace(**{**vars(datetime), "datetime": Datetime})
    for name, module in list(sys.modules.items()):
        if name.startswith(("devices.", "tuf.")):
            found = getattr(module, "datetime", None)
            if found is datetime.datetime:
                monkeypatch.setattr(module, "datetime", Datetime)
            elif found is datetime:
                monkeypatch.setattr(module, "datetime", replaced)
    monkeypatch.setattr(time, "time", lambda: real() + made.seconds)
    return made

"""Decides when a device publishes a report, and collects its values."""

from __future__ import annotations

import platform
import time
from typing import Any, Dict, Mapping, Optional

from runtime.common.command_parser import kit_version
from runtime.mqtt import versions
from runtime.mqtt.report import Report, Software
from runtime.telemetry.health import Health, sha256_of
from runtime.telemetry.release_status import ReleasesFile
from runtime.telemetry.state import State


class Reporter:
    """One thread calls `due` about once a second; any thread may call `renew`."""

    def __init__(self, state: State, every: float) -> None:
        """A report is due when its `news` change, and `every` seconds after the last one."""
        self._state = state
        self._every = every
        self._last: Optional[Report] = None
        self._sent_at = 0.0
        self._hashed = ("", "")
        self._versions: Dict[str, str] = {}
        self._releases = ReleasesFile()

    def due(self) -> Optional[Report]:
        """The report, if one is due; else None."""
        now = time.monotonic()
        report = self._report()
        last = self._last
        if last is not None and report.news == last.news and now - self._sent_at < self._every:
            return None
        self._last, self._sent_at = report, now
        return report

    def renew(self) -> None:
        """Makes the next report due at once."""
        self._last = None

    def _report(self) -> Report:
        path = self._state.path
        if path != self._hashed[0]:
            self._hashed = (path, sha256_of(path))
        snapshot = self._state.snapshot()
        health, releases = Health.of(self._state, self._hashed[1]), self._releases.read(path)
        return Report.of(health, snapshot, self._software(snapshot), self._every, releases)

    def _software(self, snapshot: Mapping[str, Any]) -> Software:
        package, engine = snapshot["engine"]["package"], snapshot["engine"]["name"]
        # Cached: a lookup takes milliseconds, and versions do not change during a run.
        if package not in self._versions:
            self._versions = {"kit": kit_version(), package: versions.package(package) if package else ""}
        interpreter = f"{package} {self._versions[package]}".strip()
        return Software(self._versions["kit"], platform.python_version(), interpreter, engine)

"""How a run is doing, in a small file for whoever looks after it: an updater, a monitor, a script.

    {"time": 1764038400.0, "pid": 812, "model": "/var/lib/.../detector.tflite", "frames": 90210, "fps": 9.8, ...}

The file is replaced whole, at most once a second, and goes away with the run. One that is old was
left behind by a run that was killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Optional, Union

from runtime.common.errors import InputError
from runtime.common.files import atomic_path
from runtime.telemetry.state import State

EVERY_SECONDS = 1.0

# A file that is older than this belongs to a run that is no more: a busy board writes late, not never.
STALE_SECONDS = 15.0

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Health:
    """One look at a run.

    `time` and `started` are seconds since 1970, of the look and of the run's begin; `model` the path
    of the file that runs, with links to folders followed, and `sha256` its hash in hex; `frames` those done
    since the begin, and `fps` how many a second of late; `engine_state` and `source_state` as in
    `State.snapshot`; `restarts` counts engines that were lost and replaced. `reloads` counts models
    taken over while running, `reload_failures` those that were not, and `reload_error` says why the
    last one asked for was not, empty where it was.
    """

    time: float
    started: float
    pid: int
    model: str
    sha256: str
    frames: int
    fps: float
    engine: str
    engine_state: str
    restarts: int
    source_state: str
    reloads: int = 0
    reload_failures: int = 0
    reload_error: str = ""

    @classmethod
    def of(cls, state: State, sha256: str = "") -> Health:
        """That of a run of this process; `sha256` is that of its model's file."""
        snapshot = state.snapshot()
        return cls(
            snapshot["time"],
            snapshot["started"],
            os.getpid(),
            os.path.abspath(state.path),
            sha256,
            snapshot["frames"],
            round(snapshot["fps"], 2),
            snapshot["engine"]["name"],
            snapshot["engine"]["state"],
            snapshot["engine"]["restarts"],
            snapshot["source"]["state"],
            snapshot["reload"]["count"],
            snapshot["reload"]["failures"],
            snapshot["reload"]["error"],
        )

    @classmethod
    def read(cls, path: Union[str, os.PathLike]) -> Optional[Health]:
        """What the file says; None where there is none, or none that can be understood."""
        try:
            said = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**{field.name: said[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        """As the file has it."""
        return json.dumps(asdict(self)) + "\n"

    def is_fresh(self, now: Optional[float] = None) -> bool:
        """Whether the run was there a moment ago. `now` is in seconds since 1970."""
        return abs((time.time() if now is None else now) - self.time) <= STALE_SECONDS


class HealthFile:
    """Keeps a file up to date while it is open.

    with HealthFile("/run/edge-detector/health.json", state):
        ...
    """

    def __init__(self, path: Union[str, os.PathLike], state: State, every: float = EVERY_SECONDS) -> None:
        self.path = Path(path)
        self._state = state
        self._every = every
        self._hashed = ("", "")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="health", daemon=True)

    def __enter__(self) -> HealthFile:
        """Raises InputError where the file cannot be written."""
        try:
            self._write()
        except OSError as error:
            raise InputError(f"--health {self.path}: cannot be written: {error.strerror or error}") from error
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def health(self) -> Health:
        """The run's health now."""
        path = self._state.path
        if path != self._hashed[0]:
            self._hashed = (path, sha256_of(path))
        return Health.of(self._state, self._hashed[1])

    def _write(self) -> None:
        # Whoever may look at the machine may look at this; the service's other files are its own.
        with atomic_path(self.path, 0o644) as temporary:
            temporary.write_text(self.health().text(), encoding="utf-8")

    def _keep(self) -> None:
        told = False
        while not self._ended.wait(self._every):
            try:
                self._write()
                told = False
            except OSError as error:
                # A run goes on without whoever looks after it; an old file says so too.
                if not told:
                    print(f"warning: {self.path}: cannot be written: {error.strerror or error}", file=sys.stderr)
                told = True


def sha256_of(path: Union[str, os.PathLike]) -> str:
    """In hex; empty where the file cannot be read."""
    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(_BLOCK), b""):
                found.update(block)
    except OSError:
        return ""
    return found.hexdigest()

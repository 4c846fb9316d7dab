"""The health of a run in a small JSON file, for an updater, a monitor or a script.

    {"time": 1764038400.0, "pid": 812, "model": "/var/lib/.../detector.tflite", "frames": 90210, "fps": 9.8, ...}

The file is replaced atomically about once a second, and removed at the end of the run. An old file was left behind by
a run that was killed.
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
from typing import Any, Mapping, Optional, Tuple, Union

from runtime.common.errors import InputError
from runtime.common.files import atomic_path
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.state import State

EVERY_SECONDS = 1.0

# A file older than this belongs to a run that has ended. A busy board may write late.
STALE_SECONDS = 15.0

_BLOCK = 1 << 20


@dataclass(frozen=True)
class CameraHealth:
    """The health of one of several cameras: frames since the start, the present rate, the state of its source as in `State.snapshot`.

    `error` is why it has ended for good, else empty.
    """

    source_state: str
    frames: int
    fps: float
    error: str = ""

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> CameraHealth:
        """That of a camera; `snapshot` is its `State.snapshot`."""
        source = snapshot["source"]
        return cls(source["state"], snapshot["frames"], round(snapshot["fps"], 2), source.get("error", ""))

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> CameraHealth:
        """What a health file has of a camera. Raises KeyError and the like where it is none."""
        return cls(**{field.name: content[field.name] for field in fields(cls)})

    @property
    def is_well(self) -> bool:
        """Whether it runs, or has come to its end."""
        return not self.error and self.source_state in ("running", "ended")


@dataclass(frozen=True)
class Health:
    """The health of a run at one time.

    `time` is that time and `started` the start of the run, in seconds since 1970. `model` is the path of the model,
    with links to folders resolved, and `sha256` its hash in hex. `frames` counts frames since the start; `fps` is the
    present rate. `engine_state` and `source_state` are those of `State.snapshot`. `restarts` counts engines that were
    lost and replaced, `reloads` models that took over while running, and `reload_failures` models that could not;
    `reload_error` is the error of the last reload, empty where it succeeded. `shadow` is how far a second model agrees with
    the one that counts, None where there is none.

    `cameras` is None where one camera runs. Where several do, it has those by name, and the other fields are of all together:
    `source_state` is "running" only while every camera runs, or has come to the end of its file.
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
    cameras: Optional[Mapping[str, CameraHealth]] = None
    shadow: Optional[Comparison] = None

    @classmethod
    def of(cls, state: State, sha256: str = "") -> Health:
        """The health of a run in this process; `sha256` is the hash of its model file."""
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
            {name: CameraHealth.of(own) for name, own in snapshot["cameras"].items()} if "cameras" in snapshot else None,
            state.comparison,
        )

    @classmethod
    def read(cls, path: Union[str, os.PathLike[str]]) -> Optional[Health]:
        """Reads a health file; None where it does not exist or cannot be parsed."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            values = {field.name: content[field.name] for field in fields(cls) if field.name not in ("cameras", "shadow")}
            cameras = content.get("cameras")
            if cameras is not None:
                values["cameras"] = {str(name): CameraHealth.parse(own) for name, own in cameras.items()}
            if "shadow" in content:
                values["shadow"] = Comparison.of(content["shadow"])
            return cls(**values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def text(self) -> str:
        """The text of a health file."""
        content = asdict(self)
        for name in ("cameras", "shadow"):
            if getattr(self, name) is None:
                del content[name]
        return json.dumps(content) + "\n"

    @property
    def not_running(self) -> Tuple[str, ...]:
        """The names of the cameras that neither run nor have come to their end."""
        return tuple(name for name, camera in (self.cameras or {}).items() if not camera.is_well)

    def is_fresh(self, now: Optional[float] = None) -> bool:
        """Whether the run was alive within the last STALE_SECONDS before `now` (default: the present time)."""
        return abs((time.time() if now is None else now) - self.time) <= STALE_SECONDS


class HealthFile:
    """Keeps a health file up to date while its `with` block lasts.

    Example:
        with HealthFile("/run/edge-detector/health.json", state):
            ...
    """

    def __init__(self, path: Union[str, os.PathLike[str]], state: State, every: float = EVERY_SECONDS) -> None:
        self.path = Path(path)
        self._state = state
        self._every = every
        self._hashed = ("", "")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

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
        """The present health of the run."""
        path = self._state.path
        if path != self._hashed[0]:
            self._hashed = (path, sha256_of(path))
        return Health.of(self._state, self._hashed[1])

    def _write(self) -> None:
        # Readable by all users, unlike the other files of the service.
        with atomic_path(self.path, 0o644) as temporary:
            temporary.write_text(self.health().text(), encoding="utf-8")

    def _run(self) -> None:
        warned = False
        while not self._ended.wait(self._every):
            try:
                self._write()
                warned = False
            except OSError as error:
                # The run continues; readers notice that the file is old.
                if not warned:
                    print(f"warning: {self.path}: cannot be written: {error.strerror or error}", file=sys.stderr)
                warned = True


def sha256_of(path: Union[str, os.PathLike[str]]) -> str:
    """The SHA-256 hash of a file in hex; empty where the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(_BLOCK), b""):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()

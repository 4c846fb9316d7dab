"""The report of a device, published under TOPIC/device and read by `devices.fleet`.

    {"time": 1764038400.0, "every": 30.0, "started": 1764034800.0,
     "model": {"name": "detector.tflite", "sha256": "9f2c...", "release": "2025.11"},
     "versions": {"kit": "0.1.0", "python": "3.11.2", "interpreter": "ai-edge-litert 2.3.0", "engine": "cpu"},
     "health": {"engine": "running", "source": "running", "reload": ""},
     "fps": 9.8, "counts": {"frames": 90210, "detections": 512, "dropped": 3, "gaps": 0, "restarts": 0}}

Readers may be older or newer than the device: fields may be added, and existing ones do not change.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Tuple

from runtime.telemetry.health import Health

# The symbolic link to the active release. It lies beside the releases, which are folders named by release.
CURRENT = "current"

# Numbers beyond this are no times, speeds or counts; a reader could not even print some of them.
_LARGEST = 1e15


@dataclass(frozen=True)
class Software:
    """Versions of the software. `interpreter` is a package's name and version. Unknown values are empty."""

    kit: str = ""
    python: str = ""
    interpreter: str = ""
    engine: str = ""


@dataclass(frozen=True)
class Counts:
    """Counts since the run began. `dropped` counts frames that the source or an engine lost."""

    frames: int = 0
    detections: int = 0
    dropped: int = 0
    gaps: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class Report:
    """A device's report.

    `time` and `started` are seconds since 1970 by the device's clock; `every` is the most seconds between two
    reports. `release` is empty if the model's file is not in the folder of a release. `engine` and `source`
    are states as in `State.snapshot`. `reload` is the reason why the last model swap failed, or empty.
    """

    time: float
    every: float
    started: float
    model: str
    sha256: str
    release: str
    versions: Software
    engine: str
    source: str
    reload: str
    fps: float
    counts: Counts

    @classmethod
    def of(cls, health: Health, snapshot: Mapping[str, Any], versions: Software, every: float) -> Report:
        """The report of a run. `snapshot` is its `State.snapshot()`."""
        dropped = snapshot["dropped"]
        return cls(
            health.time,
            every,
            health.started,
            Path(health.model).name,
            health.sha256,
            release_of(health.model),
            versions,
            health.engine_state,
            health.source_state,
            health.reload_error,
            health.fps,
            Counts(
                health.frames,
                snapshot["detections"],
                dropped["source"] + dropped["engine"],
                snapshot["gaps"],
                health.restarts,
            ),
        )

    @classmethod
    def parse(cls, text: str) -> Report:
        """Parses a report. Raises ValueError if `text` is not one."""
        try:
            values = json.loads(text)
            model, versions, health = values["model"], values["versions"], values["health"]
            return cls(
                _number(values["time"]),
                _number(values["every"]),
                _number(values["started"]),
                str(model["name"]),
                str(model["sha256"]),
                str(model["release"]),
                Software(**_known(Software, versions, str)),
                str(health["engine"]),
                str(health["source"]),
                str(health["reload"]),
                _number(values["fps"]),
                Counts(**_known(Counts, values["counts"], lambda count: int(_number(count)))),
            )
        # A deeply nested text, and an integer that no float can hold, raise the last two.
        except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"no report of a device: {error!r}") from None

    def text(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict())

    def as_dict(self) -> Dict[str, Any]:
        """The report as a dict, with the keys of the message."""
        return {
            "time": self.time,
            "every": self.every,
            "started": self.started,
            "model": {"name": self.model, "sha256": self.sha256, "release": self.release},
            "versions": asdict(self.versions),
            "health": {"engine": self.engine, "source": self.source, "reload": self.reload},
            "fps": self.fps,
            "counts": asdict(self.counts),
        }

    @property
    def news(self) -> Tuple[Any, ...]:
        """The values whose change makes a report due at once."""
        return self.started, self.sha256, self.release, self.versions, self.engine, self.source, self.reload


def release_of(model: str) -> str:
    """The release that a model's file belongs to, with links to folders followed; empty if none."""
    folder = Path(os.path.realpath(Path(model).parent))
    return folder.name if (folder.parent / CURRENT).is_symlink() else ""


def _number(value: Any) -> float:
    number = float(value)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"no report of a device: {number:g}")
    return number


def _known(kind: Any, values: Mapping[str, Any], convert: Callable[[Any], Any]) -> Dict[str, Any]:
    """The fields of the dataclass `kind` that are in `values`; others, from newer kits, are ignored."""
    return {name: convert(values[name]) for name in kind.__dataclass_fields__ if name in values}

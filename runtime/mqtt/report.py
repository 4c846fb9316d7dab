"""What a device says about itself under TOPIC/device, for whoever looks after many of them.

    {"time": 1764038400.0, "every": 30.0, "started": 1764034800.0,
     "model": {"name": "detector.tflite", "sha256": "9f2c...", "release": "2025.11"},
     "versions": {"kit": "0.1.0", "python": "3.11.2", "interpreter": "ai-edge-litert 2.3.0", "engine": "cpu"},
     "health": {"engine": "running", "source": "running", "reload": ""},
     "fps": 9.8, "counts": {"frames": 90210, "detections": 512, "dropped": 3, "gaps": 0, "restarts": 0}}

Whoever reads it meets newer and older kits: it adds fields and never changes one.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

from runtime.telemetry.health import Health

# The link beside a device's releases, each a folder with the release's name, that tells which one runs.
CURRENT = "current"


@dataclass(frozen=True)
class Software:
    """`interpreter` is a package's name and version; any of them is empty where it is not known."""

    kit: str = ""
    python: str = ""
    interpreter: str = ""
    engine: str = ""


@dataclass(frozen=True)
class Counts:
    """Since the run began. `dropped` frames never reached the detector."""

    frames: int = 0
    detections: int = 0
    dropped: int = 0
    gaps: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class Report:
    """`time` and `started` are seconds since 1970 by the device's clock, `every` is the most seconds
    between two reports. `release` is empty where the model lies in no release's folder; `engine` and
    `source` are states as in `State.snapshot`; `reload` says why a new model was not taken.
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
        """That of a run; `snapshot` is its `State.snapshot()`."""
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
        """Raises ValueError where `text` is no report."""
        said = json.loads(text)
        try:
            model, versions, health = said["model"], said["versions"], said["health"]
            return cls(
                _number(said["time"]),
                _number(said["every"]),
                _number(said["started"]),
                str(model["name"]),
                str(model["sha256"]),
                str(model["release"]),
                Software(**_known(Software, versions, str)),
                str(health["engine"]),
                str(health["source"]),
                str(health["reload"]),
                _number(said["fps"]),
                Counts(**_known(Counts, said["counts"], int)),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no report of a device: {error!r}") from None

    def text(self) -> str:
        return json.dumps(self.as_dict())

    def as_dict(self) -> Dict[str, Any]:
        """As the message has it."""
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
        """What is told at once when it changes; the rest can wait."""
        return self.started, self.sha256, self.release, self.versions, self.engine, self.source, self.reload


def release_of(model: str) -> str:
    """The release that a model's file belongs to, links to folders followed; empty where to none."""
    folder = Path(os.path.realpath(Path(model).parent))
    return folder.name if (folder.parent / CURRENT).is_symlink() else ""


def _number(said: Any) -> float:
    number = float(said)
    if not math.isfinite(number):
        raise ValueError(f"no report of a device: {said!r}")
    return number


def _known(kind: Any, said: Mapping[str, Any], reader: Any) -> Dict[str, Any]:
    return {name: reader(said[name]) for name in kind.__dataclass_fields__ if name in said}

"""The report of a device, published under TOPIC/device and read by `devices.fleet`.

    {"time": 1764038400.0, "every": 30.0, "started": 1764034800.0,
     "model": {"name": "detector.tflite", "sha256": "9f2c...", "release": "2025.11"},
     "versions": {"kit": "0.2.0", "python": "3.11.2", "interpreter": "ai-edge-litert 2.3.0", "engine": "cpu"},
     "health": {"engine": "running", "source": "running", "reload": ""},
     "fps": 9.8, "counts": {"frames": 90210, "detections": 512, "dropped": 3, "gaps": 0, "restarts": 0}}

with `"source_error"` in `health` where one of several cameras has ended with an error, and, where a second model runs beside the
first,

     "shadow": {"model": "next.tflite", "frames": 5210, "missed": 12, "error": "", "classes": {"person": [412, 31, 9]},
                "release": "2025.12", "seconds": 5231.0}

and, where the updater has held or refused releases,

     "releases": [{"release": "2025.12", "state": "refused", "since": 1764038400.0, "reason": "in the shadow: ...", ...}]

Readers may be older or newer than the device: fields may be added, and existing ones do not change.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from runtime.telemetry.comparison import release_of
from runtime.telemetry.health import Health
from runtime.telemetry.release_status import ReleaseStatus
from runtime.telemetry.release_status import parse as parse_releases

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
class Agreement:
    """How far a second model agrees with the first, as in `Comparison`.

    `classes` has the objects that (both, only the first, only the second) model has found, and `release` is the second
    model's, empty where it has none. It was compared for so many `seconds`.
    """

    model: str = ""
    frames: int = 0
    missed: int = 0
    error: str = ""
    classes: Mapping[str, Tuple[int, int, int]] = field(default_factory=dict)
    release: str = ""
    seconds: float = 0.0

    @property
    def share(self) -> Optional[float]:
        """Of all objects that either model has found, the share that both have; None where there are none."""
        both, first, second = (sum(counts) for counts in zip((0, 0, 0), *self.classes.values()))
        found = both + first + second
        return both / found if found else None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Agreement:
        """What a message or `State.snapshot` says of it. Raises ValueError and TypeError for something else."""
        classes = {}
        for name, counts in dict(values.get("classes", {})).items():
            both, first, second = (int(_number(count)) for count in counts)
            classes[str(name)] = (both, first, second)
        return cls(
            str(values["model"]),
            int(_number(values["frames"])),
            int(_number(values.get("missed", 0))),
            str(values.get("error", "")),
            classes,
            str(values.get("release", "")),
            _number(values.get("seconds", 0.0)),
        )

    def as_dict(self) -> Dict[str, Any]:
        """The values of the message."""
        return {**asdict(self), "classes": {name: list(counts) for name, counts in self.classes.items()}}


@dataclass(frozen=True)
class Report:
    """A device's report.

    `time` and `started` are seconds since 1970 by the device's clock; `every` is the most seconds between two
    reports. `release` is empty if the model's file is not in the folder of a release. `engine` and `source`
    are states as in `State.snapshot`. `reload` is the reason why the last model swap failed, or empty.
    `shadow` is None where no second model runs. `source_error` is why one of several cameras has ended for good, else empty.
    `releases` says what has become of new releases, the latest last.
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
    shadow: Optional[Agreement] = None
    source_error: str = ""
    releases: Tuple[ReleaseStatus, ...] = ()

    @classmethod
    def of(
        cls,
        health: Health,
        snapshot: Mapping[str, Any],
        versions: Software,
        every: float,
        releases: Tuple[ReleaseStatus, ...] = (),
    ) -> Report:
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
            Agreement.of(snapshot["shadow"]) if "shadow" in snapshot else None,
            snapshot["source"].get("error", ""),
            releases,
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
                Agreement.of(values["shadow"]) if "shadow" in values else None,
                str(health.get("source_error", "")),
                parse_releases(values.get("releases", ())),
            )
        # A deeply nested text, and an integer that no float can hold, raise the last two.
        except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"no report of a device: {error!r}") from None

    def text(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict())

    def as_dict(self) -> Dict[str, Any]:
        """The report as a dict, with the keys of the message."""
        error = {"source_error": self.source_error} if self.source_error else {}
        return {
            "time": self.time,
            "every": self.every,
            "started": self.started,
            "model": {"name": self.model, "sha256": self.sha256, "release": self.release},
            "versions": asdict(self.versions),
            "health": {"engine": self.engine, "source": self.source, "reload": self.reload, **error},
            "fps": self.fps,
            "counts": asdict(self.counts),
            **({"shadow": self.shadow.as_dict()} if self.shadow else {}),
            **({"releases": [each.as_dict() for each in self.releases]} if self.releases else {}),
        }

    @property
    def news(self) -> Tuple[Any, ...]:
        """The values whose change makes a report due at once."""
        shadow = (self.shadow.model, self.shadow.release, self.shadow.error) if self.shadow else ()
        states = self.engine, self.source, self.source_error, self.reload
        releases = tuple(each.news for each in self.releases)
        return self.started, self.sha256, self.release, self.versions, states, shadow, releases


def _number(value: Any) -> float:
    number = float(value)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"no report of a device: {number:g}")
    return number


def _known(kind: Any, values: Mapping[str, Any], convert: Callable[[Any], Any]) -> Dict[str, Any]:
    """The fields of the dataclass `kind` that are in `values`; others, from newer kits, are ignored."""
    return {name: convert(values[name]) for name in kind.__dataclass_fields__ if name in values}

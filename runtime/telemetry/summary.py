"""The summary of a finished run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping


@dataclass(frozen=True)
class Summary:
    """Counts and times of a run.

    Values that end in `_ms` are mean milliseconds per frame. `seconds` is the duration of the whole run, including
    reading and writing. `skipped` counts frames that the source could not read, `dropped` frames that never reached the
    detector, `still` frames without motion, `gaps` how often the source was lost, `restarts` how often the engine
    was replaced, `collected` images lie in the folder of those to label, `events` were recorded, `lost_events` and
    `lost_frames` of their clips were lost, `compared` says how far a second
    model agreed, and `areas` what was counted at zones and lines; both are empty without them.
    """

    frames: int
    detections: int
    skipped: int
    seconds: float
    preprocess_ms: float
    invoke_ms: float
    postprocess_ms: float
    dropped: int = 0
    still: int = 0
    gaps: int = 0
    restarts: int = 0
    collected: int = 0
    compared: str = ""
    areas: str = ""
    events: int = 0
    lost_events: int = 0
    lost_frames: int = 0

    @property
    def fps(self) -> float:
        """Frames per second over the whole run."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        more = [
            (self.skipped, "skipped"),
            (self.dropped, "dropped"),
            (self.still, "without motion"),
            (self.gaps, "gap in the source" if self.gaps == 1 else "gaps in the source"),
            (self.restarts, "restart of the engine" if self.restarts == 1 else "restarts of the engine"),
            (self.collected, "collected in all"),
            (self.events, "event" if self.events == 1 else "events"),
            (self.lost_events, "event lost" if self.lost_events == 1 else "events lost"),
            (self.lost_frames, "frame of clips lost" if self.lost_frames == 1 else "frames of clips lost"),
        ]
        counts = [_count(self.frames, "frame"), _count(self.detections, "detection")]
        counts += [f"{number} {what}" for number, what in more if number]
        more_text = "".join(f"; {text}" for text in (self.areas, self.compared) if text)
        return (
            f"{', '.join(counts)}; "
            f"a frame takes {self.preprocess_ms:.1f} ms to prepare, {self.invoke_ms:.1f} ms in the model, "
            f"{self.postprocess_ms:.1f} ms to read out; {self.fps:.1f} frames/s with reading and writing{more_text}"
        )


class Totals:
    """Sums over the frames that the detector has processed."""

    def __init__(self) -> None:
        self.frames = 0
        self._detections = 0
        self._times: Dict[str, float] = {}

    def add(self, detections: int, times: Mapping[str, float]) -> None:
        """Adds a frame with that many detections; `times` has milliseconds by stage."""
        self.frames += 1
        self._detections += detections
        for stage, taken in times.items():
            self._times[stage] = self._times.get(stage, 0.0) + taken

    def summary(self, snapshot: Mapping[str, Any], seconds: float) -> Summary:
        """The summary of a run that took `seconds`; `snapshot` is that of its `State`."""
        dropped = snapshot["dropped"]
        return Summary(
            self.frames,
            self._detections,
            snapshot["skipped"],
            seconds,
            self._mean("preprocess"),
            self._mean("invoke"),
            self._mean("postprocess"),
            dropped["source"] + dropped["engine"],
            snapshot["still"],
            snapshot["gaps"],
            snapshot["engine"]["restarts"],
            snapshot.get("collect", {}).get("images", 0),
            _compared(snapshot["shadow"]) if "shadow" in snapshot else "",
            _areas(snapshot["areas"]) if "areas" in snapshot else "",
            *(snapshot.get("events", {}).get(name, 0) for name in ("recorded", "lost", "lost_frames")),
        )

    def _mean(self, stage: str) -> float:
        return self._times.get(stage, 0.0) / self.frames if self.frames else 0.0


def _compared(shadow: Mapping[str, Any]) -> str:
    """How far the models agree: of all objects that either has found, the share that both have, as on the page."""
    both, first, second = (sum(counts) for counts in zip((0, 0, 0), *shadow["classes"].values()))
    found = both + first + second
    share = f", {both / found:.0%} of {_count(found, 'object')} found by both" if found else ""
    return f"compared with {shadow['model']} on {_count(shadow['frames'], 'frame')}{share}"


def _areas(areas: Mapping[str, Any]) -> str:
    """What was counted: `line door: 3 in, 1 out; zone desk: 5 entered, 4 left, median stay 12.5 s`."""
    found = [f"line {name}: {counts['in']} in, {counts['out']} out" for name, counts in areas["lines"].items()]
    for name, counts in areas["zones"].items():
        median = counts["dwell"]["median"]
        stay = "" if median is None else f", median stay {median:.1f} s"
        found.append(f"zone {name}: {counts['entered']} entered, {counts['left']} left{stay}")
    return "; ".join(found)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

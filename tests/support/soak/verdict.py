"""What must be true of a soak: every frame is accounted for, and nothing grows."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from runtime.common.opencv import cv2
from tests.support.soak.process import Sample
from tests.support.soak.schedule import Outages, Schedule

# Frames that may be on their way when a run ends: in the hand of the camera's thread, in the queue, in the engine.
ON_THEIR_WAY = 4


@dataclass(frozen=True)
class Check:
    """Something that must be true, with the figures that show it."""

    name: str
    good: bool
    figures: str

    def __str__(self) -> str:
        return f"{'ok    ' if self.good else 'FAILED'} {self.name}: {self.figures}"


def frames(given: int, final: Dict[str, Any]) -> Check:
    """Frames that went in against those that came out."""
    dropped = final["dropped"]
    lost = given - final["frames"] - dropped["source"] - dropped["engine"] - final["still"]
    return Check(
        "frames in = frames out + counted", 0 <= lost <= ON_THEIR_WAY,
        f"{given} in, {final['frames']} out, {dropped['source']} replaced by newer ones, {dropped['engine']} lost with "
        f"engines, {lost} not counted",
    )  # fmt: skip


def outages(made: Outages, final: Dict[str, Any], errors: str, source: str) -> Check:
    """Outages of the camera with the name `source` against what was told."""
    expected, told = len(made.losses) + len(made.hangs), errors.count(f"source lost: {source}:")
    return Check("every outage of the camera is counted and told", final["gaps"] == expected == told,
                 f"{final['gaps']} counted, {told} told, {expected} made")  # fmt: skip


def counts(schedule: Schedule, given: int, final: Dict[str, Any], errors: str, source: str = "unsteady") -> List[Check]:
    """Frames that went in against those that came out, and everything that failed against what was told."""
    restarts = len(schedule.kills) + len(schedule.stops)
    reload = final["reload"]
    return [
        frames(given, final),
        outages(schedule, final, errors, source),
        # A new model that takes over meanwhile makes a restart unnecessary.
        Check("every lost engine is counted and told",
              final["engine"]["restarts"] <= restarts == errors.count("engine lost:"),
              f"{final['engine']['restarts']} counted, {errors.count('engine lost:')} told, {restarts} made"),
        Check("every reload took place", reload["count"] == len(schedule.reloads) and reload["failures"] == 1,
              f"{reload['count']} of {len(schedule.reloads)}, and {reload['failures']} of 1 broken file refused"),
        Check("no traceback", "Traceback" not in errors, f"{len(errors.splitlines())} lines on standard error"),
    ]  # fmt: skip


def lines(path: Path, final: Dict[str, Any]) -> List[Check]:
    """The lines of JSON in `path` against the frames that they are of."""
    found = [json.loads(line)["frame"] for line in path.read_text().splitlines()]
    return [
        Check("JSON lines are in order", found == sorted(set(found)), f"{len(found)} lines"),
        *_written({"json": len(set(found))}, final),
    ]


def sinks(path: Path, video: Path, final: Dict[str, Any], published: int) -> List[Check]:
    """What each sink has written, against the frames that it got; `path` has the lines of JSON."""
    number, seconds = _video(video)
    return [
        *lines(path, final),
        *_written({"mp4": number, "mqtt": published}, final),
        Check("length of the mp4", seconds > 0, f"{seconds:.1f} s"),
    ]


def _written(wrote: Dict[str, int], final: Dict[str, Any]) -> List[Check]:
    checks = []
    dropped: Dict[str, int] = final["dropped"]["sinks"]
    for sink, number in wrote.items():
        name = next(key for key in dropped if re.search({"json": "json", "mp4": "video", "mqtt": "mqtt"}[sink], key, re.I))
        # A frame has one object or none, or all have several; those with objects are published.
        wanted = final["frames"] if sink != "mqtt" else min(final["frames"], final["detections"])
        missing = wanted - number - dropped[name]
        # What is on its way to the broker when the run ends may arrive, and is counted as lost all the same; so are frames
        # that had no objects.
        slack = 40 + (dropped[name] if wanted < final["frames"] else 0)
        good = missing == 0 if sink != "mqtt" else -slack <= missing <= 0
        checks.append(Check(f"frames of {sink}", good, f"{number} written, {dropped[name]} dropped, {missing} not counted"))
    return checks


def growth(samples: Sequence[Sample], schedule: Schedule, megabytes: float) -> List[Check]:
    """Memory, descriptors and threads of the last quarter against the second; silent connections do not count."""
    frames = schedule.frames
    second = [one for one in samples if frames // 4 <= one.frame < frames // 2]
    last = [one for one in samples if frames * 3 // 4 <= one.frame < frames]
    rest = [one.own for one in samples if one.frame >= frames * 97 // 100]
    if not (second and last) or len(rest) < 2:
        return [Check("memory, descriptors and threads", False, f"{len(samples)} samples, not of all parts of the run")]
    checks = []
    # A camera that hangs for ever keeps a thread, one to close it, and its descriptor.
    limits = {"own": megabytes, "others": megabytes, "files": 6.0, "threads": 6.0}
    for name, limit in limits.items():
        before, after = (statistics.median(getattr(one, name) for one in part) for part in (second, last))
        rate = _slope([(one.frame, getattr(one, name)) for one in samples if frames // 5 <= one.frame < frames])
        most = max(getattr(one, name) for one in samples)
        figures = f"{before:.1f} -> {after:.1f}, at most {most:.1f}, {1000 * rate:+.3f} per 1,000 frames"
        checks.append(Check(f"{_NAMES[name]} flat", after - before < limit, figures))
    # When everything is over. Much that happens at once, such as the silent connections, raises the memory once.
    before, after = (statistics.median(part) for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :]))
    checks.append(Check("memory of the run in MB at rest", after - before < 1, f"{before:.1f} -> {after:.1f}"))
    zombies = statistics.median(one.zombies for one in last)
    checks.append(Check("no process is left unreaped", zombies == 0, f"{zombies:.0f}"))
    return checks


_NAMES = {
    "own": "memory of the run in MB", "others": "memory of the engines in MB", "files": "descriptors", "threads": "threads",
}  # fmt: skip


def _slope(points: Sequence[Tuple[float, float]]) -> float:
    """The slope of the least-squares line."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*points)).slope


def _video(path: Path) -> Tuple[int, float]:
    """The number of frames that can be decoded, and the length in seconds."""
    video = cv2.VideoCapture(str(path))
    number, last = 0, 0.0
    while video.grab():
        number += 1
        last = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
    return number, last

"""The cameras of a soak: the one that everything is judged by, and where there are several another one that fails at times of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

from tests.support.soak import verdict
from tests.support.soak.parts import Place
from tests.support.soak.process import delivered
from tests.support.soak.schedule import Outages, Schedule
from tests.support.soak.verdict import Check

FIRST, OTHER = "street", "yard"


def words(place: Place) -> List[str]:
    """The options that name the sources, and the lines of JSON and the video of each."""
    sources = [f"{FIRST}=unsteady:plan.json", f"{OTHER}=unsteady:other.json"] if place.camera else ["unsteady:plan.json"]
    return [word for source in sources for word in ("--source", source)]


def plan(place: Place, outages: Outages, street: bool) -> None:
    """Writes the plan of the first camera."""
    step = place.step if street else 0
    _write(place.folder / "plan.json", FIRST if place.camera else "unsteady", place.fps, outages, place.folder / "given", step)


class Other:
    """The second camera of a run of several."""

    def __init__(self, place: Place, outages: Outages) -> None:
        self._place = replace(place, camera=OTHER)
        self._outages = outages
        self._given = place.folder / "given-other"
        _write(place.folder / "other.json", OTHER, place.fps, outages, self._given, place.step)

    def judge(self, final: Dict[str, Any], errors: str) -> List[Check]:
        """What must be true of it; `final` is the last snapshot of all cameras."""
        own = final["cameras"][OTHER]
        checks = [verdict.frames(delivered(self._given), own), verdict.outages(self._outages, own, errors, OTHER)]
        checks += verdict.lines(self._place.lines, own)
        return [Check(f"{OTHER}: {check.name}", check.good, check.figures) for check in checks]


def other_outages(frames: int) -> Outages:
    """When the second camera fails: by its own frames, of which it delivers fewer than `frames`."""
    made = Schedule.of(frames)
    return Outages(tuple(round(0.6 * at) for at in made.losses[:4]), (frames * 22 // 100, frames * 52 // 100))


def _write(path: Path, name: str, fps: float, outages: Outages, given: Path, step: int) -> None:
    path.write_text(json.dumps({
        "name": name, "fps": fps, "losses": outages.losses, "hangs": outages.hangs, "given": str(given), "step": step,
    }))  # fmt: skip

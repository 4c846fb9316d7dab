"""A run that is ended by SIGKILL in the middle of its work, before the soak itself: what it leaves must be whole."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import List, Sequence

from tests.support.soak import cameras, models, parts
from tests.support.soak.parts import Part, Place
from tests.support.soak.process import Process
from tests.support.soak.schedule import Outages
from tests.support.soak.verdict import Check

_SECONDS = 120.0


def killed(place: Place, names: Sequence[str]) -> List[Check]:
    """Kills a run with the parts `names`, and returns what must be true of what it leaves on the disk of `place`."""
    folder = place.folder / "killed"
    folder.mkdir()
    inner = replace(place, folder=folder)
    made = parts.connect(names, inner)
    process = start(inner, made)
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.popen.poll() is None:
        for part in made:
            part.look()
        if process.given > 5 * place.fps and all(part.is_busy() for part in made):
            break
        time.sleep(0.05)
    busy, engines = all(part.is_busy() for part in made), [*process.engines(), *process.shadows()]
    process.popen.send_signal(signal.SIGKILL)
    code = process.popen.wait()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in engines) and time.monotonic() < until:
        time.sleep(0.1)
    left = sum(Path(f"/proc/{pid}").exists() for pid in engines)
    checks = [
        Check("a run was killed at its work", code == -signal.SIGKILL and busy, f"{process.given} frames; {code}"),
        Check("engines end with a run that is killed", engines != [] and not left, f"{left} of {len(engines)} go on"),
    ]
    return checks + [check for part in made for check in part.whole(killed=True)]


def start(place: Place, made: Sequence[Part]) -> Process:
    """Starts a run whose cameras never fail."""
    (place.folder / "model.tflite").write_bytes(models.first())
    cameras.plan(place, Outages(), street=True)
    if place.camera:
        cameras.Other(place, Outages())
    words = ["model.tflite", *cameras.words(place), "--json", place.word(place.folder / "found.jsonl")]
    return Process(place.folder, [*words, *(word for part in made for word in part.words)], 35.0)

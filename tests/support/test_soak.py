"""The soak itself: its clock, its schedule, and that its verdicts can be bad."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.support.soak import cameras, verdict
from tests.support.soak.clock import Clock
from tests.support.soak.parts import Place
from tests.support.soak.process import Sample
from tests.support.soak.schedule import Schedule

CLOCKS = "import time; input(); print(time.time(), time.monotonic(), time.sleep(0.001))"


def test_a_clock_that_is_set_for_another_process(tmp_path):
    if sys.platform != "linux":
        pytest.skip("preloads a library, as Linux does")
    clock = Clock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", CLOCKS], env={**os.environ, **clock.environment}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        clock.set(-14)
        now, monotonic = time.time(), time.monotonic()
        told = [float(word) for word in other.communicate("\n")[0].split()[:2]]
    assert told[0] - now == pytest.approx(-14 * 3600, abs=600) and told[1] - monotonic == pytest.approx(0, abs=600)


def test_what_happens_in_a_soak_happens_within_it():
    made = Schedule.of(20_000)
    assert made.away[1] - made.away[0] == 3000 and len(made.reloads) == 10 and len(made.hangs) == 3
    assert [hours for _, hours in made.clock] == [14, 0, -14, 0]
    assert made.silent[1][0] < made.losses[4] < made.silent[1][1] and max(made.hangs) < made.frames
    # What raises the memory once has done so before growth is measured.
    assert max(made.silent[0]) < made.frames // 4 and made.hangs[0] < made.frames // 4
    # An engine that hangs is found by the watchdog, before a new model takes its place.
    assert min(reload - stop for stop in made.stops for reload in made.reloads if reload > stop) >= 0.07 * made.frames


def final(**more):
    return {
        "frames": 90, "still": 0, "gaps": 9, "dropped": {"source": 5, "engine": 5, "sinks": {}},
        "engine": {"restarts": 5}, "reload": {"count": 10, "failures": 1}, **more,
    }  # fmt: skip


def test_every_frame_and_every_outage_must_be_counted():
    made = Schedule.of(100)
    told = "source lost: unsteady: x\n" * 9 + "engine lost: x\n" * 5

    def failed(given=100, said=told, **more):
        return [check.name for check in verdict.counts(made, given, final(**more), said) if not check.good]

    assert failed() == []
    assert failed(given=100 + verdict.ON_THEIR_WAY + 1) == ["frames in = frames out + counted"] == failed(given=99)
    assert failed(gaps=8) == ["every outage of the camera is counted and told"]
    assert failed(said=told + "Traceback") == ["no traceback"]
    assert failed(engine={"restarts": 6}) == ["every lost engine is counted and told"]


def test_a_second_camera_must_be_counted_by_its_own(tmp_path):
    other = cameras.Other(Place(tmp_path, tmp_path, 60.0, cameras.FIRST), cameras.other_outages(100))
    (tmp_path / "given-other").write_bytes((100).to_bytes(8, "little"))
    (tmp_path / "found-yard.jsonl").write_text("\n".join(f'{{"frame": {number}}}' for number in range(90)))
    told = "source lost: yard: x\n" * 6 + "source lost: street: x\n" * 8

    def failed(said=told, **more):
        own = {**final(gaps=6), "dropped": {"source": 5, "engine": 5, "sinks": {"json_lines": 0}}, **more}
        return [check.name for check in other.judge({"cameras": {cameras.OTHER: own}}, said) if not check.good]

    assert failed() == []
    assert failed(said=told.replace("yard", "street")) == ["yard: every outage of the camera is counted and told"] == failed(gaps=14)
    assert failed(frames=80) == ["yard: frames in = frames out + counted", "yard: frames of json"]


def test_memory_that_grows_is_noticed():
    def failed(growth):
        samples = [Sample(frame, frame, 80 + growth * frame, 40, 20, 15, 0) for frame in range(100)]
        return [check.name for check in verdict.growth(samples, Schedule.of(100), 4.0) if not check.good]

    assert failed(0.01) == [] and failed(0.1) == ["memory of the run in MB flat"]
    assert failed(0.9)[-1] == "memory of the run in MB at rest"
    assert not verdict.growth([], Schedule.of(100), 4.0)[0].good

"""What the runtime's health says about a new model: that it works, that it is at fault, or that something else is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from devices.install.steps import service, updates
from devices.update.verdicts.probation import ENGINE_SECONDS, GONE_SECONDS, TAKE_OVER_SECONDS, ProbationMonitor
from devices.update.verdicts.verdict import BAD, GOOD, OPEN, TROUBLE
from runtime.telemetry.health import CameraHealth, Health


@pytest.fixture
def health(tmp_path):
    (tmp_path / "new").mkdir()
    return Health(0, 0, 1, str(tmp_path / "new" / "detector.tflite"), "", 0, 10.0, "cpu", "running", 0, "running")


@pytest.fixture
def watch(tmp_path):
    return lambda expected=True, before=None: ProbationMonitor(tmp_path / "new", 120, expected, 0, before)


def test_a_probation_that_goes_well(watch, health):
    made = watch()
    assert made.observe(1, replace(health, model="/old/detector.tflite")) is None
    assert made.observe(2, health) is None and made.observe(100, replace(health, frames=500)) is None
    assert made.observe(122, replace(health, frames=600)).word == GOOD


def test_a_release_that_ends_its_engine_or_the_runtime_is_at_fault(watch, health):
    made = watch()
    made.observe(1, health)
    assert made.observe(9, replace(health, restarts=2)) is None
    verdict = made.observe(10, replace(health, restarts=3))
    assert (verdict.word, verdict.reason) == (BAD, "its engine was lost 3 times")
    made = watch()
    assert [made.observe(pid, replace(health, pid=pid)) for pid in (1, 2, 3)] == [None] * 3
    verdict = made.observe(4, replace(health, pid=4))
    assert (verdict.word, verdict.reason) == (BAD, "the runtime was started 4 times with it")


def test_a_camera_that_cannot_be_reached_hides_no_release_that_ends_the_runtime(watch, health):
    cameras = {"door": CameraHealth("running", 10, 9.9), "yard": CameraHealth("reopening", 0, 0.0)}
    made, seen = watch(), replace(health, source_state="reopening", cameras=cameras)
    assert [made.observe(pid, replace(seen, pid=pid)) for pid in (1, 2, 3)] == [None] * 3
    assert made.observe(4, replace(seen, pid=4)).word == BAD


def test_probations_that_say_nothing(watch, health):
    assert watch(expected=False).observe(1, None).word == OPEN
    made = watch()
    made.observe(1, replace(health, source_state="reopening"))
    verdict = made.observe(130, replace(health, source_state="reopening"))
    assert verdict.word == OPEN and "the source is reopening" in verdict.reason


def test_failures_that_may_pass(watch, health):
    old = replace(health, model="/old/detector.tflite")
    failed = replace(old, reload_failures=1, reload_error="no memory")
    verdict = watch().observe(1, failed)
    assert (verdict.word, verdict.reason) == (TROUBLE, "the runtime does not take it: no memory")
    assert watch(before=failed).observe(1, failed) is None, "that was another one"
    assert watch(before=failed).observe(1, replace(failed, reload_failures=2)).word == TROUBLE
    made = watch()
    assert made.observe(1, old) is None and made.observe(TAKE_OVER_SECONDS + 1, old).word == TROUBLE
    made = watch()
    assert made.observe(1, health) is None and made.observe(2, old).reason.startswith("the runtime went back")
    # One that ends as soon as it has the model, and never says a word again.
    made = watch()
    assert made.observe(1, None) is None and made.observe(GONE_SECONDS + 1, None).word == TROUBLE
    made = watch()
    made.observe(1, health)
    assert made.observe(10, None) is None and made.observe(GONE_SECONDS + 2, None).word == TROUBLE


def test_a_slow_start_within_the_units_times_is_no_failure(watch, health):
    made = watch()
    assert made.observe(1, health) is None
    assert all(made.observe(now, None) is None for now in range(2, int(GONE_SECONDS), 10))
    assert made.observe(GONE_SECONDS, replace(health, pid=2, frames=1)) is None
    assert made.observe(GONE_SECONDS + 130, replace(health, pid=2, frames=90)).word == GOOD


@pytest.mark.parametrize("systemd", [0, 252, 254, 257])
def test_the_runtime_may_be_away_for_as_long_as_the_unit_allows(systemd):
    """Ended, waiting for its next start, and starting on a slow card."""
    text = service.unit(profile(), systemd)
    seconds = {name: int(value) for name, value in re.findall(r"^(\w+Sec)=(\d+)$", text, re.M)}
    pause = max(seconds["RestartSec"], seconds.get("RestartMaxDelaySec", 0))
    assert seconds["TimeoutStopSec"] + pause + seconds["TimeoutStartSec"] < GONE_SECONDS
    # The updater itself is not ended before it has seen all of that.
    assert "TimeoutStartSec=1h" in updates.service(profile()) and 2 * (GONE_SECONDS + 120 + ENGINE_SECONDS) < 3600


def test_one_engine_restart_is_no_failure(watch, health):
    made = watch()
    made.observe(1, health)
    restarting = replace(health, engine_state="restarting", restarts=1, frames=50)
    assert made.observe(122, restarting) is None
    assert made.observe(150, replace(health, restarts=1, frames=60)).word == GOOD
    made = watch()
    made.observe(1, health)
    assert made.observe(122, restarting) is None and made.observe(122 + ENGINE_SECONDS, restarting).word == TROUBLE


def test_a_device_that_loses_engines_with_any_model(watch, health):
    before = replace(health, model="/old/detector.tflite", restarts=40, started=0, time=1200)
    made = watch(before=before)
    made.observe(1, health)
    assert made.observe(60, replace(health, restarts=3)).word == TROUBLE
    made = watch(before=replace(before, time=1_200_000))
    made.observe(1, health)
    assert made.observe(60, replace(health, restarts=3)).word == BAD


def test_a_camera_that_is_busy_says_nothing_about_a_model(watch, health):
    """The runtime ends again and again, since it cannot open its camera."""
    made, starting = watch(), replace(health, source_state="starting")
    for pid in range(1, 50):
        assert made.observe(10 * pid, replace(starting, pid=pid)) is None
        assert made.observe(10 * pid + 5, None) is None
    verdict = made.observe(10 + 120 + GONE_SECONDS + 1, replace(starting, pid=50))
    assert verdict.word == OPEN and "the source is starting" in verdict.reason


def test_a_service_that_somebody_stopped_says_nothing(watch, health):
    made = watch()
    made.observe(1, health)
    assert made.observe(2, None, stopped=True).word == OPEN


def profile():
    pytest.importorskip("yaml")
    pytest.importorskip("pydantic")
    from devices.boards import catalogue

    return catalogue.find("raspberry-pi-zero-2-w")

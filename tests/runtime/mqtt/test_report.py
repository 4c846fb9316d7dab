"""The report of a device."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from runtime.common.command_parser import kit_version
from runtime.mqtt import reporter as reporting
from runtime.mqtt import versions
from runtime.mqtt.report import Agreement, Report
from runtime.mqtt.reporter import Reporter
from runtime.telemetry import release_status
from runtime.telemetry.comparison import release_of
from runtime.telemetry.health import sha256_of
from runtime.telemetry.release_status import ReleaseStatus
from runtime.telemetry.state import State
from tests.support.simulated_fleet import report


def test_a_report_is_read_as_it_was_written():
    said = report(3, release="2025.11", reload="no such file", source="reopening")
    assert Report.parse(said.text()) == said


def test_reports_of_newer_and_older_kits_are_read():
    said = report().as_dict()
    said["weather"] = "fine"
    said["counts"]["owls"] = 3
    said["versions"]["firmware"] = "9"
    del said["counts"]["gaps"]
    assert Report.parse(json.dumps(said)) == report(time=said["time"], started=said["started"])


@pytest.mark.parametrize("text", ["", "3", "[]", "{}", '{"time": 1}', report().text().replace('"fps": 9.5', '"fps": NaN')])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(ValueError, match=r"no report of a device|Expecting value|has no attribute|not subscriptable"):
        Report.parse(text)


def test_the_release_is_the_folder_beside_the_link_that_tells_which_one_runs(tmp_path):
    for name in ("41", "42"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "detector.tflite").touch()
    assert release_of(str(tmp_path / "42" / "detector.tflite")) == ""
    (tmp_path / "current").symlink_to("41")
    assert release_of(str(tmp_path / "42" / "detector.tflite")) == "42"
    assert release_of(str(tmp_path / "current" / "detector.tflite")) == "41"
    assert release_of("detector.tflite") == ""


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


def test_a_report_is_due_on_changes_and_periodically(tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(reporting, "time", clock)
    model = tmp_path / "detector.tflite"
    model.write_bytes(b"one")
    state = State(str(model))
    state.engine(name="cpu", package="numpy", state="running")
    reporter = Reporter(state, 30)
    first = reporter.due()
    assert (first.model, first.sha256, first.engine, first.source) == (
        "detector.tflite", sha256_of(model), "running", "starting",
    )  # fmt: skip
    assert first.versions.kit == kit_version() and first.versions.engine == "cpu"
    assert first.versions.interpreter == f"numpy {versions.package('numpy')}"
    state.frame_done((), {})
    assert reporter.due() is None, "counts can wait"
    state.source(state="running")
    assert reporter.due().source == "running"
    clock.now += 29
    assert reporter.due() is None
    clock.now += 1
    assert reporter.due().counts.frames == 1
    reporter.renew()
    assert reporter.due() is not None
    other = tmp_path / "other.tflite"
    other.write_bytes(b"two")
    state.reloaded(str(other), ())
    assert reporter.due().sha256 == sha256_of(other)
    state.reload_failed("it has other classes")
    assert reporter.due().reload == "it has other classes"


def test_the_version_of_a_package_that_is_not_there():
    assert versions.package("no-such-package") == ""


def test_news_of_a_report():
    said = report()
    assert replace(said, fps=1.0, time=0.0).news == said.news
    assert replace(said, engine="restarting").news != said.news


def test_the_agreement_of_a_second_model_is_told():
    shadow = Agreement("next.tflite", 10, 1, "", {"cat": (6, 1, 1), "dog": (3, 0, 1)})
    said = report(shadow=shadow)
    assert Report.parse(said.text()) == said and said.as_dict()["shadow"]["classes"] == {"cat": [6, 1, 1], "dog": [3, 0, 1]}
    assert shadow.share == 0.75 and Agreement("next.tflite").share is None
    assert "shadow" not in report().as_dict() and Report.parse(report().text()).shadow is None
    # Counts grow all the time; another model and an end are news.
    assert said.news == replace(said, shadow=replace(shadow, frames=11)).news
    assert said.news not in (report().news, replace(said, shadow=replace(shadow, error="lost")).news)


def test_why_a_camera_has_ended_is_told():
    state = State("detector.tflite")
    reporter = Reporter(state, 30)
    assert "source_error" not in reporter.due().as_dict()["health"]
    state.source(state="ended")
    assert reporter.due().source == "ended"
    state.source(error="b: given up")
    said = reporter.due()
    assert said.source_error == "b: given up" and Report.parse(said.text()) == said


@pytest.mark.parametrize("classes", [{"cat": 3}, {"cat": [1, 2]}, {"cat": ["x", 1, 2]}, 4, {"cat": [float("inf"), 0, 0]}])
def test_an_agreement_that_is_none_makes_no_report(classes):
    said = report().as_dict() | {"shadow": {"model": "next.tflite", "frames": 1, "classes": classes}}
    with pytest.raises(ValueError, match=r"no report of a device|invalid literal|could not convert|unpack"):
        Report.parse(json.dumps(said))


RELEASES = (ReleaseStatus("41", "refused", 1.0, "self-test"), ReleaseStatus("42", "held", 2.0, "", "40", 60.0, 3600.0, 9, 3, 4))


def test_what_has_become_of_releases_is_told():
    said = report(releases=RELEASES)
    assert Report.parse(said.text()) == said and RELEASES[1].share == 0.75
    assert "releases" not in report().as_dict()
    assert said.news == replace(said, releases=(RELEASES[0], replace(RELEASES[1], frames=10))).news
    assert said.news != replace(said, releases=RELEASES[:1]).news
    older = said.as_dict()
    older["releases"] = [{"release": "41", "state": "refused", "weather": "fine"}]
    assert Report.parse(json.dumps(older)).releases == (ReleaseStatus("41", "refused"),)
    for bad in (3, [3], [{"release": "41"}], [{"release": "41", "state": "held", "frames": 1e300}]):
        older["releases"] = bad
        with pytest.raises(ValueError, match=r"no report of a device|no time or count"):
            Report.parse(json.dumps(older))


def test_the_updaters_file_is_read_when_it_changes(tmp_path):
    model = tmp_path / "models" / "41" / "detector.tflite"
    model.parent.mkdir(parents=True)
    (model.parent.parent / "current").symlink_to("41")
    model.touch()
    reporter, path = Reporter(State(str(model)), 30), tmp_path / "update" / "releases.json"
    assert reporter.due().releases == ()
    release_status.write(path, RELEASES)
    assert reporter.due().releases == RELEASES and reporter.due() is None
    release_status.write(path, RELEASES)
    assert reporter.due() is None, "it was not written again"
    path.write_text("{")
    assert reporter.due().releases == ()
    path.unlink()
    assert reporter.due() is None
    assert release_status.path_beside(str(tmp_path / "detector.tflite")) is None

from __future__ import annotations

import shutil
import sqlite3

import pytest

import runtime.sinks
from runtime import run
from tests.support.examples import DETECTOR, run_example, video
from tests.support.paths import ROOT


@pytest.fixture
def clip(tmp_path):
    return video(tmp_path / "clip.avi", [{"red": (96, 48)}, {}, {"red": (96, 48), "blue": (192, 96)}])


def rows(path):
    return sqlite3.connect(path).execute("SELECT frame, label FROM detections ORDER BY frame, label").fetchall()


def test_each_detection_is_a_row(clip, tmp_path):
    run_example("own_sink", DETECTOR, clip, "--database", tmp_path / "found.db")
    assert rows(tmp_path / "found.db") == [(0, "red"), (2, "blue"), (2, "red")]


def test_a_file_that_cannot_be_written_is_named(clip, tmp_path):
    with pytest.raises(SystemExit, match=r"error: .*none/found\.db"):
        run_example("own_sink", DETECTOR, clip, "--database", tmp_path / "none/found.db")


def test_in_the_kits_folder_it_is_a_sink(clip, tmp_path, monkeypatch):
    (tmp_path / "sinks").mkdir()
    shutil.copy(ROOT / "examples/own_sink.py", tmp_path / "sinks/sqlite.py")
    monkeypatch.setattr(runtime.sinks, "__path__", [*runtime.sinks.__path__, str(tmp_path / "sinks")])
    for _ in run(file=DETECTOR, source=str(clip), out=[f"sqlite:{tmp_path / 'found.db'}"]):
        pass
    assert rows(tmp_path / "found.db") == [(0, "red"), (2, "blue"), (2, "red")]

"""What was compared of a release, from run to run."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from runtime.telemetry import kept_comparison
from runtime.telemetry.comparison import Comparison


@pytest.fixture
def made(tmp_path):
    """A comparison of the release `two` with `one`."""
    for name in ("one", "two"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "d.tflite").write_bytes(name.encode())
    (tmp_path / "models" / "current").symlink_to("one")
    model, against = (str(tmp_path / "models" / name / "d.tflite") for name in ("two", "one"))
    return Comparison("7f", model, "ab", against, 60.0, 9, 1, classes={"cat": (3, 1, 0)}, only_first=("dog",))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models" / "two"


def loaded(made):
    return kept_comparison.load(made.model, made.sha256, made.against)


def test_it_is_read_as_it_was_written(made, folder):
    assert loaded(made) is None
    kept_comparison.save(made)
    assert loaded(made) == made and sorted(path.name for path in folder.iterdir()) == ["comparison.json", "d.tflite"]
    kept_comparison.forget(folder)
    assert loaded(made) is None
    kept_comparison.forget(folder)


def test_one_of_other_models_does_not_count(made, folder):
    kept_comparison.save(made)
    shutil.copy(made.against, folder / "other")
    for other in ({"sha256": "cd"}, {"sha256": ""}, {"against": str(folder / "other")}, {"model": str(folder / "other")}):
        assert loaded(replace(made, **other)) is None, other
    os.utime(made.against, ns=(1, 1))
    assert loaded(made) is None, "another file has its name"


def test_one_that_is_over_does_not_come_back(made, folder):
    kept_comparison.forget_others(made)
    kept_comparison.save(made)
    kept_comparison.forget_others(replace(made, frames=99))
    assert loaded(made) == made
    kept_comparison.forget_others(replace(made, id="80"))
    assert not (folder / "comparison.json").exists()
    (folder / "comparison.json").write_text("{")
    kept_comparison.forget_others(made)
    assert not (folder / "comparison.json").exists()


@pytest.mark.parametrize("text", ["", "{", "3", "{}", '{"comparison": {}, "against": []}'])
def test_a_damaged_file_is_as_none(made, folder, text):
    (folder / "comparison.json").write_text(text)
    assert loaded(made) is None


def test_what_is_no_comparison_yet_or_no_more_is_not_kept(made, folder):
    for other in ({"frames": 0}, {"error": "lost"}):
        kept_comparison.save(replace(made, **other))
    assert not (folder / "comparison.json").exists()


def test_only_the_folder_of_a_release_is_written_to_and_it_is_never_made(made, folder, tmp_path):
    (tmp_path / "models" / "current").unlink()
    kept_comparison.save(made)
    assert [path.name for path in folder.iterdir()] == ["d.tflite"] and loaded(made) is None
    (tmp_path / "models" / "current").symlink_to("one")
    shutil.rmtree(folder)
    kept_comparison.save(made)
    assert not folder.exists()


def test_a_full_disk_leaves_what_was_kept(made, folder, monkeypatch):
    kept_comparison.save(made)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_comparison.os, "replace", fail)
    kept_comparison.save(replace(made, frames=99))
    assert loaded(made) == made and sorted(path.name for path in folder.iterdir()) == ["comparison.json", "d.tflite"]

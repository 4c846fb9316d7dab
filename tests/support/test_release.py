"""That the check of a release can fail, and reads what it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.release import contents, environments
from tests.support.release.__main__ import table
from tests.support.release.environments import Result
from tests.support.release.tools import Failed, run

PROJECT = {"tool": {"setuptools": {"packages": {"find": {"include": ["train*", "runtime*"]}}}}}
INFO = [f"kit-1.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "top_level.txt", "licenses/LICENSE")]
TRACKED = [*contents.NEEDED, "runtime/new/data.bin", "tests/test_a.py", "README.md"]
OURS = [name for name in TRACKED if name.startswith(("train/", "runtime/"))]


def faults(files, tracked=TRACKED, project=PROJECT):
    return [fault for fault in contents.faults_of_wheel(files, tracked, project) if not fault.endswith(" is needed")]


def test_a_wheel_of_the_packages_files():
    assert faults([*OURS, *INFO]) == []


@pytest.mark.parametrize("missing", ["runtime/new/data.bin", "train/models/ssd_mobilenet_v2_fpnlite.py"])
def test_a_wheel_without_a_file_of_a_package(missing):
    assert faults([name for name in [*OURS, *INFO] if name != missing]) == [f"{missing} is not in the wheel"]


@pytest.mark.parametrize("more", ["tests/test_a.py", "shared/a.jpg", "runtime/left_over.py", "build/lib/train/a.py"])
def test_a_wheel_with_more_than_that(more):
    assert faults([*OURS, *INFO, more]) == [f"{more} is in the wheel, but is no file of a package"]


def test_a_file_that_git_has_lost_as_well():
    needed = "train/warm_start/ckpt-0.index"
    found = contents.faults_of_wheel(
        [name for name in [*OURS, *INFO] if name != needed], [name for name in TRACKED if name != needed], PROJECT
    )
    assert f"{needed} is needed" in found


def test_a_module_that_is_put_at_a_second_place():
    again = {"py-modules": ["kit.__init__"], "package-dir": {"kit": "runtime/launcher"}}
    project = {"tool": {"setuptools": {**PROJECT["tool"]["setuptools"], **again}}}
    tracked = [*TRACKED, "runtime/launcher/__init__.py"]
    assert faults([*OURS, "runtime/launcher/__init__.py", "kit/__init__.py", *INFO], tracked, project) == []
    assert faults([*OURS, "runtime/launcher/__init__.py", *INFO], tracked, project) == ["kit/__init__.py is not in the wheel"]


def test_an_sdist_has_the_packages_and_what_builds_them():
    whole = [*OURS, "pyproject.toml", "PKG-INFO", "kit.egg-info/SOURCES.txt"]
    assert contents.faults_of_sdist(whole, TRACKED, PROJECT) == []
    assert contents.faults_of_sdist([*whole, "tests/test_a.py"], TRACKED, PROJECT) == ["tests/test_a.py is in the sdist"]
    assert contents.faults_of_sdist(whole[1:], TRACKED, PROJECT) == [f"{OURS[0]} is not in the sdist"]


def test_what_is_a_command():
    modules = ["runtime.__init__", "runtime.__main__", "runtime.bench.__main__", "runtime.bench.report", "train.compare"]
    assert environments.commands(modules) == ["runtime", "runtime.bench", "train.compare"]


def test_a_program_that_fails_says_what_it_printed(tmp_path):
    with pytest.raises(Failed, match=r"(?s)no such thing.*exit code 3"):
        run(["sh", "-c", "echo no such thing >&2; exit 3"], tmp_path)
    with pytest.raises(Failed, match="not done after"):
        run(["sleep", "60"], tmp_path, seconds=0.1)


def test_a_program_finds_nothing_by_the_checkouts_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    assert run(["sh", "-c", "echo [$PYTHONPATH]"], tmp_path) == "[]\n"


def test_the_table_tells_not_tried_from_not_here():
    results = [Result("runtime", "3.9", 5, 3), Result("train", "3.11", 60, 9, "it broke")]
    lines = table(results, ["runtime", "train"], ["3.9", "3.11", "3.13"], lambda version: version != "3.13").splitlines()
    assert [line.split("  ")[0] for line in lines] == ["extra", "runtime", "train"]
    assert "ok 5 + 3 s" in lines[1] and lines[2].count("no such Python") == 1
    assert "FAILED" in lines[2] and " -  " in lines[2]

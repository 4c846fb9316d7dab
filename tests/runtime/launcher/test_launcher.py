"""The kit is found, whatever else on the import path has its names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from runtime import launcher
from runtime.media import images
from tests.support import tiny_detector
from tests.support.paths import ROOT
from tests.support.shadowing import CODE, edk, installed, plant
from train import generate


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "folder"


def test_a_path_without_the_names_stays(folder):
    folder.mkdir()
    (folder / "trains.py").touch()
    before = [str(folder), *(entry for entry in sys.path if entry != str(ROOT)), str(ROOT)]
    assert launcher.kit_first(before) == before


@pytest.mark.parametrize("name", ["train.py", "convert.py", "runtime/__init__.py", "devices/__init__.py"])
def test_an_entry_with_a_name_of_the_kit_moves_behind_it(folder, name):
    (folder / name).parent.mkdir(parents=True)
    (folder / name).touch()
    before = ["/nowhere", str(folder), "/none", str(ROOT), "/behind"]
    assert launcher.kit_first(before) == ["/nowhere", "/none", str(ROOT), str(folder), "/behind"]


def test_a_zip_file_counts_as_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("train.py", CODE)
    path = str(tmp_path / "a.zip")
    assert launcher.kit_first([path, str(ROOT)]) == [str(ROOT), path]


def test_a_folder_that_is_no_package_stays(folder):
    (folder / "runtime").mkdir(parents=True)
    (folder / "runtime" / "model.py").touch()
    assert launcher.kit_first([str(folder), str(ROOT)]) == [str(folder), str(ROOT)]


def test_a_kit_that_is_not_on_the_path_comes_after_the_others(folder):
    plant(folder)
    assert launcher.kit_first(["/stdlib", str(folder), "/site"]) == ["/stdlib", "/site", str(ROOT), str(folder)]


def test_the_working_directory_counts_and_another_name_of_the_kits_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(plant(folder))
    assert launcher.kit_first(["", str(ROOT)]) == [str(ROOT), ""]
    (tmp_path / "link").symlink_to(ROOT)
    assert launcher.kit_first([str(folder), str(tmp_path / "link")]) == [str(ROOT), str(folder)]
    monkeypatch.chdir(ROOT)
    assert launcher.kit_first(["", str(folder)]) == [str(ROOT), str(folder)]


def test_a_working_directory_that_is_gone_has_no_names(folder, monkeypatch):
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert launcher.kit_first(["", str(ROOT)]) == ["", str(ROOT)]
    monkeypatch.chdir(ROOT)


def test_python_code_has_the_kit_in_a_folder_with_its_names(folder):
    command = launcher.python("from runtime.common import errors\nimport train\nprint(errors.__file__, sys.argv[1])")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [*command, "word"], cwd=plant(folder), env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [str(ROOT / "runtime" / "common" / "errors.py"), "word"], done.stderr


@pytest.mark.parametrize("before", ["", "."])
def test_a_detector_runs_in_a_folder_with_the_names(folder, before, installed):
    plant(folder)
    (folder / "tiny.tflite").write_bytes(tiny_detector.build())
    images.write(folder / "image.jpg", np.zeros((40, 80, 3), np.uint8))
    done = edk(
        installed, "run", "tiny.tflite", "--source", "image.jpg", "--json", "-", cwd=folder, before=before
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["detections"]) == 2


def test_processes_of_a_pool_find_the_kit(folder):
    plant(folder)
    assert generate.main([str(folder / "data"), "--images", "6", "--size", "80x64"]) == 0
    program = (
        "import runpy, sys\nfrom train.records import writing\nexecutor = writing.executor\n"
        "writing.cores, writing._BYTES_A_PROCESS = lambda: 2, 1\n"
        "writing.executor = lambda workers: print(workers, 'processes') or executor(workers)\n"
        "sys.argv[1:] = ['data', 'out']\n"
        "runpy.run_module('train.records', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run(launcher.python(program), cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("2 processes\n"), done.stderr
    assert done.returncode == 0 and "\nout: written; " in done.stderr, done.stderr


@pytest.mark.parametrize("verb", ["train", "convert", "devices"])
def test_each_package_is_the_kits(folder, verb, installed):
    done = edk(installed, verb, "--help", cwd=plant(folder), before=str(folder))
    assert done.returncode == 0 and done.stdout.startswith(f"usage: edk {verb} "), done.stderr


def test_an_installation_in_pieces_says_so(tmp_path, installed):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "edge_detection_kit").symlink_to(installed / "edge_detection_kit")
    done = edk(tmp_path / "site", "--version", cwd=tmp_path)
    assert done.returncode == 1 and "install edge-detection-kit again" in done.stderr.splitlines()[-1]

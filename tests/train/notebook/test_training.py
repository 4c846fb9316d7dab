"""The function `train`: what it refuses, and that one process trains one run after the other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.small_runs import small_run
from tests.support.voc_samples import data_set
from train import InputError, open_dataset, train
from train.notebook import job


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "data is needed"),
        ({"data": "x", "stepz": 3}, "stepz is no option"),
        ({"data": "x", "steps": "3"}, "steps cannot be '3'"),
        ({"data": "x", "steps": 0}, "must be at least 1"),
        ({"data": "x", "qat": "runs/a"}, "leave out data"),
        ({"resume": "runs/a", "out": "runs/b"}, "leave out out, qat and from_run"),
        ({"resume": "runs/a", "qat": "runs/b"}, "leave out out, qat and from_run"),
        ({"resume": "nowhere"}, "not a run"),
        ({"qat": "nowhere"}, "not a run"),
        ({"data": "nowhere"}, "no such data set"),
        ({"data": "x", "strategy": "multi_worker"}, "started by the command"),
    ],
)
def test_what_is_wrong_is_said_before_tensorflow_is_loaded(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("train.layers.tensorflow_setup.prepare", lambda: pytest.fail("TensorFlow was prepared"))
    with pytest.raises(InputError, match=message):
        train(**arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("begin", "with_it"), [("resume", "resumed"), ("qat", "tuned"), ("from_run", "continued")])
def test_options_for_another_run_are_judged_by_its_network(begin, with_it, monkeypatch):
    told = []

    def noted(*arguments):
        told.append(arguments[-1])
        raise InputError("enough")

    monkeypatch.setattr(job, with_it, noted)
    data = {"data": "x"} if begin == "from_run" else {}
    # The default network takes no 300, but SSD MobileNet v2 does; None is what is not given.
    for size in (300, None):
        with pytest.raises(InputError, match="enough"):
            train(**{begin: "runs/ssd"}, **data, size=size, tiles=None)
    assert told == [{"size": 300}, {}]


def test_a_resumed_run_takes_no_data_set_that_is_open(tmp_path):
    run = small_run(tmp_path / "run", data_set(tmp_path / "data", 4))
    with pytest.raises(InputError, match="takes the path of a data set"):
        train(run.dataset(), resume=run.path)


def test_importing_the_packages_imports_nothing_else_and_tensorflow_comes_with_training():
    code = (
        "import sys\n"
        "import train, convert, runtime\n"
        "assert not {'numpy', 'cv2', 'tqdm', 'yaml', 'PIL', 'tensorflow'} & set(sys.modules)\n"
        "from train import open_dataset, open_run, train\n"
        "from convert import convert, evaluate\n"
        "from runtime import Detector\n"
        "assert not {'tensorflow', 'tf_keras', 'official', 'keras'} & set(sys.modules)\n"
        "assert callable(train) and callable(convert) and callable(evaluate)\n"
        "import convert.evaluate, train.__main__\n"
        "assert callable(evaluate.main) and callable(train.train)\n"
        "assert {'train', 'open_dataset'} <= set(dir(train)) and 'evaluate' in dir(convert)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["train", "convert"])
def test_names_that_a_package_does_not_have_are_named(name):
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        __import__(name).nothing


def test_two_runs_after_each_other_of_two_sizes_silently_and_without_holding_the_first(tmp_path):
    # In a process of its own, as in a notebook: what TensorFlow logs depends on who loads it first.
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.notebook.two_runs", tmp_path], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

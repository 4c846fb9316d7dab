"""Conversions in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from convert.file import conversion
from convert.file.conversion import Job, converted
from convert.file.graph import Form, detector
from convert.file.kinds import FP16
from convert.file.postprocessing import Postprocessing
from runtime.common.errors import KitError
from runtime.model.tflite import Model
from tests.support import tiny_graph
from tests.support.paths import ROOT
from tests.support.shadowing import plant

OPTIONS = Postprocessing(detections=10)


class _Killed:
    """What kills the process that reads it from a pickle."""

    def __reduce__(self):
        return eval, ("__import__('os').kill(__import__('os').getpid(), 9)",)


class _Left:
    """The same, which ends the process with a code and a message."""

    def __reduce__(self):
        return sys.exit, ("no room left",)


def test_another_process_makes_the_same_bytes():
    graph = tiny_graph.graph()
    jobs = [Job(FP16, graph), Job(FP16, graph)]
    here = detector(graph, OPTIONS, Form(FP16))
    assert Model.parse(here).main.outputs
    assert converted(jobs, OPTIONS) == [here, here]


def test_one_file_is_made_in_this_process(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: pytest.fail("a process was started"))
    monkeypatch.setattr(conversion, "_convert", lambda job, postprocessing: b"made")
    assert converted([Job(FP16, None)], OPTIONS) == [b"made"]


def test_a_process_that_is_killed_is_told_so():
    with pytest.raises(KitError, match="killed by signal 9; memory may have run out"):
        converted([Job(FP16, _Killed()), Job(FP16, None)], OPTIONS)


def test_a_process_that_ends_is_told_with_its_last_words():
    with pytest.raises(KitError, match="exit code 1: no room left"):
        converted([Job(FP16, _Left()), Job(FP16, None)], OPTIONS)


def test_an_error_of_the_other_process_is_raised_here():
    broken = SimpleNamespace(size=(64, 64))
    with pytest.raises(AttributeError, match="has no attribute") as error:
        converted([Job(FP16, broken), Job(FP16, broken)], OPTIONS)
    assert "in _child" in "".join(error.value.__notes__)


def test_a_script_is_not_run_a_second_time(tmp_path):
    """One without a guard of __main__, in a folder with the kit's names, and one that comes from standard input."""
    script = (
        "print('once')\n"
        "from convert.file import conversion\n"
        "from convert.file.kinds import FP16\n"
        "from convert.file.postprocessing import Postprocessing\n"
        "try:\n"
        "    conversion.converted([conversion.Job(FP16, None)] * 2, Postprocessing())\n"
        "except AttributeError as error:\n"
        "    print(error)\n"
    )
    (tmp_path / "script.py").write_text(script)
    shadowed = plant(tmp_path / "shadowed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words, given, folder in ((["../script.py"], None, shadowed), (["-"], script, tmp_path)):
        done = subprocess.run(
            [sys.executable, *words], input=given, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.splitlines() == ["once", "'NoneType' object has no attribute 'head'"], done.stderr

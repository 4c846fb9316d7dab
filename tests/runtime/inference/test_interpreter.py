from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime.inference.interpreter import Interpreter
from tests.support import tiny_detector


class Echo:
    """Stands in for the native interpreter: its outputs are its input. `during` is called while the model runs."""

    def __init__(self):
        self.during = lambda: None

    def set_tensor(self, index, tensor):
        self.tensor = tensor

    def invoke(self):
        self.during()

    def get_tensor(self, index):
        return self.tensor.copy()


@pytest.fixture
def echo(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build())
    interpreter = Interpreter(path)
    interpreter._native = Echo()
    return interpreter


def test_a_thread_gets_the_outputs_of_its_own_input(echo):
    results = {}

    def run(number):
        results[number] = echo.invoke(np.full(1, number))[0]

    other = threading.Thread(target=run, args=(2,))

    def begin_the_other():
        echo._native.during = lambda: None
        other.start()
        # It cannot end before this run does, so that the wait is as long as it may be.
        other.join(0.05)

    echo._native.during = begin_the_other
    run(1)
    other.join()
    assert results == {1: 1, 2: 2}


def test_a_failed_run_leaves_the_model_to_others(echo):
    def fail():
        raise RuntimeError("no memory")

    echo._native.during = fail
    with pytest.raises(Exception, match="no memory"):
        echo.invoke(np.zeros(1))
    echo._native.during = lambda: None
    assert echo.invoke(np.ones(1))[0] == 1

"""Training processes for tests to kill, forked from a server process that has imported everything already.

Run as a program, this file is the server. It reads JSON objects from standard input, one per line, and answers
each with a number. {"start": FUNCTION, "arguments": [...], "log": FILE, "environment": {...}} starts a process and
gives its id; {"wait": PID} gives the exit code of a process, or minus the signal that ended it. FUNCTION is the
"module:name" of a function that takes the arguments. TensorFlow runs eagerly there, since tracing would take
longer than a few steps.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT


class Starter:
    """Starts processes, waits for them, and kills them."""

    def __init__(self, process: subprocess.Popen):
        self._process = process
        self._running: set[int] = set()

    def start(self, arguments: list[str], log: Path, function: str = "train.__main__:main", **environment: str) -> int:
        """Starts a process that runs `function(arguments)` with its output in `log`; returns its id."""
        self._send({"start": function, "arguments": arguments, "log": str(log), "environment": environment})
        pid = self._answer()
        self._running.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        """The exit code of a process, or minus the signal that ended it."""
        self._send({"wait": pid})
        code = self._answer()
        self._running.discard(pid)
        return code

    def kill(self, pid: int) -> int:
        """Kills a process with SIGKILL; returns as `wait` does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def kill_all(self) -> None:
        """Kills all processes that still run."""
        for pid in list(self._running):
            self.kill(pid)

    def _send(self, task: dict) -> None:
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> int:
        return int(self._process.stdout.readline())


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """The server process of the session: its imports take seconds."""
    command = [sys.executable, "-m", "tests.support.training_processes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        started = Starter(process)
        try:
            yield started
        finally:
            started.kill_all()
            process.stdin.close()


def _serve() -> None:
    from train.layers import tensorflow_setup

    tensorflow_setup.prepare()
    import tensorflow as tf

    import train.training.training

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    for line in sys.stdin:
        task = json.loads(line)
        if "wait" in task:
            answer = os.waitstatus_to_exitcode(os.waitpid(task["wait"], 0)[1])
        elif not (answer := os.fork()):
            log = os.open(task["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(log, sys.stdout.fileno())
            os.dup2(log, sys.stderr.fileno())
            os.environ.update(task["environment"])
            tf.config.run_functions_eagerly(True)
            _call(task["start"], task["arguments"])
        print(answer, file=answers, flush=True)


def _call(function: str, arguments: list[str]) -> None:
    from runtime.common.command import exit_code

    module, name = function.split(":")
    code = exit_code(getattr(importlib.import_module(module), name), arguments)
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()

"""Calls that may hang or crash, without taking the caller with them."""

from __future__ import annotations

import faulthandler
import json
import os
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Optional


@dataclass(frozen=True)
class Result:
    """`value` is what the call gave; None where it did not end well, which `problem` then says."""

    value: Any = None
    problem: str = ""


def call(function: Callable[[], Any], seconds: float) -> Result:
    """What `function` gives, something that JSON can hold, from a process of its own.

    After `seconds` that process is ended, with all that it has started. A process that not even the
    system can end (a driver that hangs) is left behind. What it writes to the terminal goes nowhere.
    Where a system has no `fork`, it runs in a thread, which is left behind when it hangs.
    """
    return _in_process(function, seconds) if hasattr(os, "fork") else _in_thread(function, seconds)


def _in_process(function: Callable[[], Any], seconds: float) -> Result:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(function, writer)
    os.close(writer)
    try:
        data = _read(reader, time.monotonic() + seconds)
        if data is None:
            _end(child)
            return Result(problem=f"gave no answer for {seconds:g} s")
        status = os.waitpid(child, 0)[1]
    except BaseException:
        # Ctrl-C is for both.
        _end(child)
        raise
    finally:
        os.close(reader)
    if not data:
        return Result(problem=_epitaph(status))
    return Result(**json.loads(data))


def _work(function: Callable[[], Any], writer: int) -> None:
    """The child's whole life. It leaves without what the parent has to do at its end."""
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        # It would write about a crash where the parent writes.
        faulthandler.disable()
        # Python's own may lead elsewhere, and hold what the parent has not yet written.
        sys.stdout = sys.stderr = open(os.devnull, "w")
        answer = _answer(function)
        data = json.dumps(answer).encode("utf-8")
        while data:
            data = data[os.write(writer, data) :]
    finally:
        os._exit(0)


def _answer(function: Callable[[], Any]) -> dict:
    try:
        return {"value": function()}
    except Exception as error:
        return {"problem": f"{type(error).__name__}: {' '.join(str(error).split())}"}


def _read(reader: int, deadline: float) -> Optional[bytes]:
    """All that comes until the other side closes; None where the deadline is first."""
    data = b""
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        more = os.read(reader, 65536)
        if not more:
            return data
        data += more


def _end(child: int) -> None:
    for kill in (lambda: os.killpg(child, signal.SIGKILL), lambda: os.kill(child, signal.SIGKILL)):
        try:
            kill()
        except OSError:
            # It has ended, or has not yet become the first of a group.
            pass
    for _ in range(20):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.05)


def _epitaph(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"crashed ({signal.Signals(os.WTERMSIG(status)).name})"
    return "ended without an answer"


def _in_thread(function: Callable[[], Any], seconds: float) -> Result:
    answers = []
    thread = threading.Thread(target=lambda: answers.append(_answer(function)), daemon=True)
    thread.start()
    thread.join(seconds)
    return Result(**answers[0]) if answers else Result(problem=f"gave no answer for {seconds:g} s")

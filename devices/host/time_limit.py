"""Calls functions that may hang or crash, with a timeout, without taking the caller along."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional


@dataclass(frozen=True)
class Result:
    """`value` is what the function returned; where it failed, `problem` says how, and `value` is None."""

    value: Any = None
    problem: str = ""


def call_with_timeout(function: Callable[[], Any], seconds: float) -> Result:
    """Calls `function` in a process of its own; it must return something that JSON can hold.

    After `seconds` that process and all that it has started are killed. A process that cannot be killed, because it
    hangs in a driver, is left behind. Its output is discarded. Where the system has no `fork`, the function runs in
    a thread, which is left behind when it hangs.
    """
    return _in_process(function, seconds) if hasattr(os, "fork") else _in_thread(function, seconds)


def _in_process(function: Callable[[], Any], seconds: float) -> Result:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run_in_child(function, writer)
    os.close(writer)
    try:
        data = _read(reader, time.monotonic() + seconds)
        if data is None:
            _kill(child)
            return Result(problem=f"gave no answer for {seconds:g} s")
        status = os.waitpid(child, 0)[1]
    except BaseException:
        # Ctrl-C ends the child as well.
        _kill(child)
        raise
    finally:
        os.close(reader)
    if not data:
        return Result(problem=_exit_reason(status))
    return Result(**json.loads(data))


def _run_in_child(function: Callable[[], Any], writer: int) -> None:
    """The whole run of the child process, which exits without the parent's exit handlers."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        # It would report a crash where the parent writes.
        faulthandler.disable()
        # Python's own streams may lead elsewhere, and may hold what the parent has not flushed yet.
        sys.stdout = sys.stderr = os.fdopen(null, "w")
        answer = _answer(function)
        data = json.dumps(answer).encode("utf-8")
        while data:
            data = data[os.write(writer, data) :]
    finally:
        os._exit(0)


def _answer(function: Callable[[], Any]) -> Dict[str, Any]:
    try:
        return {"value": function()}
    except Exception as error:
        return {"problem": f"{type(error).__name__}: {' '.join(str(error).split())}"}


def _read(reader: int, deadline: float) -> Optional[bytes]:
    """Reads until the other side closes; None where the deadline comes first."""
    data = b""
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        more = os.read(reader, 65536)
        if not more:
            return data
        data += more


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):
        # The child may have ended already, or may not lead a process group yet.
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    for _ in range(20):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.05)


def _exit_reason(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"crashed ({signal.Signals(os.WTERMSIG(status)).name})"
    return "ended without an answer"


def _in_thread(function: Callable[[], Any], seconds: float) -> Result:
    answers: List[Dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(_answer(function)), daemon=True)
    thread.start()
    thread.join(seconds)
    return Result(**answers[0]) if answers else Result(problem=f"gave no answer for {seconds:g} s")

"""Starts the processes that engines run in: one of them before it is known what it will run.

Loading NumPy, OpenCV and the interpreter is most of the time until the first detection. A process that
is started ahead of all that loads its own part while this one loads the rest. So this module imports
nothing large, and neither does whoever calls `ahead`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Iterator, Optional

_RAM = "/dev/shm"


@dataclass(frozen=True)
class Launched:
    """A process that waits for its task on standard input. `memory` is the file for its tensors (see
    `engine_memory`), `life` a pipe that ends the process when it is closed; None on Windows.
    """

    process: subprocess.Popen
    memory: IO[bytes]
    life: Optional[IO[bytes]]


_spare: Optional[Launched] = None


def launch(memory: IO[bytes]) -> Launched:
    """Starts `runtime.inference.process.child` with `memory`, an open file."""
    descriptors, life, theirs = [memory.fileno()], None, None
    if os.name == "posix":
        theirs, ours = os.pipe()
        life = open(ours, "wb", buffering=0)
        descriptors.append(theirs)
    # The child must find the kit, whatever way this process has found it.
    home = str(Path(__file__).resolve().parents[3])
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([home, known] if known else [home])}
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime.inference.process.child", json.dumps([memory.fileno(), theirs])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=descriptors,
        env=environment,
        bufsize=0,
        # Ctrl-C is for this process alone, which has frames to finish.
        start_new_session=True,
    )
    if theirs is not None:
        os.close(theirs)
    return Launched(process, memory, life)


def nameless_file() -> IO[bytes]:
    """A file for the tensors: in memory where there is a place for that, and without a name."""
    return tempfile.TemporaryFile(dir=_RAM if os.path.isdir(_RAM) else None)


@contextlib.contextmanager
def ahead() -> Iterator[None]:
    """While this is open, a process is there for whoever is first to `take` it."""
    global _spare
    # The process inherits open files by number, which Windows does not know.
    if os.name == "posix" and _spare is None:
        _spare = launch(nameless_file())
    try:
        yield
    finally:
        drop()


def take() -> Launched:
    """The process that was started ahead, or else a new one."""
    global _spare
    found, _spare = _spare, None
    return found or launch(nameless_file())


def drop() -> None:
    """Ends the process that was started ahead, where nobody has taken it."""
    global _spare
    found, _spare = _spare, None
    if found is not None:
        end(found)
        found.memory.close()


def end(launched: Launched) -> None:
    """Ends the process; its memory stays. Nothing happens the second time."""
    process = launched.process
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, launched.life):
        if stream is not None:
            stream.close()

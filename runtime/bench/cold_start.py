"""Cold start and memory of `python -m runtime`, measured from outside the process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from runtime import launcher
from runtime.common.errors import KitError

# Seconds between two readings of the resident memory.
_INTERVAL = 0.05

# What `python -m runtime` does, which would look for it in the working directory first.
_COMMAND = "import runpy; runpy.run_module('runtime', run_name='__main__', alter_sys=True)"


@dataclass(frozen=True)
class ColdStart:
    """The time until the first detection, and the peak memory, of one run of the command.

    `first_s` is the seconds from starting the command to its first line of JSON. `memory_mb` is the peak resident
    memory of all its `processes` together, in megabytes of 2**20 bytes; memory that processes share counts once for
    each. Both are 0 where the system has no /proc.
    """

    first_s: float
    memory_mb: float
    processes: int


def measure(arguments: Sequence[str]) -> ColdStart:
    """Runs `python -m runtime` with `arguments`, which must make it write JSON to standard output.

    Raises KitError where the command fails.
    """
    first: Optional[float] = None
    begin = time.perf_counter()
    with subprocess.Popen(
        [*launcher.python(_COMMAND), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        errors = process.stderr
        peak = _Peak()
        messages: List[str] = []
        watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
        reader = threading.Thread(target=lambda: messages.append(errors.read()), daemon=True)
        watcher.start()
        reader.start()
        for _ in process.stdout:
            if first is None:
                first = time.perf_counter() - begin
        process.wait()
        watcher.join()
        reader.join()
    if process.returncode or first is None:
        lines = messages[0].strip().splitlines() or ["no message"]
        raise KitError(f"python -m runtime {' '.join(arguments)}: {lines[-1]}")
    return ColdStart(first, peak.memory_mb, peak.processes)


def resident(pid: int) -> Tuple[float, int]:
    """The resident memory of a process and its descendants in megabytes (2**20), and the number of processes."""
    pids = [pid]
    for found in pids:
        pids += children(found)
    sizes = [_resident(found) for found in pids]
    return sum(sizes), sum(1 for size in sizes if size)


@dataclass
class _Peak:
    memory_mb: float = 0.0
    processes: int = 0


def _watch(process: subprocess.Popen[str], peak: _Peak) -> None:
    while process.poll() is None:
        size, count = resident(process.pid)
        if size > peak.memory_mb:
            peak.memory_mb, peak.processes = size, count
        time.sleep(_INTERVAL)


def children(pid: int) -> List[int]:
    """The processes that `pid` has started and that are still there."""
    found: List[int] = []
    # The process, or one of its threads, may end in the meantime.
    with contextlib.suppress(OSError):
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(number) for number in listed.read_text().split()]
    return found


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

"""Runs `python -m runtime` as a user does, and watches it from outside: cold start and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from runtime.common.errors import KitError

_TICK = 0.05


@dataclass(frozen=True)
class Trial:
    """`first_s` is from the start of the command to its first line of JSON. `memory_mb` is the most
    that was resident at a time, all of its `processes` together; 0 where the system does not say.
    What processes share counts in each of them.
    """

    first_s: float
    memory_mb: float
    processes: int


def trial(words: Sequence[str]) -> Trial:
    """`words` follow `python -m runtime`; they must make it write JSON to standard output.

    Raises KitError where the command fails.
    """
    home = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([home, known] if known else [home])}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    most = [0.0, 0]
    errors: List[str] = []
    watcher = threading.Thread(target=_watch, args=(process, most), daemon=True)
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    watcher.start()
    reader.start()
    first: Optional[float] = None
    for _ in process.stdout:
        if first is None:
            first = time.perf_counter() - begin
    process.wait()
    watcher.join()
    reader.join()
    if process.returncode or first is None:
        said = errors[0].strip().splitlines() or ["no message"]
        raise KitError(f"python -m runtime {' '.join(words)}: {said[-1]}")
    return Trial(first, most[0], most[1])


def resident(pid: int) -> Tuple[float, int]:
    """Megabytes (2**20) that a process and those under it have resident, and how many they are."""
    pids = [pid]
    for found in pids:
        pids += _children(found)
    sizes = [_resident(found) for found in pids]
    return sum(sizes), sum(1 for size in sizes if size)


def _watch(process: subprocess.Popen, most: list) -> None:
    while process.poll() is None:
        size, count = resident(process.pid)
        if size > most[0]:
            most[:] = [size, count]
        time.sleep(_TICK)


def _children(pid: int) -> List[int]:
    found: List[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(number) for number in listed.read_text().split()]
        except OSError:
            # It has ended since.
            continue
    return found


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

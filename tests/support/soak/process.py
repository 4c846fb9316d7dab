"""The command in its own process, with a clock that can be set, observed from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from runtime.bench import cold_start
from tests.support.paths import ROOT
from tests.support.soak.clock import Clock

# The command with the camera for soaks; at the end it writes the run's state to a file.
_COMMAND = """
import json, resource, sys
from pathlib import Path
import runtime.sources
sources, final, stalled, files = sys.argv[1:5]
del sys.argv[1:5]
resource.setrlimit(resource.RLIMIT_NOFILE, (int(files), int(files)))
runtime.sources.__path__.append(sources)
from runtime.__main__ import main
from runtime.common.command import run
from runtime.cameras import session as cameras
from runtime.pipeline import capture, session

first = capture.Capture.__init__
first.__defaults__ = (*first.__defaults__[:-1], float(stalled))
states = []

def noted(detect):
    def detect_and_note(options, use):
        try:
            return detect(options, use=lambda state: (states.append(state), use(state)))
        finally:
            Path(final).write_text(json.dumps(states[0].snapshot()))
    return detect_and_note

session.detect, cameras.detect_all = noted(session.detect), noted(cameras.detect_all)
run(main, leaves_threads=True)
"""


@dataclass(frozen=True)
class Sample:
    """The processes at one time: resident megabytes of the run's own and of the others, descriptors and threads."""

    second: float
    frame: int
    own: float
    others: float
    files: int
    threads: int
    zombies: int


class Process:
    """`python -m runtime` with `words`; `stalled` is the seconds after which a camera counts as hung."""

    def __init__(self, folder: Path, words: Sequence[str], stalled: float, files: int = 1024) -> None:
        self._folder = folder
        self.final = folder / "final.json"
        self._given = folder / "given"
        self.clock = Clock(folder)
        self._errors = folder / "errors"
        with self._errors.open("w") as errors:
            self.popen = subprocess.Popen(
                [
                    sys.executable, "-c", _COMMAND, str(ROOT / "tests" / "soak_sources"), str(self.final), str(stalled),
                    str(files), *words,
                ],
                cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **self.clock.environment}, stdout=subprocess.DEVNULL,
                stderr=errors,
            )  # fmt: skip

    @property
    def given(self) -> int:
        """The number of frames that the camera has delivered."""
        return delivered(self._given)

    @property
    def errors(self) -> str:
        """What the command has printed on standard error."""
        return self._errors.read_text()

    def engines(self) -> List[int]:
        """The processes of the engines of the model that counts, the oldest first."""
        return [pid for pid in self._engines() if not _stands_back(pid)]

    def shadows(self) -> List[int]:
        """The processes of the engines of a second model, the oldest first."""
        return [pid for pid in self._engines() if _stands_back(pid)]

    def _engines(self) -> List[int]:
        return [pid for pid in sorted(cold_start.children(self.popen.pid)) if "inference.process import child" in _command(pid)]

    def signal_engine(self, number: signal.Signals) -> bool:
        """Sends a signal to the oldest engine; False where there is none."""
        for pid in self.engines()[:1]:
            os.kill(pid, number)
            return True
        return False

    def health(self) -> Optional[Dict[str, Any]]:
        """The content of the health file; None where there is none."""
        try:
            found: Dict[str, Any] = json.loads((self._folder / "health.json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def sample(self, second: float) -> Optional[Sample]:
        """The processes now; None where they have ended."""
        pid = self.popen.pid
        try:
            children = cold_start.children(pid)
            return Sample(
                second, self.given, _resident(pid), sum(map(_resident, children)), len(os.listdir(f"/proc/{pid}/fd")),
                len(os.listdir(f"/proc/{pid}/task")), sum(_is_zombie(child) for child in children),
            )  # fmt: skip
        except OSError:
            return None


def delivered(path: Path) -> int:
    """The number of frames in a file `given` of `tests/soak_sources/unsteady.py`; 0 where there is none yet."""
    try:
        return int.from_bytes(path.read_bytes(), "little")
    except OSError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _stands_back(pid: int) -> bool:
    """Whether a process gets only the time that nothing else wants, as `stand_back` asks for."""
    try:
        return os.getpriority(os.PRIO_PROCESS, pid) == 19
    except OSError:
        return False


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, IndexError):
        return 0.0


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False

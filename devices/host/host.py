"""A host: the files of a machine and the output of its commands, of this machine or recorded on another.

Code that reads `/proc`, `/sys` or `/etc`, or runs programs such as `vcgencmd`, does so through a `Host`. A recorded
host is a folder with the machine's files under their own paths, and in `commands/` what its programs printed:
`commands/vcgencmd_get_throttled` for `vcgencmd get_throttled`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Union

COMMANDS = "commands"

# How long a command may take; one that asks a driver that hangs would wait for ever.
COMMAND_SECONDS = 5.0


@dataclass(frozen=True)
class Output:
    """What a program printed to standard output and standard error together; `code` is its exit code."""

    text: str
    code: int = 0


@dataclass(frozen=True)
class Host:
    """A machine, by the folder `path` that holds its root."""

    path: Path = Path("/")

    @property
    def live(self) -> bool:
        """Whether it is the machine that this runs on, and not a recorded one."""
        return self.path == Path("/")

    def at(self, name: Union[str, os.PathLike[str]]) -> Path:
        """The path from here of a file that the machine calls `name` (`/etc/os-release`)."""
        return self.path / os.fspath(name).lstrip("/")

    def own(self, path: Union[str, os.PathLike[str]]) -> str:
        """What the machine itself calls `path`, which `at` or `glob` gave."""
        return "/" + Path(path).relative_to(self.path).as_posix()

    def exists(self, name: str) -> bool:
        """Whether the machine has a file or folder `name`."""
        return self.at(name).exists()

    def text(self, name: Union[str, os.PathLike[str]]) -> str:
        """The text of a file, stripped; empty where it is missing or cannot be read.

        Zero bytes, which end the texts of a device tree, become spaces.
        """
        try:
            data = self.at(name).read_bytes()
        except OSError:
            return ""
        return data.replace(b"\0", b" ").decode("utf-8", errors="replace").strip()

    def number(self, name: Union[str, os.PathLike[str]]) -> Optional[int]:
        """The whole number at the start of a file; None where there is none."""
        match = re.match(r"-?\d+", self.text(name))
        return int(match.group()) if match else None

    def glob(self, pattern: str) -> List[Path]:
        """The files that match a pattern below the machine's root, sorted by name.

        `own` turns one of them into a name for `text`, `number` and `exists`.
        """
        return sorted(self.path.glob(pattern.lstrip("/")))

    def command(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> Optional[Output]:
        """Runs a program of the machine, or reads its recorded output; None where the machine has no such program.

        A program that runs for longer than `seconds` is ended and gets the exit code 124, as timeout(1) does it.
        Recorded output has the exit code 0.
        """
        if not self.live:
            recorded = self.at(f"{COMMANDS}/{recorded_name(arguments)}")
            return Output(recorded.read_text(encoding="utf-8")) if recorded.is_file() else None
        if shutil.which(arguments[0]) is None:
            return None
        try:
            done = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            return Output(f"{arguments[0]} gave no answer for {seconds:g} s", 124)
        except OSError as error:
            return Output(f"{arguments[0]} cannot be run: {error.strerror}", 126)
        return Output(done.stdout.decode("utf-8", errors="replace"), done.returncode)


def recorded_name(arguments: Sequence[str]) -> str:
    """The name of the file in `commands/` with the output of a command: its words, joined by `_`."""
    return re.sub(r"[^\w.-]+", "_", " ".join(arguments)).strip("_")

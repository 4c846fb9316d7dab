"""A machine's files and the output of its commands: of this machine, or as they were recorded on another.

What is asked of `/proc`, `/sys`, `/etc` and of programs such as `vcgencmd` goes through a `Root`. A
recorded one is a folder with the machine's files under their own paths, and in `commands/` what its
programs printed: `commands/vcgencmd_get_throttled` for `vcgencmd get_throttled`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Union

COMMANDS = "commands"

# Programs that ask a camera or a driver may wait for ever for one that hangs.
COMMAND_SECONDS = 5.0


@dataclass(frozen=True)
class Output:
    """What a program printed, standard error after standard output; `code` is its exit code."""

    text: str
    code: int = 0


@dataclass(frozen=True)
class Root:
    """Where a machine's files begin. `live` is true for the machine that this runs on."""

    path: Path = Path("/")

    @property
    def live(self) -> bool:
        return self.path == Path("/")

    def at(self, name: Union[str, os.PathLike]) -> Path:
        """Where the machine's file `name` (`/etc/os-release`) lies for us."""
        return self.path / os.fspath(name).lstrip("/")

    def own(self, path: Union[str, os.PathLike]) -> str:
        """What the machine itself calls a path that `at` or `glob` gave."""
        return "/" + Path(path).relative_to(self.path).as_posix()

    def exists(self, name: str) -> bool:
        return self.at(name).exists()

    def text(self, name: Union[str, os.PathLike]) -> str:
        """The text of a file, without the zero byte that ends the device tree's, and stripped; empty where
        there is none or it cannot be read.
        """
        try:
            data = self.at(name).read_bytes()
        except OSError:
            return ""
        return data.replace(b"\0", b" ").decode("utf-8", errors="replace").strip()

    def number(self, name: Union[str, os.PathLike]) -> Optional[int]:
        """The whole number in a file; None where there is none."""
        match = re.match(r"-?\d+", self.text(name))
        return int(match.group()) if match else None

    def glob(self, pattern: str) -> List[Path]:
        """What lies there by a pattern from the machine's root, in the order of its names: `text` and
        `exists` take `own(path)` of it.
        """
        return sorted(self.path.glob(pattern.lstrip("/")))

    def command(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> Optional[Output]:
        """What a program of the machine says; None where it has no such program.

        One that has not ended after `seconds` is ended, and has said so with the exit code 124, as
        timeout(1) has it. The recorded output of a program has the exit code 0.
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


def recorded_name(arguments: Union[List[str], tuple]) -> str:
    """The file in `commands/` that holds what a program printed: its words, joined by `_`."""
    return re.sub(r"[^\w.-]+", "_", " ".join(arguments)).strip("_")

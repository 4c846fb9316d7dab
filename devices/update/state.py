"""What the updater remembers from run to run: one small file, replaced whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from devices.host import fsync_files
from runtime.common.errors import KitError

NAME = "state.json"
FORMAT = 1


@dataclass(frozen=True)
class Trial:
    """A release that runs, and has to show that it does. `previous` is what to return to, empty where
    there was nothing; `since` in seconds since 1970; `begun` counts how often the trial was begun, since power
    cuts and restarts end it; `watched` says whether a runtime was there to take the release over.
    """

    release: str
    previous: str
    since: float
    begun: int = 0
    watched: bool = False


@dataclass(frozen=True)
class Memory:
    """`last_good` is the release that has shown that it works; `refused` are those that failed here, with
    the reason. `checked` is when the repository was last read, `offered` what it had for this device.
    """

    last_good: str = ""
    trial: Optional[Trial] = None
    refused: Mapping[str, str] = field(default_factory=dict)
    checked: float = 0.0
    offered: str = ""
    repository: str = ""

    @classmethod
    def read(cls, folder: Path) -> Memory:
        """That in `folder`; an empty one where there is none. Raises KitError for what is none."""
        path = folder / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                raise ValueError("it was written by another version of the kit")
            trial = content.pop("trial")
            return cls(trial=Trial(**trial) if trial else None, **content)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KitError(f"{path}: cannot be read: {error}; remove it, the models stay") from error

    def write(self, folder: Path) -> None:
        """Whole and on the disk when this returns."""
        content: Dict[str, Any] = {"format": FORMAT, **asdict(self)}
        fsync_files.write(folder / NAME, (json.dumps(content, indent=1) + "\n").encode())

"""The state that the updater keeps from run to run: one small file, always replaced as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Mapping, Optional

from devices.host import fsync_files
from runtime.common.errors import KitError

NAME = "state.json"
FORMAT = 1


@dataclass(frozen=True)
class Probation:
    """A release that runs and still has to show that it works.

    `previous` is the release to return to, empty where there was none; `since` is in seconds since 1970. `begun`
    counts how often the probation was begun, since power cuts and restarts interrupt it. `watched` says whether a
    runtime was there to load the release.
    """

    release: str
    previous: str
    since: float
    begun: int = 0
    watched: bool = False


@dataclass(frozen=True)
class UpdaterState:
    """What the updater knows of this device.

    `last_good` is the newest release that has passed its probation; `refused` are the releases that failed here, with
    the reason. `checked` is when the repository was last read, in seconds since 1970, and `offered` the release that
    it then had for this device.
    """

    last_good: str = ""
    # Called "trial" in the file, as FORMAT 1 has it.
    probation: Optional[Probation] = None
    refused: Mapping[str, str] = field(default_factory=dict)
    checked: float = 0.0
    offered: str = ""
    repository: str = ""

    @classmethod
    def read(cls, folder: Path) -> UpdaterState:
        """Reads the state in `folder`; an empty one where there is none. Raises KitError for a damaged file."""
        path = folder / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                raise ValueError("it was written by another version of the kit")
            probation = content.pop("trial")
            return cls(probation=Probation(**probation) if probation else None, **content)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KitError(f"{path}: cannot be read: {error}; remove it, the models stay") from error

    def write(self, folder: Path) -> None:
        """Writes the state into `folder`; it is whole and on the disk when this returns."""
        fields = {"trial" if name == "probation" else name: value for name, value in asdict(self).items()}
        fsync_files.write(folder / NAME, (json.dumps({"format": FORMAT, **fields}, indent=1) + "\n").encode())

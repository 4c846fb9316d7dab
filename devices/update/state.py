"""The state that the updater keeps from run to run: one small file, always replaced as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Container, Dict, Mapping, Optional

from devices.host import fsync_files
from devices.update.verdicts.hold import Hold
from runtime.common.errors import InputError, KitError

NAME = "state.json"
FORMAT = 1

# The pause after the first failure of a release that may pass, and the longest, in seconds. The timer starts the
# updater once a day.
FIRST_PAUSE = 3600.0
LONGEST_PAUSE = 7 * 86400.0


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
class Postponed:
    """A release that failed here for a cause that may pass, such as too little memory.

    `times` counts the failures in a row, `since` is the time of the last one, in seconds since 1970, and `reason`
    describes it.
    """

    times: int
    since: float
    reason: str

    @property
    def until(self) -> float:
        """When the release may be tried again, in seconds since 1970: the pause doubles with each failure."""
        return self.since + min(FIRST_PAUSE * 2.0 ** min(self.times - 1, 16), LONGEST_PAUSE)

    def waits(self, now: float) -> bool:
        """Whether the release still has to wait at `now`; not where the clock was set back before the failure."""
        return self.since <= now < self.until


@dataclass(frozen=True)
class UpdaterState:
    """What the updater knows of this device.

    `last_good` is the newest release that has passed its probation; `refused` are the releases that failed here by a
    fault of their own, with the reason, `postponed` those that failed for another cause, and `withdrawn` those that the
    publisher has withdrawn, with the reason. `checked` is when the repository was last read, in seconds since 1970, and
    `offered` the release that it then had for this device. `hold` is the release that is or was last held back.
    """

    last_good: str = ""
    # Called "trial" in the file, as FORMAT 1 has it.
    probation: Optional[Probation] = None
    refused: Mapping[str, str] = field(default_factory=dict)
    checked: float = 0.0
    offered: str = ""
    repository: str = ""
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    postponed: Mapping[str, Postponed] = field(default_factory=dict)
    hold: Optional[Hold] = None

    @property
    def failed(self) -> Mapping[str, str]:
        """All releases that failed here, with the reason."""
        return {**{name: found.reason for name, found in self.postponed.items()}, **self.refused}

    def blocked(self, now: float) -> Container[str]:
        """The releases that are not to be installed at `now`."""
        return {*self.refused, *(name for name, found in self.postponed.items() if found.waits(now))}

    def postponed_but(self, name: str) -> Mapping[str, Postponed]:
        """What is postponed, without the release `name`."""
        return {other: found for other, found in self.postponed.items() if other != name}

    def failure(self, name: str, reason: str, may_pass: bool, now: float) -> Dict[str, Any]:
        """The changes of the state where the release `name` has failed at `now`."""
        if not may_pass:
            return {"refused": {**self.refused, name: reason}, "postponed": self.postponed_but(name)}
        before = self.postponed.get(name)
        postponed = Postponed(before.times + 1 if before else 1, now, reason)
        return {"postponed": {**self.postponed, name: postponed}}

    @classmethod
    def read(cls, folder: Path) -> UpdaterState:
        """Reads the state in `folder`; an empty one where there is none.

        Raises KitError for a damaged file, InputError where it cannot be read at all.
        """
        path = folder / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != FORMAT:
                raise ValueError("it was written by another version of the kit")
            probation = content.pop("trial")
            postponed = {name: Postponed(**entry) for name, entry in content.pop("postponed", {}).items()}
            hold = Hold.of(content.pop("hold")) if "hold" in content else None
            probation = Probation(**probation) if probation else None
            return cls(probation=probation, postponed=postponed, hold=hold, **content)
        except FileNotFoundError:
            return cls()
        except OSError as error:
            advice = "; run it with sudo" if isinstance(error, PermissionError) else ""
            raise InputError(f"{path}: cannot be read: {error.strerror}{advice}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KitError(f"{path}: cannot be read: {error}; remove it, the models stay") from error

    def write(self, folder: Path) -> None:
        """Writes the state into `folder`; it is whole and on the disk when this returns."""
        fields = {"trial" if name == "probation" else name: value for name, value in asdict(self).items()}
        if self.hold is None:
            # An older kit knows no hold.
            del fields["hold"]
        fsync_files.write(folder / NAME, (json.dumps({"format": FORMAT, **fields}, indent=1) + "\n").encode())

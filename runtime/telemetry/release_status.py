"""What has become of new releases on this device: `devices.update` writes it to a file, and who tells of the run reads it.

    {"releases": [{"release": "2025.12", "state": "refused", "since": 1764038400.0, "reason": "in the shadow: ...",
                   "against": "2025.11", "seconds": 86400.0, "wanted": 86400.0, "frames": 41903, "both": 903, "objects": 2910}]}

Readers may be older or newer than the writer: fields may be added, and existing ones do not change.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from runtime.common.files import atomic_path
from runtime.telemetry.comparison import release_folder

# Compared with the release that runs, before it takes over; compared well enough, and not taken over yet; runs; failed by a
# fault of its own, and is not tried again; failed for a cause that may pass.
HELD, PASSED, TAKEN, REFUSED, POSTPONED = "held", "passed", "taken", "refused", "postponed"

# Beside the folder of the releases.
FILE = Path("update", "releases.json")

# More are no news.
MOST = 4
LONGEST_REASON = 300
_BRIEF = 160

# Numbers beyond this are no times or counts.
_LARGEST = 1e15


@dataclass(frozen=True)
class ReleaseStatus:
    """What has become of one release.

    `state` is one of the words above, and `since` when it came to be, in seconds since 1970 by the device's clock, 0 where that is
    unknown. `reason` says why. Of a release that is or was compared with the one `against`: it was for `seconds` of those
    `wanted`, on `frames`, and of the `objects` that either model has found, `both` have found so many.
    """

    release: str
    state: str
    since: float = 0.0
    reason: str = ""
    against: str = ""
    seconds: float = 0.0
    wanted: float = 0.0
    frames: int = 0
    both: int = 0
    objects: int = 0

    @property
    def share(self) -> Optional[float]:
        """Of all objects that either model has found, the share that both have; None where there are none."""
        return self.both / self.objects if self.objects > 0 else None

    @property
    def brief(self) -> str:
        """The reason for a line, without what a person could do about it."""
        return self.reason.partition("; ")[0][:_BRIEF]

    @property
    def news(self) -> Tuple[str, str, str]:
        """The values whose change is to be told at once; the counts of a comparison grow all the time."""
        return self.release, self.state, self.reason

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ReleaseStatus:
        """The status that `as_dict` gave. Raises KeyError, TypeError or ValueError for something else."""
        known: Dict[str, Any] = {"release": str(values["release"]), "state": str(values["state"])}
        for name in ("reason", "against"):
            known[name] = str(values.get(name, ""))
        for name in ("since", "seconds", "wanted"):
            known[name] = _number(values.get(name, 0.0))
        for name in ("frames", "both", "objects"):
            known[name] = int(_number(values.get(name, 0)))
        return cls(**known)

    def as_dict(self) -> Dict[str, Any]:
        """The values for JSON."""
        return asdict(self)


def parse(values: Iterable[Mapping[str, Any]]) -> Tuple[ReleaseStatus, ...]:
    """The last MOST of a list. Raises KeyError, TypeError or ValueError where it is none."""
    return tuple(ReleaseStatus.of(each) for each in list(values)[-MOST:])


def path_beside(model: str) -> Optional[Path]:
    """The file of the device that runs `model`; None where that is no model of a release."""
    folder = release_folder(model)
    return folder.parent.parent / FILE if folder is not None else None


def write(path: Path, releases: Iterable[ReleaseStatus]) -> None:
    """Writes the file where it would change. Raises OSError.

    It is not flushed to the disk: the updater can always write it again.
    """
    text = json.dumps({"releases": [each.as_dict() for each in releases][-MOST:]}) + "\n"
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, ValueError):
        pass
    with atomic_path(path, 0o644) as temporary:
        temporary.write_text(text, encoding="utf-8")


class ReleasesFile:
    """Reads the file again only after it has changed."""

    def __init__(self) -> None:
        self._known: Tuple[Any, ...] = ()
        self._releases: Tuple[ReleaseStatus, ...] = ()

    def read(self, model: str) -> Tuple[ReleaseStatus, ...]:
        """What the device that runs `model` has of releases; nothing where no updater has written it, or it cannot be read."""
        path = path_beside(model)
        try:
            status = os.stat(path) if path is not None else None
        except OSError:
            status = None
        found = (path, status.st_ino, status.st_mtime_ns, status.st_size) if status is not None else ()
        if found != self._known:
            self._known, self._releases = found, read(path) if found and path is not None else ()
        return self._releases


def read(path: Path) -> Tuple[ReleaseStatus, ...]:
    """What the file has; nothing where it is missing, or cannot be read."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8"))["releases"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return ()


def _number(value: Any) -> float:
    number = float(value)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"{number:g} is no time or count")
    return number

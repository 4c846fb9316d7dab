"""How far a second model agrees with the first: what `runtime.pipeline.shadow` counts, and who tells of it reads."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

# The symbolic link to the active release. It lies beside the releases, which are folders named by release.
CURRENT = "current"


@dataclass(frozen=True)
class Comparison:
    """What was counted since this comparison began.

    `model` is the path of the second model's file, with links to folders resolved, `sha256` the file's hash in hex, and
    `against` the path of the first model's. `id` is another one with each comparison: it begins anew with the run, and
    where either model changes. `seconds` counts the time, by the monotonic clock, in which frames were compared, and
    `frames` those frames; `missed` are those that the second model was too busy for. `error` is why it has ended or could
    not begin, empty while it runs, and `may_pass` says whether the cause may be other than the file. `classes` has the
    objects that (both, only the first, only the second) model has found. `only_first` and `only_second` are the classes
    that only one of the models knows.
    """

    id: str
    model: str
    sha256: str = ""
    against: str = ""
    seconds: float = 0.0
    frames: int = 0
    missed: int = 0
    error: str = ""
    may_pass: bool = False
    classes: Mapping[str, Tuple[int, int, int]] = field(default_factory=dict)
    only_first: Tuple[str, ...] = ()
    only_second: Tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Comparison:
        """The comparison that `as_dict` gave. Raises KeyError, TypeError or ValueError for something else."""
        content = dict(values)
        classes: Dict[str, Tuple[int, int, int]] = {}
        for name, counts in dict(content.pop("classes")).items():
            both, first, second = (int(count) for count in counts)
            classes[str(name)] = (both, first, second)
        only_first, only_second = (tuple(map(str, content.pop(name))) for name in ("only_first", "only_second"))
        return cls(classes=classes, only_first=only_first, only_second=only_second, **content)

    def as_dict(self) -> Dict[str, Any]:
        """The values for JSON."""
        return asdict(self)

    @property
    def shown(self) -> Dict[str, Any]:
        """What people are shown of it, for `State.snapshot`."""
        return {
            "model": os.path.basename(self.model),
            "release": release_of(self.model),
            "frames": self.frames,
            "missed": self.missed,
            "seconds": round(self.seconds),
            "error": self.error,
            "classes": dict(self.classes),
        }


def release_of(model: str) -> str:
    """The release that a model's file belongs to, with links to folders followed; empty if none."""
    folder = release_folder(model)
    return folder.name if folder is not None else ""


def release_folder(model: str) -> Optional[Path]:
    """The folder of the release that a model's file belongs to, with links to folders followed; None if none."""
    folder = Path(os.path.realpath(Path(model).parent))
    return folder if (folder.parent / CURRENT).is_symlink() else None

"""What a release is made of: `release.json`, and the files that it names.

    release.json                  this list
    detector_int8.tflite          the models, one or more kinds of the same one
    labels.txt, manifest.json     as convert wrote them
    golden_int8.json, 00_a.png    what each kind finds in some images (`devices.selftest.selftest`)

A device takes the kind that suits it, and leaves the others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from devices.releases.channel import FORMAT, checked_name, read_json
from runtime.common.errors import InputError, KitError

NAME = "release.json"

# The best first, where a device has an Edge TPU; without one, the first is left out.
KINDS = ("edgetpu", "int8", "fp16")

MOST_BYTES = 1 << 18


@dataclass(frozen=True)
class Part:
    """One file: its name, its size, its SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """`models` are the file names by kind; `parts` all files but `release.json`. `facts` are for people:
    what it was made of, when, and what was measured.
    """

    name: str
    models: Mapping[str, str]
    parts: Tuple[Part, ...]
    facts: Mapping[str, Any]

    def kind_for(self, wanted: str, has_edgetpu: bool) -> str:
        """The kind that a device takes: `wanted`, or for `auto` the best one. Raises KitError."""
        if wanted != "auto":
            if wanted not in self.models:
                raise KitError(f"release {self.name} has no {wanted} model, it has {', '.join(self.models)}")
            return wanted
        for kind in KINDS:
            if kind in self.models and (has_edgetpu or kind != "edgetpu"):
                return kind
        raise KitError(f"release {self.name} has only {', '.join(self.models)}, and there is no Edge TPU here")

    def needed(self, kind: str) -> Tuple[Part, ...]:
        """The files for a device that runs `kind`. Beside a compiled model goes the one that it was made
        of, which runs where the accelerator fails (`--fallback`).
        """
        wanted = {kind, "int8"} if kind == "edgetpu" else {kind}
        others = {file for other, file in self.models.items() if other not in wanted}
        others |= {golden_of(other) for other in KINDS} - {golden_of(kind)}
        return tuple(part for part in self.parts if part.name not in others)

    def text(self) -> str:
        content: Dict[str, Any] = {"format": FORMAT, "release": self.name, **self.facts, "models": dict(self.models)}
        content["files"] = {part.name: {"bytes": part.bytes, "sha256": part.sha256} for part in self.parts}
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def parse(cls, data: bytes, where: str) -> Release:
        """Raises KitError for what is no release, or whose names would lead elsewhere."""
        content = read_json(data, where, "release")
        try:
            parts = tuple(_part(name, entry) for name, entry in content["files"].items())
            models = {str(kind): str(name) for kind, name in content["models"].items()}
            name = checked_name(content["release"], "release")
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise KitError(f"{where}: is no release: {error}") from error
        names = {part.name for part in parts}
        wanted = [*models.values(), *map(golden_of, models)]
        missing = next((file for file in wanted if file not in names), None)
        if missing is not None or not models or not set(models) <= set(KINDS):
            raise KitError(f"{where}: is no release: it lacks {missing or 'models of ' + ', '.join(KINDS)}")
        facts = {key: content[key] for key in content if key not in ("format", "release", "models", "files")}
        return cls(name, models, parts, facts)


def golden_of(kind: str) -> str:
    """The file that says what a kind finds. A compiled model finds what the one does that it was made of."""
    return f"golden_{'int8' if kind == 'edgetpu' else kind}.json"


def _part(name: Any, entry: Mapping[str, Any]) -> Part:
    checked = checked_name(name, "file")
    if checked == NAME:
        raise ValueError(f"{NAME} lists itself")
    size, digest = entry["bytes"], entry["sha256"]
    if not isinstance(size, int) or size < 0 or not isinstance(digest, str):
        raise ValueError(f"{name} has no size or no hash")
    return Part(checked, size, digest)

"""Releases: `release.json`, and the files that it lists.

    release.json                  the list of the files
    detector_int8.tflite          the models, one or more kinds of the same one
    labels.txt, manifest.json     as convert wrote them
    golden_int8.json, 00_a.png    the self-test of each kind (`devices.selftest.selftest`)

A device downloads the kind of model that suits it, and not the others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from devices.releases.channel import FORMAT, checked_name, read_json
from runtime.common.errors import InputError, KitError

NAME = "release.json"

# The name of the link to the release that runs, beside the releases of a device.
CURRENT = "current"

# The best first. The first needs an Edge TPU.
KINDS = ("edgetpu", "int8", "fp16")

# The largest `release.json` that a device reads.
MOST_BYTES = 1 << 18


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release: its name, its size in bytes, and its SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """The content of `release.json`.

    `models` are the names of the models' files by kind; `files` are all files but `release.json`. `facts` are for
    people: what the release was made of, when, and what was measured.
    """

    name: str
    models: Mapping[str, str]
    files: Tuple[ReleaseFile, ...]
    facts: Mapping[str, Any]

    def kind_for(self, wanted: str, has_edgetpu: bool) -> str:
        """The kind of model for a device: `wanted`, or the best one for `auto`. Raises KitError where it has none."""
        if wanted != "auto":
            if wanted not in self.models:
                raise KitError(f"release {self.name} has no {wanted} model, it has {', '.join(self.models)}")
            return wanted
        for kind in KINDS:
            if kind in self.models and (has_edgetpu or kind != "edgetpu"):
                return kind
        raise KitError(f"release {self.name} has only {', '.join(self.models)}, and there is no Edge TPU here")

    def needed(self, kind: str) -> Tuple[ReleaseFile, ...]:
        """The files for a device that runs `kind`.

        A compiled model needs the model that it was made of as well, which runs where the accelerator fails
        (`--fallback`).
        """
        wanted = {kind, "int8"} if kind == "edgetpu" else {kind}
        others = {file for other, file in self.models.items() if other not in wanted}
        others |= {golden_of(other) for other in KINDS} - {golden_of(kind)}
        return tuple(file for file in self.files if file.name not in others)

    def text(self) -> str:
        """The content of `release.json`."""
        content: Dict[str, Any] = {"format": FORMAT, "release": self.name, **self.facts, "models": dict(self.models)}
        content["files"] = {file.name: {"bytes": file.bytes, "sha256": file.sha256} for file in self.files}
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def parse(cls, data: bytes, where: str) -> Release:
        """Reads the content of `release.json`; `where` names it in errors.

        Raises KitError where it is no release, or has a file name that would lead to another folder.
        """
        content = read_json(data, where, "release")
        try:
            files = tuple(_file(name, entry) for name, entry in content["files"].items())
            models = {str(kind): str(name) for kind, name in content["models"].items()}
            name = checked_name(content["release"], "release")
            if name == CURRENT:
                raise ValueError(f"{CURRENT!r} is what devices call the one that runs; publish it under another name")
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise KitError(f"{where}: is no release: {error}") from error
        names = {file.name for file in files}
        wanted = [*models.values(), *map(golden_of, models)]
        missing = next((wanted_name for wanted_name in wanted if wanted_name not in names), None)
        if missing is not None or not models or not set(models) <= set(KINDS):
            raise KitError(f"{where}: is no release: it lacks {missing or 'models of ' + ', '.join(KINDS)}")
        facts = {key: content[key] for key in content if key not in ("format", "release", "models", "files")}
        return cls(name, models, files, facts)


def golden_of(kind: str) -> str:
    """The file with the self-test of a kind. A compiled model has that of the model that it was made of."""
    return f"golden_{'int8' if kind == 'edgetpu' else kind}.json"


def _file(name: Any, entry: Mapping[str, Any]) -> ReleaseFile:
    checked = checked_name(name, "file")
    if checked == NAME:
        raise ValueError(f"{NAME} lists itself")
    size, digest = entry["bytes"], entry["sha256"]
    if not isinstance(size, int) or size < 0 or not isinstance(digest, str):
        raise ValueError(f"{name} has no size or no hash")
    return ReleaseFile(checked, size, digest)

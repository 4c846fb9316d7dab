"""What the cameras write, and that no two of them write into one file."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import runtime.sinks
from runtime.common import plugins, settings
from runtime.common.errors import InputError
from runtime.pipeline import output_files
from runtime.sinks import is_shared
from runtime.sources import Source

PLACEHOLDER = "{camera}"


@dataclass(frozen=True)
class Outputs:
    """The outputs of a camera: `json` as of `--json`, `specs` of sinks of its own, and those that cameras have together."""

    json: Optional[str]
    specs: Tuple[str, ...]
    shared: Tuple[str, ...]

    @classmethod
    def of(cls, name: str, options: argparse.Namespace) -> Outputs:
        """Those that the options of the camera `name` ask for, with its name in place of `{camera}`. Raises InputError."""
        given = [*options.out, *plugins.specs(runtime.sinks, options)]
        own = [spec.replace(PLACEHOLDER, name) for spec in given if not is_shared(spec)]
        return cls(options.json and options.json.replace(PLACEHOLDER, name), tuple(own), tuple(filter(is_shared, given)))

    def files(self) -> Iterator[str]:
        """The files and folders that are written, as they were given."""
        for spec in (self.json, *self.specs):
            name = settings.split(output_files.without_prefix(spec))[0] if spec else ""
            if name and name not in ("-", "console") and "://" not in name:
                yield name


def written(options: argparse.Namespace) -> List[str]:
    """What a run with `options` has left: its files and folders that are there, as they were given."""
    cameras: Mapping[str, argparse.Namespace] = options.sources or {"": options}
    return [file for name, own in cameras.items() for file in Outputs.of(name, own).files() if os.path.exists(file)]


class Unopened(Source):
    """A source as far as it is known before it is open: it may be a file, or live."""

    def __init__(self, spec: str, live: bool) -> None:
        self.name = spec
        self.live = live
        self.path = Path(spec) if "://" not in spec and Path(spec).exists() and not live else None

    def __iter__(self) -> Iterator[object]:  # type: ignore[override]
        """Raises: it is not open."""
        raise NotImplementedError


def check(
    cameras: Mapping[str, Tuple[argparse.Namespace, Outputs, Source]], model: str, labels: str, health: Optional[str] = None
) -> None:
    """Raises InputError where an output is wrong, is read, or is written by two cameras.

    Cameras are their options, outputs and sources by name. `model`, `labels` are as for `output_files.check`, and `health`
    is the health file.
    """
    written: Dict[str, Tuple[str, str]] = {}
    if health:
        if PLACEHOLDER in health:
            raise InputError(f"--health {health}: one file has the health of all cameras; leave {PLACEHOLDER} out of its name")
        written[os.path.realpath(health)] = ("the health file", health)
    for name, (options, outputs, _) in cameras.items():
        for file in outputs.files():
            other, given = written.setdefault(os.path.realpath(file), (name, file))
            if other != name:
                raise InputError(
                    f"{given}: is written by {other} and {name}; give each camera its own, or put {PLACEHOLDER} in the name"
                )
        for _, _, source in cameras.values():
            output_files.check(options, source, model, labels, outputs.specs, outputs.json)


def wrong_specs(outputs: Outputs, source: Source) -> Sequence[str]:
    """What is wrong with the outputs, as far as it is known before the source is open."""
    from runtime.sinks import json_lines, open_sink

    found: List[str] = []
    for spec in (*outputs.specs, *([outputs.json] if outputs.json else [])):
        try:
            sink = json_lines.connect(spec, source) if spec == outputs.json else open_sink(spec, source)
            if sink.on_main_thread:
                found.append(f"{spec}: shows one camera; show several on a page, with --serve 8000")
        except InputError as error:
            found.append(str(error))
    return found

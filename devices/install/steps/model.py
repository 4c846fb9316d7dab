"""The first model. Later ones come from the updater, which changes the same link."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import List

from devices.boards.profile import Profile
from devices.host.paths import MODEL, Layout
from devices.install.commands import Note
from devices.install.resources import File, Link, Resource
from devices.install.steps import Installation
from runtime.common.errors import InputError

TITLE = "the model"
RANK = 50

# Files that belong to a model, where the export has them.
BESIDE = ("labels.txt", "manifest.json")


def options(parser: argparse._ActionsContainer) -> None:
    """Adds `--export`."""
    parser.add_argument(
        "--export",
        metavar="DIR",
        help="folder of python -m convert (runs/NAME/export) with the model for this device, or one .tflite file "
        "(default: none)",
    )


def resources(installation: Installation) -> List[Resource]:
    """The files of the model of `--export`, and the links to it."""
    layout = Layout()
    if not installation.options.export:
        if installation.target.host.exists(layout.model.as_posix()):
            return []
        return [Note("none yet: give one with --export, or wait for the updater; the service keeps trying until then")]
    file = _chosen(Path(installation.options.export), installation.profile)
    release = f"installed-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
    folder = layout.models / release
    beside = [path for path in (file.parent / name for name in (*BESIDE, *_made_of(file))) if path.is_file()]
    return [
        *(File((folder / path.name).as_posix(), path.read_bytes(), like_folder=True) for path in (file, *beside)),
        Link((folder / MODEL).as_posix(), file.name),
        Link(layout.current.as_posix(), release),
    ]


def _made_of(file: Path) -> List[str]:
    """The name of the file that a compiled model was made of; it runs where the accelerator fails (`--fallback`)."""
    return [file.name.replace("_edgetpu", "")] if "_edgetpu" in file.name else []


def _chosen(export: Path, profile: Profile) -> Path:
    """The file of an export that the profile names. Raises InputError where it is missing."""
    if export.is_file() and export.suffix == ".tflite":
        return export
    if export.is_file():
        raise InputError(f"--export {export}: is no .tflite file; give one, or the folder that python -m convert has made")
    if not export.is_dir():
        raise InputError(f"--export {export}: no such folder; give one that python -m convert has made")
    file = export / profile.file
    if not file.is_file():
        if (export / "export" / profile.file).is_file():
            raise InputError(f"--export {export}: is the folder of a run; its files are in --export {export / 'export'}")
        there = ", ".join(sorted(path.name for path in export.glob("*.tflite")))
        others = f", but {there}; make it with python -m convert, or name one of these files itself" if there else ""
        raise InputError(
            f"--export {export}: has no {profile.file}, which {profile.name} runs"
            + (others or ", nor any other .tflite file; make it with python -m convert")
        )
    return file

"""Copies the detectors of an export folder into the sample apps for phones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.export import listed
from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path

# The files of an export that phones can run.
MODELS = ("detector_int8.tflite", "detector_fp16.tflite", "detector_int8_raw.tflite", "detector_fp16_raw.tflite")


@dataclass(frozen=True)
class App:
    """A sample app. `mark` is a file that only its project has, `models` the folder of its models, both relative."""

    name: str
    mark: str
    models: str


IOS = App("iOS", "App/project.yml", "App/Models")
ANDROID = App("Android", "app/build.gradle.kts", "app/src/main/assets")


def check(app: App, project: Path) -> None:
    """Raises InputError where `project` is not the project of `app`."""
    if not (project / app.mark).is_file():
        raise InputError(f"{project}: not the {app.name} project of the kit: {app.mark} is not in it")


def install(app: App, project: Path, export: Path) -> tuple[Path, ...]:
    """Copies the detectors in the folder `export` into the app at `project`; returns the paths of the copies.

    Detectors of an earlier export are neither copied nor left in the app, so that it never mixes two exports. Raises
    InputError where `project` is not the project of `app`, where `export` has no detectors, or where one is not the file that
    its manifest lists, before anything is copied; KitError where writing fails.
    """
    check(app, project)
    found = listed.names(export) if export.is_dir() else ()
    sources = {name: listed.content(export, name) for name in MODELS if name in found}
    if not sources:
        raise InputError(f"{export}: no detector for a phone in it; write one with `python -m convert --int8`")
    target = project / app.models
    copied = []
    try:
        for name, content in sources.items():
            with atomic_path(target / name) as temporary:
                temporary.write_bytes(content)
            copied.append(target / name)
        for name in MODELS:
            if target / name not in copied:
                (target / name).unlink(missing_ok=True)
    except OSError as error:
        raise KitError(f"{target}: cannot be written: {error.strerror or error}") from error
    return tuple(copied)


def newest_export(root: Path = Path("runs")) -> Path:
    """The export folder with the newest manifest, of the runs in `root`. Raises InputError where there is none."""
    manifests = list(root.glob(f"*/export/{listed.NAME}"))
    if not manifests:
        raise InputError(f"{root}: no export in it yet; write one with `python -m convert --int8`")
    return max(manifests, key=lambda path: path.stat().st_mtime).parent

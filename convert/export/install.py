"""Copies an export into the sample apps for phones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path

# Files that a phone can run, as `python -m convert` names them.
MODELS = ("detector_int8.tflite", "detector_fp16.tflite", "detector_int8_raw.tflite", "detector_fp16_raw.tflite")


@dataclass(frozen=True)
class App:
    """A sample app: `mark` is the file that shows a folder to be its project, `models` where its models lie."""

    name: str
    mark: str
    models: str


IOS = App("iOS", "App/project.yml", "App/Models")
ANDROID = App("Android", "app/build.gradle.kts", "app/src/main/assets")


def check(app: App, project: Path) -> None:
    """Raises InputError where `project` is not that app's."""
    if not (project / app.mark).is_file():
        raise InputError(f"{project}: not the {app.name} project of the kit: {app.mark} is not in it")


def install(app: App, project: Path, export: Path) -> tuple[Path, ...]:
    """Copies the detectors of the folder `export` into the app under `project`; returns where they lie now.

    Detectors of an earlier export are taken away, so that the app never shows one beside another.
    Raises InputError where `project` is not that app's or `export` has no detectors.
    """
    check(app, project)
    sources = [export / name for name in MODELS if (export / name).is_file()]
    if not sources:
        raise InputError(f"{export}: no detector for a phone in it; write one with `python -m convert --int8`")
    target = project / app.models
    copied = []
    try:
        for source in sources:
            with atomic_path(target / source.name) as temporary:
                temporary.write_bytes(source.read_bytes())
            copied.append(target / source.name)
        for name in MODELS:
            if target / name not in copied:
                (target / name).unlink(missing_ok=True)
    except OSError as error:
        raise KitError(f"{target}: cannot be written: {error.strerror or error}") from error
    return tuple(copied)


def newest_export(root: Path = Path("runs")) -> Path:
    """The export folder under `root` whose manifest is the newest. Raises InputError where there is none."""
    manifests = list(root.glob("*/export/manifest.json"))
    if not manifests:
        raise InputError(f"{root}: no export in it yet; write one with `python -m convert --int8`")
    return max(manifests, key=lambda path: path.stat().st_mtime).parent

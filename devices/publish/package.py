"""Makes a release from an export of `convert`: selects its files, checks them, and adds a self-test.

The names of the files in a release are the publisher's own, whatever those of the export and of the images are:

    detector_int8.tflite, detector_int8_edgetpu.tflite, detector_fp16.tflite, labels.txt, manifest.json
    detector_KIND_labels.txt                                    where a model's labels lie beside it under its own name
    golden_int8.json, golden_fp16.json, 00_1a2b3c4d.png         the self-test

So every name is one that devices take and that fits in a bundle and in a URL, and no name of a user's file is published.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from devices.releases import release
from devices.releases.channel import checked_name
from devices.releases.release import Release, ReleaseFile
from devices.selftest import selftest
from devices.selftest.selftest import Reference
from runtime.common.errors import InputError
from runtime.media import images
from runtime.model import labels
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model

MANIFEST = "manifest.json"
LABELS = "labels.txt"

# Images of a self-test: enough to show whether a model works, few enough to download.
IMAGES = 3
# A score so far above the golden's least score that no processor's rounding falls below it.
SURE = 0.5


def export_of(run: Path) -> Path:
    """The folder of the export: `run` itself, or `export` in it. Raises InputError where there is none."""
    for folder in (run / "export", run):
        if (folder / MANIFEST).is_file():
            return folder
    raise InputError(
        f"{run}: there is no {MANIFEST} in it, nor in {run / 'export'}; run python -m convert first, or, for a model "
        "without its run, see docs/how-to/updates.md"
    )


def package(
    run: Path, name: Optional[str], sources: Sequence[Path], folder: Path
) -> Tuple[Release, Dict[str, Path]]:
    """Makes a release from the export of `run`; gives the release and the paths of its files.

    Files that are made go into `folder`. The images of the self-test come from `sources`, else from the validation
    images of the run. Raises InputError where a file is not as the manifest says, or no image is fit for a self-test.
    """
    export = export_of(run)
    manifest = _manifest(export / MANIFEST)
    models = _models(export, manifest)
    # A compiled model is tested with the detections of the model that it was made of; this machine may have no chip.
    tested = {kind: path for kind, path in models.items() if kind != "edgetpu"} or models
    chosen = _informative([Reference(path) for path in tested.values()], sources or _validation(run), run)
    names = {kind: model_name(kind) for kind in models}
    files = {names[kind]: path for kind, path in models.items()}
    files[MANIFEST] = _renamed(manifest, export / MANIFEST, {models[kind].name: names[kind] for kind in models}, folder)
    files.update(_labels(export, models))
    for kind, path in tested.items():
        golden = selftest.make(path, chosen, folder / kind)
        files[release.golden_of(kind)] = folder / kind / selftest.NAME
        files.update({expected.image.name: expected.image for expected in golden.images})
    release_files = tuple(_described(name, path) for name, path in sorted(files.items()))
    made = Release(
        checked_name(name or _name(release_files), "--release"),
        names,
        release_files,
        _facts(run, manifest),
    )
    described = folder / release.NAME
    described.write_text(made.text(), encoding="utf-8")
    return made, {**files, release.NAME: described}


def model_name(kind: str) -> str:
    """The name of a model in a release. That of a compiled model names the model that it was made of, as engines expect."""
    return "detector_int8_edgetpu.tflite" if kind == "edgetpu" else f"detector_{kind}.tflite"


def _manifest(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = content["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as a manifest: {error}; run python -m convert again") from error
    if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
        raise InputError(f"{path}: lists no files; run python -m convert again")
    manifest: Mapping[str, Any] = content
    return manifest


def _models(export: Path, manifest: Mapping[str, Any]) -> Dict[str, Path]:
    """The models for devices by kind, each with the hash that the manifest says."""
    found: Dict[str, Path] = {}
    for name, entry in manifest["files"].items():
        if entry.get("kind") not in release.KINDS:
            continue
        path = export / name
        if path.parent != export or not path.is_file():
            raise InputError(f"{path}: is listed in {MANIFEST} but missing; run python -m convert again")
        if _sha256(path) != entry.get("sha256"):
            raise InputError(f"{path}: is not the file that {MANIFEST} lists; run python -m convert again")
        found[entry["kind"]] = path
    # The compiler for the Edge TPU puts its file beside the int8 file, and leaves the manifest alone.
    if "int8" in found and "edgetpu" not in found:
        compiled = found["int8"].with_name(f"{found['int8'].stem}_edgetpu.tflite")
        if compiled.is_file():
            if compiled.stat().st_mtime < found["int8"].stat().st_mtime:
                raise InputError(f"{compiled}: is older than {found['int8'].name}; run python -m convert.edgetpu again")
            found["edgetpu"] = compiled
    if not found:
        raise InputError(f"{export}: has no {', '.join(release.KINDS)} model in its {MANIFEST}")
    return found


def _validation(run: Path) -> List[Path]:
    path = run / "dataset.json"
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["validation"]
        return [Path(entry["picture"]) for entry in listed]
    except FileNotFoundError:
        raise InputError(f"{run}: is no run with validation images; give images for the self-test: --images") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; give images for the self-test: --images") from error


def _informative(references: Sequence[Reference], sources: Iterable[Path], run: Path) -> List[Path]:
    """The first few of `sources` that are fit for a self-test.

    Each model finds something in them with a high score, and finds the same with this machine's usual engine as with
    the plain kernels.
    """
    found: List[Path] = []
    tried = 0
    difference = ""
    for path in (one for source in sources for one in _images_in(source)):
        tried += 1
        differences = [line for reference in references for line in _doubts(reference, path)]
        if not differences:
            found.append(path)
        elif not difference:
            difference = f"{path.name}: {differences[0]}"
        if len(found) == IMAGES:
            break
    if not found:
        raise InputError(
            f"{run}: none of {tried} images shows a device whether the model works ({difference or 'no image'}); "
            "give images with a few things that it knows: --images"
        )
    return found


def _doubts(reference: Reference, path: Path) -> List[str]:
    """Why the image at `path` is not fit for a self-test; empty where it is."""
    image = reference.image(path)
    expected = reference.expected(image)
    if not any(detection.score >= SURE for detection in expected):
        return [f"nothing is found in it with a score of {SURE:g}"]
    return reference.differences(image, expected)


def _images_in(source: Path) -> List[Path]:
    if source.is_dir():
        return sorted(path for path in source.iterdir() if images.is_image(path.name))
    return [source]


def _renamed(manifest: Mapping[str, Any], path: Path, names: Mapping[str, str], folder: Path) -> Path:
    """The manifest at `path` with the `names` that its files have in the release; a new file in `folder` if they differ."""
    if all(old == new for old, new in names.items()):
        return path
    entries = {names.get(name, name): entry for name, entry in manifest["files"].items()}
    renamed = folder / MANIFEST
    renamed.write_text(json.dumps({**manifest, "files": entries}, indent=1) + "\n", encoding="utf-8")
    return renamed


def _labels(export: Path, models: Mapping[str, Path]) -> Dict[str, Path]:
    """The label files of the models. A device looks for labels beside a model, by the name of the model."""
    files = {LABELS: export / LABELS} if (export / LABELS).is_file() else {}
    for kind, path in models.items():
        model = Model.read(path)
        where = labels.find(model, Metadata.of(model)).where
        beside = {str(path.with_name(pattern.format(stem=path.stem))) for pattern in labels.BESIDE}
        if where in beside and Path(where).name != LABELS:
            files[f"{Path(model_name(kind)).stem}_labels.txt"] = Path(where)
    return files


def _described(name: str, path: Path) -> ReleaseFile:
    return ReleaseFile(name, path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _name(release_files: Sequence[ReleaseFile]) -> str:
    """A name from the time and the models: `20261125-0231-9f86d081`."""
    models = "".join(part.sha256 for part in release_files if part.name.endswith(".tflite"))
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M}-{hashlib.sha256(models.encode()).hexdigest()[:8]}"


def _facts(run: Path, manifest: Mapping[str, Any]) -> Dict[str, Any]:
    figures = {
        entry["kind"]: round(entry["AP"], 4)
        for entry in manifest["files"].values()
        if entry.get("kind") in release.KINDS and isinstance(entry.get("AP"), float)
    }
    return {
        "made": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "from": re.sub(r"[^\w.-]", "_", run.resolve().name),
        "kit": str(manifest.get("kit", "")),
        "labels": listed if isinstance(listed := manifest.get("labels"), list) else [],
        "AP": figures,
    }

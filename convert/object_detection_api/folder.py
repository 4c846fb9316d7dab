"""What lies in a folder of the Object Detection API: the configuration, the weights and the label map.

exported by its exporter_main_v2.py    pipeline.config, checkpoint/ckpt-0.*, saved_model/
made by its training                   pipeline.config, ckpt-N.*, checkpoint
of TensorFlow 1                        pipeline.config, model.ckpt.* or model.ckpt-N.*, checkpoint
a SavedModel                           saved_model.pb, variables/, pipeline.config there or one folder above
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from convert.object_detection_api import pipeline
from convert.object_detection_api.pipeline import Pipeline
from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset.examples import label_map

# Folders of a model that stand beside its configuration.
_INNER = ("saved_model", "checkpoint", "variables")
# What label maps name an id that no class has, as TensorFlow's do.
_UNUSED = "???"


def is_model(folder: Path) -> bool:
    """Whether a configuration of the Object Detection API lies in `folder` or beside it."""
    return next(_configurations(folder), None) is not None


def configuration(folder: Path) -> Path:
    """The `pipeline.config` of the model in `folder`. Raises InputError where there is none."""
    for path in _configurations(folder):
        return path
    if not folder.exists():
        raise InputError(f"{folder}: no such folder")
    raise InputError(
        f"{folder}: no {pipeline.NAME} here, which says what network it is; give a folder of the Object Detection API"
        " that has it, a run of `python -m train`, or a published checkpoint with --checkpoint"
    )


def _configurations(folder: Path) -> Iterator[Path]:
    for place in (folder, folder.resolve().parent) if folder.name in _INNER else (folder,):
        if (place / pipeline.NAME).is_file():
            yield place / pipeline.NAME


def checkpoint(folder: Path) -> str:
    """The prefix of the weights in `folder`: of its checkpoint, else of its SavedModel's variables.

    Raises InputError where there are none.
    """
    from train.checkpoints import variables

    try:
        return variables.resolve(folder)
    except InputError as error:
        if any((folder / inside / "saved_model.pb").is_file() for inside in ("", "saved_model")):
            raise InputError(
                f"{folder}: its SavedModel has no variables/variables.index, and there is no checkpoint; give a folder"
                " that has checkpoint/ckpt-0.index and checkpoint/ckpt-0.data-*, or TensorFlow 1's model.ckpt.index and"
                " model.ckpt.data-*"
            ) from error
        raise


def labels(
    described: Pipeline, classes: int, *, given: Path | None = None, near: tuple[Path, ...] = ()
) -> tuple[Labels, Path | None]:
    """The names of the model's `classes` classes, and the file that they are from.

    They are those of the file `given`: a label map (.pbtxt), or a name a line; else of the label map that the
    configuration names, wherever a file of that name lies beside the configuration or in the folders `near`; else of
    the only label map or `labels.txt` beside it; else COCO's where there are 90 classes.
    Raises InputError where no names are found, or not as many as there are classes.
    """
    from train.checkpoints.coco_labels import COCO_LABELS

    path = given or _found(described, near)
    if path is None:
        if classes == len(COCO_LABELS):
            return COCO_LABELS, None
        named = ", ".join(described.label_maps) or "none"
        raise InputError(
            f"{described.path}: the names of its {classes} classes are not found (label map: {named}); put the label"
            " map beside it, or give the names with --labels FILE"
        )
    return _read(path, classes), path


def _found(described: Pipeline, near: tuple[Path, ...]) -> Path | None:
    home = described.path.resolve().parent
    places = [home, home.parent, *near]
    places += [place / inside for place in places for inside in ("annotations", "data")]
    for written in described.label_maps:
        # The configuration may be from Windows.
        name = re.split(r"[\\/]", written)[-1]
        for path in (Path(written), home / written, *(place / name for place in places)):
            if path.is_file():
                return path
    beside = sorted([*home.glob("*.pbtxt"), *home.glob("labels.txt")])
    if len(beside) > 1:
        names = ", ".join(path.name for path in beside)
        raise InputError(f"{home}: several files may have the class names ({names}); name one with --labels")
    return beside[0] if beside else None


def _read(path: Path, classes: int) -> Labels:
    if path.suffix != ".pbtxt":
        found = Labels.read(path)
    else:
        items = label_map.read(path, str(path))
        # Id 0 is the background's.
        last = max(items)
        found = Labels(tuple(items[i].label if i in items else _UNUSED for i in range(1, last + 1)))
    if len(found) != classes:
        raise InputError(
            f"{path}: names {len(found)} classes, but the model has {classes}; give the names of this model's classes"
            " with --labels FILE"
        )
    return found

"""The input size and the class names of a checkpoint, which does not carry them itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.common.errors import InputError
from runtime.common.values import Labels

if TYPE_CHECKING:
    from train.run.run_folder import RunFolder


# That of the published checkpoint that most people have.
_SIZE = 320


def network_of_checkpoint(
    path: str | os.PathLike[str],
    run: RunFolder | None,
    size: int | None = None,
    labels: str | os.PathLike[str] | None = None,
) -> tuple[int, Labels]:
    """The side of the input in pixels, and the class names, of the checkpoint at `path`.

    The given `size` and the names in the file `labels` come first, then those of `run`, in which the checkpoint lies;
    without a run, the size is 320 and the names are those of `of_checkpoint`. Raises InputError as `of_checkpoint` does.
    """
    if run is None:
        return size or _SIZE, of_checkpoint(path, labels)
    return size or run.config()["task"]["size"], Labels.read(labels) if labels else run.labels()


def of_checkpoint(path: str | os.PathLike[str], given: str | os.PathLike[str] | None = None) -> Labels:
    """The names in the file `given`, else COCO's where the checkpoint at `path` has its 90 classes.

    Raises InputError where neither holds.
    """
    from train.models import tensorflow_setup

    tensorflow_setup.prepare()
    from train.checkpoints import variables
    from train.checkpoints.coco_labels import COCO_LABELS

    classes = variables.classes_of(path)
    if given:
        return Labels.read(given)
    if classes == len(COCO_LABELS):
        return COCO_LABELS
    raise InputError(f"{path}: a checkpoint of {classes} classes does not say their names; give them with --labels")

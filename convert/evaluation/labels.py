"""The class names of a bare checkpoint, which does not carry them itself."""

from __future__ import annotations

import os

from runtime.common.errors import InputError
from runtime.common.values import Labels


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

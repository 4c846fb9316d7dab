"""The input size and the class names of a checkpoint, which does not carry them itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.geometry.size import InputSize

if TYPE_CHECKING:
    from train.run.run_folder import RunFolder


def network_of_checkpoint(
    path: str | os.PathLike[str],
    run: RunFolder | None,
    size: str | None = None,
    labels: str | os.PathLike[str] | None = None,
) -> tuple[InputSize, Labels]:
    """The size of the input, and the class names, of the checkpoint at `path`.

    The given `size` and the names in the file `labels` come first, then those of `run`, in which the checkpoint lies;
    without a run, the size is the network's own and the names are those of `of_checkpoint`. Raises InputError as `of_checkpoint` does.
    """
    if run is None:
        names = of_checkpoint(path, labels)
        from train.checkpoints import variables

        network = variables.network_of(path)
        chosen = InputSize.of(size) if size else network.sizes.default
    else:
        names = Labels.read(labels) if labels else run.labels()
        network = run.network()
        chosen = InputSize.of(size) if size else run.size()
    fault = network.sizes.fault(chosen)
    if fault:
        raise InputError(f"--size: {network.name}: {fault}")
    return chosen, names


def of_checkpoint(path: str | os.PathLike[str], given: str | os.PathLike[str] | None = None) -> Labels:
    """The names in the file `given`, else COCO's where the checkpoint at `path` has its 90 ids or 80 classes.

    Raises InputError where neither holds.
    """
    from train.layers import tensorflow_setup

    tensorflow_setup.prepare()
    from train.checkpoints import coco_labels, variables

    classes = variables.classes_of(path)
    if given:
        return Labels.read(given)
    known = coco_labels.of_classes(classes)
    if known is not None:
        return known
    raise InputError(f"{path}: a checkpoint of {classes} classes does not say their names; give them with --labels")

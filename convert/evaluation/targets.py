"""What a path names that is to be measured: a .tflite file, or weights."""

from __future__ import annotations

import re
from pathlib import Path

from runtime.common.errors import InputError
from runtime.model.tflite import IDENTIFIER
from train import models
from train.checkpoints import archives, foreign

_OF_CHECKPOINT = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
_ARCHIVES = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)


def is_tflite(path: Path) -> bool:
    """Whether the file `path` is a .tflite, by its name or its bytes. Raises InputError where it cannot be read."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".tflite":
        return True
    try:
        with path.open("rb") as file:
            return file.read(8)[4:] == IDENTIFIER
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def checkpoint_at(path: Path) -> Path:
    """The checkpoint that `path`, which is no .tflite, names: `path`, or a folder in the cache with what is in the file.

    A file is part of a checkpoint, an archive of one, or weights of another framework that a network takes. Raises
    InputError for any other file.
    """
    if not path.is_file() or _OF_CHECKPOINT.search(path.name):
        return path
    for network in map(models.find, models.names()):
        if foreign.is_foreign(path, network):
            return foreign.converted(network, path)
    if _ARCHIVES.search(path.name):
        return archives.extracted(path)
    takers = {name: models.find(name).foreign for name in models.names()}
    files = "; ".join(f"{', '.join(endings)} of {name}" for name, endings in takers.items() if endings)
    beside = path.with_suffix(".param")
    advice = f"; give {beside}, which these weights belong to" if path.suffix == ".bin" and beside.is_file() else ""
    raise InputError(
        f"{path}: neither a .tflite file nor weights that the kit reads: the folder of a run or a checkpoint, ckpt-*.index, a"
        f" .tar.gz with one, or files of other frameworks ({files}){advice}"
    )

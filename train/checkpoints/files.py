"""The files of checkpoints in a folder, replaced so that a complete checkpoint exists at every instant.

A checkpoint is two files, `ckpt-N.data-00000-of-00001` and `ckpt-N.index`. The one with the highest number is current.
A new checkpoint gets a new number. Its index is written last and makes it current. Older checkpoints are removed
afterwards, each index first. So a checkpoint that has an index is complete, whenever the process is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from runtime.common.files import write_text

_DATA = "data-00000-of-00001"
_NAME = re.compile(r"ckpt-(\d+)\.(.+)")
# Prefixes of unfinished files, as `put` and TensorFlow name them.
_UNFINISHED = (".ckpt", "checkpoint.tmp", ".checkpoint.")


def newest(folder: str | os.PathLike[str]) -> Path | None:
    """The prefix (`.../ckpt-N`) of the current checkpoint in `folder`; None if there is none."""
    numbers = [number for number in _numbers(folder, "index") if _path(folder, number, _DATA).is_file()]
    return Path(folder) / f"ckpt-{max(numbers)}" if numbers else None


def put(
    folder: Path,
    written: str,
    number: int,
    *,
    remove_older: bool = True,
    metadata: str | None = None,
    update_state: bool = False,
) -> Path:
    """Moves the checkpoint with the prefix `written` into `folder` as `ckpt-number` and returns its new prefix.

    Args:
      folder: where the checkpoint goes.
      written: prefix of the checkpoint to move. It must be on the same file system, in a folder whose name begins with
        `.ckpt`.
      number: number of the checkpoint in `folder`, as from `next_number`.
      remove_older: remove the other checkpoints in `folder`.
      metadata: text to write as `ckpt-number.json`.
      update_state: write the file `checkpoint`, too, by which TensorFlow's own functions find the newest checkpoint.
    """
    if metadata is not None:
        write_text(_path(folder, number, "json"), metadata)
    for ending in (_DATA, "index"):
        _fsync(f"{written}.{ending}")
        os.replace(f"{written}.{ending}", _path(folder, number, ending))
    # Some network file systems do not support fsync on a folder.
    with contextlib.suppress(OSError):
        _fsync(folder)
    if update_state:
        write_text(folder / "checkpoint", f'model_checkpoint_path: "ckpt-{number}"\n')
    if remove_older:
        remove_others(folder, number)
    return folder / f"ckpt-{number}"


def next_number(folder: str | os.PathLike[str]) -> int:
    """A number above those of all checkpoints in `folder`; 0 for an empty folder."""
    return 1 + max(_numbers(folder, ".*"), default=-1)


def remove_others(folder: Path, number: int) -> None:
    """Removes all checkpoints in `folder` but `ckpt-number`, the indexes first."""
    old = [(match[2] != "index", path) for path, match in _files(folder) if int(match[1]) != number]
    for _, path in sorted(old):
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what a killed process has left in `folder`: unfinished files and older checkpoints."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith(_UNFINISHED):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept = newest(folder)
    remove_others(folder, int(kept.name.removeprefix("ckpt-")) if kept else -1)


def _files(folder: str | os.PathLike[str]) -> list[tuple[Path, re.Match[str]]]:
    folder = Path(folder)
    paths = list(folder.iterdir()) if folder.is_dir() else []
    return [(path, match) for path in paths if (match := _NAME.fullmatch(path.name))]


def _numbers(folder: str | os.PathLike[str], ending: str) -> list[int]:
    return [int(match[1]) for _, match in _files(folder) if re.fullmatch(ending, match[2])]


def _path(folder: str | os.PathLike[str], number: int, ending: str) -> Path:
    return Path(folder) / f"ckpt-{number}.{ending}"


def _fsync(path: str | os.PathLike[str]) -> None:
    """Waits until the contents of `path` are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

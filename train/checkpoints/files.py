"""A checkpoint's files in their folder: at every instant there is a whole one.

A checkpoint is two files, `ckpt-N.data-00000-of-00001` and `ckpt-N.index`. Of several in a folder the
highest number counts. A new one takes a new number, its index comes last and is what makes it count,
and only then do the older ones go, index first. Whenever the process is killed, what an index says is
there is whole.
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
# What `put` and TensorFlow call files that are not whole yet.
_UNFINISHED = (".ckpt", "checkpoint.tmp", ".checkpoint.")


def newest(folder: str | os.PathLike) -> Path | None:
    """The prefix (`.../ckpt-N`) of the checkpoint in `folder` that counts, None where there is none."""
    numbers = [number for number in _numbers(folder, "index") if _path(folder, number, _DATA).is_file()]
    return Path(folder) / f"ckpt-{max(numbers)}" if numbers else None


def put(
    folder: Path, written: str, number: int, *, alone: bool = True, beside: str | None = None, state: bool = False
) -> Path:
    """Moves the checkpoint with the prefix `written` into `folder` as `ckpt-number`; returns its prefix.

    `written` must lie on the same file system, in a folder whose name begins with `.ckpt`.

    Args:
      alone: remove the folder's other checkpoints.
      beside: a text that comes along as `ckpt-number.json`.
      state: write the file `checkpoint` too, by which TensorFlow's own functions find the newest.
    """
    if beside is not None:
        write_text(_path(folder, number, "json"), beside)
    for ending in (_DATA, "index"):
        _to_disk(f"{written}.{ending}")
        os.replace(f"{written}.{ending}", _path(folder, number, ending))
    # Some network file systems cannot do this for a folder.
    with contextlib.suppress(OSError):
        _to_disk(folder)
    if state:
        write_text(folder / "checkpoint", f'model_checkpoint_path: "ckpt-{number}"\n')
    if alone:
        remove_others(folder, number)
    return folder / f"ckpt-{number}"


def next_number(folder: str | os.PathLike) -> int:
    """A number that no checkpoint in `folder` has, above all of them; 0 for an empty folder."""
    return 1 + max(_numbers(folder, ".*"), default=-1)


def remove_others(folder: Path, number: int) -> None:
    """Removes all checkpoints in `folder` but `ckpt-number`, the indexes first."""
    old = [(match[2] != "index", path) for path, match in _files(folder) if int(match[1]) != number]
    for _, path in sorted(old):
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what a process that was killed has left: unfinished files and older checkpoints."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith(_UNFINISHED):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept = newest(folder)
    remove_others(folder, int(kept.name.removeprefix("ckpt-")) if kept else -1)


def _files(folder: str | os.PathLike) -> list[tuple[Path, re.Match]]:
    folder = Path(folder)
    paths = list(folder.iterdir()) if folder.is_dir() else []
    return [(path, match) for path in paths if (match := _NAME.fullmatch(path.name))]


def _numbers(folder: str | os.PathLike, ending: str) -> list[int]:
    return [int(match[1]) for _, match in _files(folder) if re.fullmatch(ending, match[2])]


def _path(folder: str | os.PathLike, number: int, ending: str) -> Path:
    return Path(folder) / f"ckpt-{number}.{ending}"


def _to_disk(path: str | os.PathLike) -> None:
    """Waits until what was written is safe from a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

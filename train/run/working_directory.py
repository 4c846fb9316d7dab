"""The folder that a process trains into: made, taken up again, or removed where nothing came of it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from runtime.common.errors import InputError
from train.checkpoints import files
from train.run.run_folder import RunFolder


def must_be_new(out: RunFolder) -> None:
    """Raises InputError where a new run cannot be made in `out` because something is there."""
    if out.path.exists() and not (out.path.is_dir() and not any(out.path.iterdir())):
        what = "this folder is not empty" if out.path.is_dir() else "this is a file"
        if (out.path / "config.yaml").is_file():
            raise InputError(f"{out.path}: there is a run here; go on with it by --resume, or name a new folder")
        raise InputError(f"{out.path}: {what}; name a new folder with --out, or remove it")


@contextlib.contextmanager
def working_directory(out: RunFolder, *, chief: bool = True, resumed: bool = False) -> Iterator[RunFolder]:
    """The folder that this process writes: the run's, or for a worker beside the chief one that goes again.

    A new run's folder is made. Where the block raises before the first checkpoint, it is removed, and
    so is what was made for it.
    """
    if not chief:
        with tempfile.TemporaryDirectory(prefix="worker-") as temporary:
            yield RunFolder(Path(temporary))
    elif resumed:
        for folder in (out.best, out.last):
            files.sweep(folder)
        yield out
    else:
        with _new_folder(out):
            yield out


@contextlib.contextmanager
def library_output(log: Path) -> Iterator[None]:
    """Sends what the libraries print to `log`: people see the progress lines instead."""
    with open(log, "a", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        yield


@contextlib.contextmanager
def hint(out: RunFolder, say: Callable[[str], None]) -> Iterator[None]:
    """Tells whoever interrupts how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if out.has_checkpoint:
            say(f"to go on: python -m train --resume {out.path}")
        raise


@contextlib.contextmanager
def _new_folder(out: RunFolder) -> Iterator[None]:
    made = [folder for folder in (out.path, *out.path.parents) if not folder.exists()]
    try:
        out.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out.path}: this folder cannot be made: {error.strerror}") from error
    try:
        yield
    except BaseException:
        if not out.has_checkpoint:
            for path in out.path.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            # A parent that has got something else meanwhile stays.
            with contextlib.suppress(OSError):
                for folder in made:
                    folder.rmdir()
        raise

"""The working directory of a training process: made, reused, or removed after an early failure."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from runtime.common.command import spelling
from runtime.common.errors import InputError
from train.checkpoints import files
from train.run.run_folder import RunFolder


def must_be_new(out: RunFolder) -> None:
    """Raises InputError if `out` exists and is not an empty folder."""
    if out.path.exists() and not (out.path.is_dir() and not any(out.path.iterdir())):
        what = "this folder is not empty" if out.path.is_dir() else "this is a file"
        if (out.path / "config.yaml").is_file():
            raise InputError(f"{out.path}: there is a run here; go on with it by --resume, or name a new folder")
        raise InputError(f"{out.path}: {what}; name a new folder with --out, or remove it")


@contextlib.contextmanager
def working_directory(out: RunFolder, *, chief: bool = True, resumed: bool = False) -> Iterator[RunFolder]:
    """Context manager for the folder that this process writes.

    It is the folder of the run, and for workers other than the chief a temporary folder. For a new run, the folder is
    made; if the block raises before the first checkpoint, it is removed again with the parent folders that were made.
    For a `resumed` run, unfinished checkpoint files are removed.
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
    """Context manager that redirects standard output, where the libraries print, to the file `log`."""
    with open(log, "a", encoding="utf-8") as stream, contextlib.redirect_stdout(stream):
        yield


@contextlib.contextmanager
def resume_hint(out: RunFolder, say: Callable[[str], None]) -> Iterator[None]:
    """Context manager that says how to resume the run if the user interrupts it."""
    try:
        yield
    except KeyboardInterrupt:
        if out.has_checkpoint:
            say(f"to go on: {spelling('train', 'train')} --resume {out.path}")
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
            # A parent folder in which something else was created meanwhile is kept.
            with contextlib.suppress(OSError):
                for folder in made:
                    folder.rmdir()
        raise

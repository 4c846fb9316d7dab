"""The collected images as a ZIP file, while more are collected."""

from __future__ import annotations

import contextlib
import os
import time
import zipfile
from pathlib import Path
from typing import Any, Iterator, Tuple

from runtime.collect.pairs import ANNOTATIONS, IMAGES


def write_zip(folder: Path, file: Any) -> None:
    """Writes each image of `folder` that has its annotation into `file`, both under the names that they have there.

    `file` needs `write` and `flush` only. One image at a time is in memory. What is removed meanwhile is left out.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for stem in _stems(folder):
            for name, data, changed in _pair(folder, stem):
                # The format counts years from 1980; a board without a clock may be before them.
                stamp = max(time.localtime(changed)[:6], (1980, 1, 1, 0, 0, 0))
                archive.writestr(zipfile.ZipInfo(name, stamp), data)


def _stems(folder: Path) -> Tuple[str, ...]:
    with contextlib.suppress(FileNotFoundError):
        names = (path for path in (folder / ANNOTATIONS).iterdir() if path.suffix == ".xml" and path.name[0] != ".")
        return tuple(sorted(path.stem for path in names))
    return ()


def _pair(folder: Path, stem: str) -> Iterator[Tuple[str, bytes, float]]:
    """The image and its annotation with their times, or nothing where one of them has gone."""
    with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError):
        # Both are open before one is read: what is removed after that is still read whole.
        files = [
            (name, stack.enter_context(open(folder / name, "rb")))
            for name in (f"{IMAGES}/{stem}.jpg", f"{ANNOTATIONS}/{stem}.xml")
        ]
        for name, opened in files:
            yield name, opened.read(), os.fstat(opened.fileno()).st_mtime

"""The programs that an export can be prepared for, one module each, found by the module's name: `--for NAME`.

A destination is a module of this package with

    KIND                                              the kind of file that it needs, a name in `convert.file.kinds`
    files(export: Path, folder: Path) -> Files        what it needs, of the folder `export` that `convert.export` wrote

`folder` is where the files will lie. It raises InputError where the export is not fit for the program. A new destination
is a new file here; no other file changes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from runtime.common import plugins
from runtime.common.errors import KitError
from runtime.common.files import atomic_path


@dataclass(frozen=True)
class Files:
    """The content of files by their names, and in a few lines what to do with them."""

    contents: dict[str, bytes]
    advice: str


def all_of() -> dict[str, ModuleType]:
    """The destinations by name."""
    return {plugins.name_of(module): module for module in plugins.modules(sys.modules[__name__])}


def prepare(name: str, export: Path) -> str:
    """Writes the files for a destination to `export/NAME`; returns what to do with them.

    Raises InputError as the destination does, KitError where they cannot be written.
    """
    folder = export / name
    files: Files = all_of()[name].files(export, folder)
    try:
        for file, content in files.contents.items():
            with atomic_path(folder / file) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise KitError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return files.advice

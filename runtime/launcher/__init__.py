"""Finds the kit's packages, whatever else on the import path has their names, and starts `edk`.

Installed a second time as the package `edge_detection_kit`, a name that nothing else has: where a folder in PYTHONPATH
has a `runtime` of its own, no script can import the kit by that name. So this file imports nothing of the kit, uses no
other room, and has no other file of its room beside it but `__main__`.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from typing import List, Sequence

_PACKAGES = ("train", "convert", "runtime", "devices")


def main() -> int:
    """The scripts `edk` and `edge-detection-kit`: puts the kit first and runs the command. Returns the exit code."""
    sys.path[:] = kit_first(sys.path)
    # By name, since this is what the kit's other imports depend on.
    code: int = import_module("runtime.commands.edk").command()
    return code


def python(code: str) -> List[str]:
    """The command that runs Python code in a process of its own, with this process's packages and this kit.

    Without it, `python -c` and `python -m` look into the working directory first, which may have a `runtime`.
    """
    return [sys.executable, "-c", f"import sys; sys.path[:] = {kit_first(sys.path)!r}\n{code}"]


def kit_first(path: Sequence[str]) -> List[str]:
    """`path`, an import path as `sys.path`, changed so that the names of the kit's packages are those of this kit.

    Entries before it that have one of the names are put behind it; all others stay where they are. The kit isn't put
    first, as it may lie beside packages that have names of the standard library.
    """
    kit = root()
    place = next((number for number, entry in enumerate(path) if _same(entry, kit)), len(path))
    before, behind = path[:place], path[place + 1 :]
    shadowing = [entry for entry in before if _shadows(entry)]
    return [*(entry for entry in before if entry not in shadowing), kit, *shadowing, *behind]


def root() -> str:
    """The folder that the kit's packages lie in. Raises ImportError where it isn't above this file."""
    folder = os.path.dirname(os.path.abspath(__file__))
    while not os.path.isfile(os.path.join(folder, "runtime", "launcher", "__init__.py")):
        above = os.path.dirname(folder)
        if above == folder:
            raise ImportError(f"{__file__}: the kit's package runtime is not beside it; install edge-detection-kit again")
        folder = above
    return folder


def _same(entry: str, folder: str) -> bool:
    try:
        return os.path.samefile(entry or os.curdir, folder)
    except OSError:
        return False


def _shadows(entry: str) -> bool:
    try:
        folder = entry or os.getcwd()
    except OSError:
        # The working directory is gone.
        return False
    # A folder without __init__.py has no loader; it gives way to a package in any later entry.
    found = (PathFinder.find_spec(name, [folder]) for name in _PACKAGES)
    return any(spec is not None and spec.loader is not None for spec in found)

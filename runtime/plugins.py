"""Finds the modules of a package, so that adding one is adding a file."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import List


def modules(package: ModuleType) -> List[ModuleType]:
    """Every module inside `package`, by name; those that begin with `_` are its own business."""
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names if not name.startswith("_")]

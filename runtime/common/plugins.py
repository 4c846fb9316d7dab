"""Finds plug-ins: the modules of a package. A new plug-in is a new file.

A module may also offer

    options(parser) -> None            adds its command line options to an argparse parser
    specs(arguments) -> list of str    the specs that these options ask for, as its `accepts` takes them
"""

from __future__ import annotations

import argparse
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any, List


def modules(package: ModuleType) -> List[ModuleType]:
    """The modules of `package`, sorted by name; names that begin with `_` are left out."""
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names if not name.startswith("_")]


def name_of(module: ModuleType) -> str:
    """The name of a module inside its package."""
    return module.__name__.rpartition(".")[2]


def add_options(package: ModuleType, parser: Any) -> None:
    """Adds the options of all modules of `package` to `parser`.

    `parser` is an argparse parser, a group of one, or any object with the method `add_argument`.
    """
    for module in modules(package):
        if hasattr(module, "options"):
            module.options(parser)


def specs(package: ModuleType, arguments: argparse.Namespace) -> List[str]:
    """The specs that the options of the modules of `package` ask for."""
    found: List[str] = []
    for module in modules(package):
        if hasattr(module, "specs"):
            found += module.specs(arguments)
    return found

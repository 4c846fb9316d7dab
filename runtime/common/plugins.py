"""Finds the modules of a package, so that adding one is adding a file.

A module may also offer

    options(parser) -> None            adds command line options of its own to an argparse parser
    specs(arguments) -> list of str    what those ask for, in the words that its `accepts` knows
"""

from __future__ import annotations

import argparse
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any, List


def modules(package: ModuleType) -> List[ModuleType]:
    """Every module inside `package`, by name; those that begin with `_` are its own business."""
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names if not name.startswith("_")]


def name_of(module: ModuleType) -> str:
    """What a module is called inside its package."""
    return module.__name__.rpartition(".")[2]


def add_options(package: ModuleType, parser: Any) -> None:
    """Lets every module of `package` add its options to `parser`, or to a group of one."""
    for module in modules(package):
        if hasattr(module, "options"):
            module.options(parser)


def specs(package: ModuleType, arguments: argparse.Namespace) -> List[str]:
    """What the options of the modules of `package` ask for."""
    found: List[str] = []
    for module in modules(package):
        if hasattr(module, "specs"):
            found += module.specs(arguments)
    return found

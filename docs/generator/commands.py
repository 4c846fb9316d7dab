"""The kit's commands and their argument parsers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from runtime.commands.verbs import VERBS, Verb

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("train", "convert", "runtime", "devices")


@dataclass(frozen=True)
class Command:
    """A command of the kit: `python -m MODULE`, and `edk VERB`."""

    verb: Verb
    parser: argparse.ArgumentParser

    @property
    def module(self) -> str:
        """What stands behind `python -m`."""
        return self.verb.module

    @property
    def name(self) -> str:
        """What a person types."""
        return f"edk {self.verb.name}"


class _Taken(BaseException):
    """Carries a parser out of the command that made it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def modules() -> list[str]:
    """What can stand behind `python -m`: files in the root of a package, and folders there that have a `__main__`."""
    found = []
    for package in PACKAGES:
        files = [path for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]
        for path in sorted([*files, *(ROOT / package).glob("*/__main__.py")]):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__main__" else parts))
    return found


def commands() -> list[Command]:
    """All commands that have a verb, in the order of the list of verbs."""
    return [Command(verb, parser(verb.module)) for verb in VERBS]


def parser(module: str) -> argparse.ArgumentParser:
    """The parser that the command makes when it starts."""
    with mock.patch.object(argparse.ArgumentParser, "parse_args", _take):
        try:
            main(module)([])
        except _Taken as taken:
            return taken.parser
    raise ValueError(f"python -m {module} parses no arguments")


def main(module: str) -> Any:
    """The command's function `main(argv) -> int`."""
    home = f"{module}.__main__" if (ROOT / Path(*module.split("."))).is_dir() else module
    return import_module(home).main


def _take(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> argparse.Namespace:
    raise _Taken(parser)

"""Argument parsers of commands, and the version of the kit that their `--version` prints."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn, Optional, Sequence

from runtime.common import redaction

_DISTRIBUTION = "edge-detection-kit"
_ROOT = Path(__file__).resolve().parents[2]


class Parser(argparse.ArgumentParser):
    """An argument parser for commands that take addresses: its messages repeat what was given, without passwords."""

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser.error`."""
        super().error(redaction.message(message))


class _Version(argparse.Action):
    """Prints the version when it is asked for, so that no other run looks it up."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, **kwargs)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"{_DISTRIBUTION} {kit_version()}")
        parser.exit()


def command_parser(prog: str, doc: Optional[str]) -> argparse.ArgumentParser:
    """Returns a parser for the command `prog`.

    The first paragraph of `doc` is the description above the options, the rest is the epilog below them, with its
    line breaks. `doc` is a module's `__doc__`, which is None under `python -OO`.
    """
    summary, _, details = (doc or "").partition("\n\n")
    return argparse.ArgumentParser(
        prog=prog, description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds `--version`, which prints the name and the version of the kit and ends the program."""
    parser.add_argument("--version", action=_Version, help="print the version of the kit and exit")


def kit_version() -> str:
    """The version of the kit that runs, such as 0.2.0; empty where it is not known.

    In a source tree it is that of `pyproject.toml`, also where an older one was installed from it for editing.
    """
    project = _ROOT / "pyproject.toml"
    text = project.read_text(encoding="utf-8") if project.is_file() else ""
    version = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if version and f'name = "{_DISTRIBUTION}"' in text:
        return version[1]
    # Importing this takes longer than the rest of the start of a short run.
    from importlib import metadata

    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return ""

"""The argument parsers of the kit's commands, and what `edk` completes from them.

    python -m tests.support.command_parsers      writes runtime/commands/options.json anew
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from docs.generator.commands import parser as parser_of
from runtime.commands.completion import OPTIONS
from runtime.commands.verbs import VERBS
from tests.support.paths import ROOT

# Placeholders of values that are, or may be, paths.
PATHS = re.compile(
    "(?<![A-Z])(FILE|DIR|DATA|RUN|RUNS|PATH|PATHS|SRC|OUT|FOLDER|BUNDLE|WHERE|KEYS|LOG|LOCATION|PYTHON|WHAT|URL)(?![A-Z])"
)


def described(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """What completion needs to know of a parser."""
    seen = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    return {
        "options": [_described(parser, action) for action in seen if action.option_strings],
        "arguments": [_described(parser, action) for action in seen if not action.option_strings],
    }


def _described(parser: argparse.ArgumentParser, action: argparse.Action) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if action.option_strings:
        about["flags"] = list(action.option_strings)
        about["help"] = _short(parser._get_formatter()._expand_help(action) if action.help else "")
    if action.nargs != 0:
        about["values"] = _values(action)
    if action.nargs in ("*", "+", argparse.REMAINDER) or (isinstance(action.nargs, int) and action.nargs > 1):
        about["many"] = True
    if isinstance(action, argparse._AppendAction):
        about["again"] = True
    return about


def _values(action: argparse.Action) -> list[str] | str:
    """The choices, "path" for what may be one, or "other"."""
    if action.choices:
        return [str(choice) for choice in action.choices]
    placeholder = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return "path" if PATHS.search(placeholder) else "other"


def _short(text: str) -> str:
    """The beginning of an explanation, as long as a line of a menu."""
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57].rpartition(' ')[0].rstrip(',;:')}..."


def table() -> dict[str, Any]:
    """What completion needs to know of all verbs, by name."""
    return {verb.name: described(parser_of(verb.module)) for verb in VERBS}


def as_text(content: dict[str, Any]) -> str:
    """The content of the file: one line for each option, so that a change of one changes one line."""
    verbs = []
    for name, about in content.items():
        parts = [
            f'    "{kind}": [{",".join(chr(10) + "      " + json.dumps(item) for item in items)}\n    ]'
            if items
            else f'    "{kind}": []'
            for kind, items in about.items()
        ]
        verbs.append(f'  "{name}": {{\n' + ",\n".join(parts) + "\n  }")
    return "{\n" + ",\n".join(verbs) + "\n}\n"


if __name__ == "__main__":
    (ROOT / "runtime" / "commands" / OPTIONS).write_text(as_text(table()), encoding="utf-8")

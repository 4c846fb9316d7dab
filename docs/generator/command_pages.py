"""A page for each command, made from its parser, and a page that lists them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence

from docs.generator.commands import Command, commands
from docs.generator.markdown import block, code, escaped, table
from runtime.commands.verbs import VERBS

FOLDER = "reference/commands"
_WIDTH = 84
_MODULE = re.compile(r"python -m ((?:train|convert|runtime|devices)(?:\.\w+)*)")
_PARAGRAPH = re.compile(r"\n\s*\n")


def pages() -> dict[str, str]:
    """The pages by their paths below docs/."""
    made = commands()
    found = {f"{FOLDER}/{command.verb.name}.md": page(command) for command in made}
    return {f"{FOLDER}/index.md": _list(made), **found}


def page(command: Command) -> str:
    """The page of a command: usage, description, a table for each group of options, and what its help ends with."""
    parser = command.parser
    parser.formatter_class, parser.prog = _Formatter, command.name
    parts = [f"# edk {command.verb.name}", *_description(parser.description or ""), _usage(command)]
    for group in parser._action_groups:
        shown = [action for action in group._group_actions if _is_shown(action)]
        if shown:
            parts += [f"## {_heading(group.title or '')}", escaped(group.description or ""), _table(parser, shown)]
    if parser.epilog:
        parts += ["## More", block(_renamed(parser.epilog.strip("\n")))]
    parts.append(f"The same without `edk`: {code(f'python -m {command.module} ...')}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(title: str) -> str:
    if title == "positional arguments":
        return "Arguments"
    # A name such as int8 stays as it is.
    return escaped(_renamed(title if re.match(r"\w*\d", title) else title[:1].upper() + title[1:]))


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of one width, whatever the terminal's."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_WIDTH)


def _list(made: Iterable[Command]) -> str:
    groups: dict[str, list[Command]] = {}
    for command in made:
        groups.setdefault(command.verb.group, []).append(command)
    parts = [
        "# Commands",
        "Every command, by what it is for. `edk VERB --help` prints what its page says; `edk VERB ...` hands over to "
        "the module in the last column, which `python -m` starts as well.",
    ]
    for name, members in groups.items():
        rows = [
            [f"[`{x.name}`]({x.verb.name}.md)", escaped(x.verb.sentence), code(f"python -m {x.module}")]
            for x in members
        ]
        parts += [f"## {name[:1].upper()}{name[1:]}", table(["command", "what it does", "module"], rows)]
    return "\n\n".join(parts) + "\n"


def _description(text: str) -> list[str]:
    return [escaped(" ".join(paragraph.split())) for paragraph in _PARAGRAPH.split(_renamed(text).strip())]


def _usage(command: Command) -> str:
    text = command.parser.format_usage().strip().removeprefix("usage: ")
    indent = len("usage: ")
    lines = [line[indent:] if line.startswith(" " * indent) else line for line in text.split("\n")]
    return block(_renamed("\n".join(lines)))


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)


def _table(parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]) -> str:
    optional = any(action.option_strings for action in actions)
    rows = [[code(_written(parser, action)), _help(parser, action)] for action in actions]
    return table(["option" if optional else "argument", "what"], rows)


def _written(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """How it is written: `-n N, --name N`, or the name of a positional argument."""
    formatter = parser._get_formatter()
    if not action.option_strings:
        return formatter._format_args(action, formatter._get_default_metavar_for_positional(action))
    values = (
        formatter._format_args(action, formatter._get_default_metavar_for_optional(action)) if action.nargs != 0 else ""
    )
    return ", ".join(f"{name} {values}".strip() for name in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = " ".join(parser._get_formatter()._expand_help(action).split()) if action.help else ""
    return escaped(_renamed(text))


def _renamed(text: str) -> str:
    """The same with `edk VERB` for `python -m MODULE`."""
    names = {verb.module: verb.name for verb in VERBS}
    return _MODULE.sub(lambda match: f"edk {names[match[1]]}" if match[1] in names else match[0], text)

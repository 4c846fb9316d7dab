"""What can stand at the cursor of a command line of `edk`.

The options of all verbs are in a file, since importing a command to ask it takes longer than a person waits for a menu.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, NamedTuple, Sequence, Tuple

from runtime.commands import shells, verbs

# Written by tests/support/command_parsers.py from the parsers of the commands.
OPTIONS = "options.json"

_COMMANDS = (
    ("completion", "what makes a shell complete verbs and options"),
    ("--help", "all verbs"),
    ("--version", "the version"),
)


class Completions(NamedTuple):
    """What may follow: `words`, each with an explanation, or the path of a file where `paths` is true."""

    words: Tuple[Tuple[str, str], ...] = ()
    paths: bool = False


def answer(words: Sequence[str]) -> str:
    """The text for the scripts of `shells`: `paths` or `words`, then a line `WORD<TAB>EXPLANATION` for each.

    `words` are those that follow `edk`, up to the one at the cursor, which may be empty.
    """
    found = completions(words[:-1], words[-1] if words else "")
    lines = [f"{word}\t{explanation}" for word, explanation in found.words]
    return "\n".join(["paths" if found.paths else "words", *lines])


def completions(before: Sequence[str], current: str) -> Completions:
    """What may stand in place of `current`, the beginning of a word after the words `before`."""
    # bash takes the = of --option=value as a word.
    before = [word for word in before if word != "="]
    current = "" if current == "=" else current
    if not before:
        found = Completions((*((verb.name, verb.sentence) for verb in verbs.VERBS), *_COMMANDS))
    elif before[0] == "completion":
        found = Completions(tuple((name, "") for name in shells.NAMES) if len(before) == 1 else ())
    else:
        about = _options().get(before[0])
        found = _of_verb(about, before[1:], current) if about else Completions()
    return found._replace(words=tuple(word for word in found.words if word[0].startswith(current)))


def _options() -> Dict[str, Any]:
    with open(os.path.join(os.path.dirname(__file__), OPTIONS), encoding="utf-8") as file:
        content: Dict[str, Any] = json.load(file)
    return content


def _of_verb(about: Dict[str, Any], before: Sequence[str], current: str) -> Completions:
    """As `completions`, after a verb whose entry in the file is `about`."""
    # What follows is for another program.
    if "--" in before:
        return Completions(paths=True)
    flags = {flag: option for option in about["options"] for flag in option["flags"]}
    option, has_value = _option(current)
    if has_value and "values" in flags.get(option, {}):
        found = _values(flags[option])
        return found._replace(words=tuple((f"{option}={word}", text) for word, text in found.words))
    place, open_option, used = 0, None, []
    for word in before:
        name, has_value = _option(word)
        if open_option is not None and not word.startswith("-"):
            open_option = open_option if open_option.get("many") else None
        elif name in flags:
            used.append(flags[name])
            open_option = flags[name] if "values" in flags[name] and not has_value else None
        else:
            place += 1
    if open_option is not None and not current.startswith("-"):
        return _values(open_option)
    unused = [option for option in about["options"] if option not in used or option.get("again")]
    choices = tuple((flag, option["help"]) for option in unused for flag in option["flags"] if flag.startswith("--"))
    if current.startswith("-"):
        return Completions(choices)
    arguments = about["arguments"]
    if place < len(arguments):
        return _values(arguments[place])
    if arguments and arguments[-1].get("many"):
        return _values(arguments[-1])
    return Completions(choices)


def _option(word: str) -> Tuple[str, bool]:
    """The option of `--option=value`, else the word as it is; and whether a value stands with it."""
    name, equals, _ = word.partition("=")
    return (name, True) if equals and name.startswith("--") else (word, False)


def _values(about: Dict[str, Any]) -> Completions:
    values = about["values"]
    if isinstance(values, str):
        return Completions(paths=values == "path")
    return Completions(tuple((value, "") for value in values))

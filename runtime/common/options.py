"""Types of command line options: argparse turns their errors into exit 2."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Optional, Tuple


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _whole(text, 1)


def count(text: str) -> int:
    """A whole number of at least 0."""
    return _whole(text, 0)


def seconds(text: str) -> float:
    """A number over 0 and up to a year's seconds."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 366 * 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds over 0")
    return number


def patience(text: str) -> float:
    """A number of seconds; 0 stands for none."""
    return 0.0 if text in ("0", "0.0") else seconds(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def names(text: str) -> Tuple[str, ...]:
    """Words between commas, at least one."""
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if not found:
        raise argparse.ArgumentTypeError("give at least one name")
    return found


def old_name(parser: argparse._ActionsContainer, name: str, option: argparse.Action) -> None:
    """Lets `parser` take the former `name` of `option` as well, unseen in its help, with a note on standard error."""
    parser.add_argument(
        name,
        action=_OldName,
        option=option,
        nargs=option.nargs,
        type=option.type,
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )


class _OldName(argparse.Action):
    def __init__(self, *given: Any, option: argparse.Action, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._option = option

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, name: Optional[str] = None
    ) -> None:
        now = self._option.option_strings[-1]
        print(f"note: {name} is called {now} now; the old name goes with the next release", file=sys.stderr)
        self._option(parser, namespace, values, now)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
    return number

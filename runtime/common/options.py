"""Types for command line options (the `type` of argparse), and former names of options."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Optional, Tuple


def positive(text: str) -> int:
    """An integer of at least 1."""
    return _whole(text, 1)


def count(text: str) -> int:
    """An integer of at least 0."""
    return _whole(text, 0)


def seconds(text: str) -> float:
    """A number of seconds, above 0 and at most a year."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 366 * 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds over 0")
    return number


def seconds_or_zero(text: str) -> float:
    """A number of seconds; 0 turns the option off."""
    return 0.0 if text in ("0", "0.0") else seconds(text)


def duration(text: str) -> float:
    """A time as seconds: a number of seconds, or of what its unit says (`90s`, `30min`, `24h`, `7d`); 0 turns it off."""
    units = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400}
    number = text.rstrip("adhimns")
    unit = text[len(number) :]
    try:
        found = seconds_or_zero(number) * units[unit]
    except (KeyError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 30min, 24h or 7d") from None
    if found > 366 * 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than a year")
    return found


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number


def names(text: str) -> Tuple[str, ...]:
    """At least one name; several are separated by commas."""
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if not found:
        raise argparse.ArgumentTypeError("give at least one name")
    return found


def old_name(parser: argparse._ActionsContainer, name: str, option: argparse.Action) -> None:
    """Adds the former `name` of `option` to `parser`: hidden in the help, and with a note on standard error when used."""
    parser.add_argument(
        name,
        action=_OldName,
        option=option,
        nargs=option.nargs,
        type=option.type or str,
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )


class _OldName(argparse.Action):
    def __init__(self, *args: Any, option: argparse.Action, **settings: Any) -> None:
        super().__init__(*args, **settings)
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

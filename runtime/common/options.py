"""Types of command line options: argparse turns their errors into exit 2."""

from __future__ import annotations

import argparse
from typing import Tuple


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


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
    return number

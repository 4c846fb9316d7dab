"""The two ways in which a command of the kit ends without success."""

from __future__ import annotations


class KitError(Exception):
    """Work that could not be done: a command that meets it exits with 1.

    The message names what went wrong, where, and what to do next, in one line.
    """


class InputError(KitError):
    """A mistake in what the user gave (a file, a folder, an option): exit 2."""

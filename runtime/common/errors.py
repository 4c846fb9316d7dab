"""The exceptions that commands report without a traceback."""

from __future__ import annotations


class KitError(Exception):
    """The kit could not do what it was asked to; the command exits with 1.

    The message is one line that says what went wrong, where, and what to do next.
    """


class InputError(KitError):
    """A file, folder or option given by the user is wrong; the command exits with 2."""

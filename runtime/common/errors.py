"""The exceptions that commands report without a traceback."""

from __future__ import annotations

from runtime.common import redaction


class KitError(Exception):
    """The kit could not do what it was asked to; the command exits with 1.

    The message is one line that says what went wrong, where, and what to do next. User and password of an address are
    taken out of it here, since messages go to logs, to brokers and to the page.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(redaction.message(value) if isinstance(value, str) else value for value in arguments))


class InputError(KitError):
    """A file, folder or option given by the user is wrong; the command exits with 2."""

"""Asks for the passphrases of private keys at the terminal."""

from __future__ import annotations

import getpass
import sys

from runtime.common.errors import InputError


def ask(prompt: str) -> str:
    """Asks for a passphrase. Raises InputError where standard input is no terminal."""
    if not sys.stdin.isatty():
        raise InputError("no passphrase; set EDGE_DETECTOR_PASSPHRASE, or give --passphrase-file FILE")
    return getpass.getpass(prompt)

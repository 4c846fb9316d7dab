"""Passphrases of private keys, asked for at the terminal."""

from __future__ import annotations

import getpass
import sys

from runtime.common.errors import InputError


def ask(prompt: str) -> str:
    """A passphrase from the terminal. Raises InputError where there is none."""
    if not sys.stdin.isatty():
        raise InputError("no passphrase; set EDGE_DETECTOR_PASSPHRASE, or give --passphrase-file FILE")
    return getpass.getpass(prompt)

"""An argument parser whose help text is the docstring of the command's module."""

from __future__ import annotations

import argparse
from typing import Optional


def command_parser(prog: str, doc: Optional[str]) -> argparse.ArgumentParser:
    """Returns a parser for the command `prog`.

    The first paragraph of `doc` is the description above the options, the rest is the epilog below them, with its
    line breaks. `doc` is a module's `__doc__`, which is None under `python -OO`.
    """
    summary, _, details = (doc or "").partition("\n\n")
    return argparse.ArgumentParser(
        prog=prog, description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )

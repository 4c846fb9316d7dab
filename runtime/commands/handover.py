"""Runs the command behind a verb in this process, as `python -m` would."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import re
import runpy
import sys
from typing import Any, Iterator, Sequence

from runtime.commands.verbs import VERBS, Verb
from runtime.common import command
from runtime.common.errors import InputError

# Python versions that the extras need at least.
_OLDEST = {"train": (3, 11), "convert": (3, 11)}
_KIT = ("train", "convert", "runtime", "devices")


def hand_over(verb: Verb, arguments: Sequence[str]) -> int:
    """Runs `python -m MODULE ARGUMENTS` in this process, so that signals and exit codes are the command's own.

    A command of the kit ends with SystemExit. Raises InputError where the verb's extra isn't installed, or needs a newer
    Python.
    """
    _require_python(verb)
    sys.argv[1:] = arguments
    with _program(f"python -m {verb.module}", f"edk {verb.name}"):
        try:
            runpy.run_module(verb.module, run_name="__main__", alter_sys=True)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if not package or package in _KIT or importlib.util.find_spec(package) is not None:
                raise
            raise InputError(
                f"edk {verb.name} needs the package {package}, which is not installed; run: "
                f"pip install 'edge-detection-kit[{verb.extra}]'"
            ) from error
    return 0


def _require_python(verb: Verb) -> None:
    oldest = _OLDEST.get(verb.extra, (3, 9))
    if sys.version_info[:2] < oldest:
        needed, found = (".".join(map(str, version)) for version in (oldest, sys.version_info[:2]))
        raise InputError(f"edk {verb.name} needs Python {needed} or newer, and this is Python {found}")


@contextlib.contextmanager
def _program(old: str, new: str) -> Iterator[None]:
    """Lets the argument parser of the program `old` call it `new` in usage, examples and errors, and messages name verbs.

    The commands give their parsers a name themselves, and argparse has no other place to change it.
    """
    make, format_help, fail = (getattr(argparse.ArgumentParser, name) for name in ("__init__", "format_help", "error"))

    def make_renamed(self: argparse.ArgumentParser, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        if self.prog == old:
            self.prog = new
            self.epilog = re.sub(rf"{re.escape(old)}(?![.\w])", new, self.epilog) if self.epilog else None

    argparse.ArgumentParser.__init__ = make_renamed  # type: ignore[method-assign]
    argparse.ArgumentParser.format_help = lambda self: command.spelled(format_help(self))  # type: ignore[method-assign]
    argparse.ArgumentParser.error = lambda self, message: fail(self, _with_advice(self, message))  # type: ignore[method-assign]
    command.started_as_edk = True
    command.verbs.update((verb.module, verb.name) for verb in VERBS)
    try:
        yield
    finally:
        for name, method in (("__init__", make), ("format_help", format_help), ("error", fail)):
            setattr(argparse.ArgumentParser, name, method)
        command.started_as_edk = False


def _with_advice(parser: argparse.ArgumentParser, message: str) -> str:
    """The `message` of `parser` on wrong usage, with the options that may have been meant by those it doesn't know."""
    unknown = [word.partition("=")[0] for word in message.split() if word.startswith("--")]
    if not message.startswith("unrecognized arguments:") or not unknown:
        return message
    from difflib import get_close_matches

    options = [option for option in parser._option_string_actions if option.startswith("--")]
    meant = dict.fromkeys(near for word in unknown for near in get_close_matches(word, options, n=2, cutoff=0.7))
    return f"{message}; did you mean {' or '.join(meant)}?" if meant else message

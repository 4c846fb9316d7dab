"""Runs the `main` of a command: exit codes, errors without a traceback, and how a message writes a command."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import sys
import threading
from typing import Callable, Dict, List, NoReturn, Optional, Sequence

from runtime.common.errors import InputError, KitError

Main = Callable[[Optional[Sequence[str]]], int]

# The exit code after Ctrl-C: 128 and the number of SIGINT.
INTERRUPTED = 130
# Whether this process was started as `edk`, which `runtime.commands` sets.
started_as_edk = False
# The verb of `edk` for each module that is a command, which `runtime.commands` fills in.
verbs: Dict[str, str] = {}


def spelling(verb: str, module: str) -> str:
    """How a message writes a command that the user may type next: as the one that is running was typed."""
    return f"edk {verb}" if started_as_edk else f"python -m {module}"


def spelled(text: str) -> str:
    """`text` with `python -m MODULE` as the command that is running was typed: `edk VERB` where this is `edk`."""
    return re.sub(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", _spelled, text) if started_as_edk else text


def _spelled(found: re.Match[str]) -> str:
    return f"edk {verbs[found[1]]}" if found[1] in verbs else found[0]


def exit_code(main: Main, argv: Optional[Sequence[str]] = None) -> int:
    """Calls `main(argv)` and returns the exit code of the command.

    The code is what `main` returns (0 on success), 2 for `InputError`, 1 for any other `KitError`, and 130 when the
    user interrupts. argparse itself exits with 2 on wrong usage. A `KitError` is printed as one line on standard
    error; any other exception is a bug of the kit and keeps its traceback.
    """
    try:
        return main(argv)
    except InputError as error:
        print(f"error: {spelled(str(error))}", file=sys.stderr)
        return 2
    except KitError as error:
        print(f"error: {spelled(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of standard output has closed it; without this Python prints another error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(main: Main, leaves_threads: bool = False) -> NoReturn:
    """Ends the process with `exit_code(main)`.

    With `leaves_threads`, `main` may leave daemon threads behind that cannot be interrupted, for example in a camera's
    driver. When such a thread wakes up during Python's shutdown, Python stops it, and C++ code on its stack aborts the
    process. Where daemon threads are left, the process therefore exits without Python's shutdown.
    """
    code = [1]
    if leaves_threads:
        atexit.register(_exit_without_shutdown, code)
    try:
        code[0] = exit_code(main)
    except SystemExit as error:
        # Raised by argparse: 2 for wrong usage, 0 for --help.
        code[0] = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    sys.exit(code[0])


def _exit_without_shutdown(code: List[int]) -> None:
    if not any(thread.daemon for thread in threading.enumerate()):
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code[0])

"""What every command does around its `main`: exit codes, and errors without a traceback."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import Callable, List, NoReturn, Optional, Sequence

from runtime.common.errors import InputError, KitError

Main = Callable[[Optional[Sequence[str]]], int]


def exit_code(main: Main, argv: Optional[Sequence[str]] = None) -> int:
    """Calls `main(argv)` and returns the exit code of the command.

    0 on success, 2 for `InputError` (and argparse's own wrong usage), 1 for any other `KitError`,
    130 when the user interrupts. A `KitError` becomes one line on standard error; an error that is
    not a `KitError` is a fault of the kit and keeps its traceback.
    """
    try:
        return main(argv)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; without this Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(main: Main, leaves_threads: bool = False) -> NoReturn:
    """Ends the process with `exit_code(main)`.

    With `leaves_threads`, `main` may leave daemon threads behind that nothing can interrupt, in a
    camera's driver for example. Python stops such a thread where it wakes while the interpreter is
    taken down, and C++ code in which that happens aborts the process. So it ends without that then.
    """
    code = [1]
    if leaves_threads:
        atexit.register(_leave, code)
    try:
        code[0] = exit_code(main)
    except SystemExit as error:
        # argparse's: 2 for wrong usage, 0 for --help.
        code[0] = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    sys.exit(code[0])


def _leave(code: List[int]) -> None:
    if not any(thread.daemon for thread in threading.enumerate()):
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code[0])

"""What every command does around its `main`: exit codes, and errors without a traceback."""

from __future__ import annotations

import os
import sys
from typing import Callable, NoReturn, Optional, Sequence

from runtime.errors import InputError, KitError

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


def run(main: Main) -> NoReturn:
    """Ends the process with `exit_code(main)`."""
    sys.exit(exit_code(main))

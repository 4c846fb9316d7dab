"""`python -m runtime FILE --source SRC`: runs a detector on pictures, videos, cameras and streams."""

from __future__ import annotations

import signal
import sys
from typing import Optional, Sequence

from runtime.arguments import parse
from runtime.command import run as run_command
from runtime.notify import Announcer, from_environment
from runtime.reload import reload_on_hangup
from runtime.session import detect
from runtime.state import State


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = parse(argv)
    with Announcer(from_environment()) as announcer:

        def use(state: State) -> None:
            _end_on_sigterm(state)
            reload_on_hangup(state)
            announcer.watch(state)

        summary = detect(options, use=use)
    print(summary, file=sys.stderr)
    return 0


def _end_on_sigterm(state: State) -> None:
    """A service manager's way to end a run: what is under way is finished, files are closed."""
    try:
        signal.signal(signal.SIGTERM, lambda number, frame: state.stop())
    except ValueError:
        # Only the main thread may; elsewhere the program around has its own way.
        pass


if __name__ == "__main__":
    run_command(main)

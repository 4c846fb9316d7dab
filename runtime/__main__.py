"""`python -m runtime FILE --source SRC`: runs a detector on images, videos, cameras and streams."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Optional, Sequence

from runtime.common.command import run as run_command
from runtime.inference.process import launch

if TYPE_CHECKING:
    from runtime.telemetry.state import State


def main(argv: Optional[Sequence[str]] = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    # What runs the model is loaded in a process of its own; the rest is loaded here, meanwhile.
    with contextlib.nullcontext() if {"-h", "--help"}.intersection(words) else launch.prelaunch():
        from runtime.config.arguments import parse
        from runtime.pipeline.model_swap import reload_on_hangup
        from runtime.pipeline.session import detect
        from runtime.telemetry.sd_notify import Announcer, from_environment

        options = parse(words)
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
    run_command(main, leaves_threads=True)

"""`python -m runtime FILE --source SRC`: runs a detector on images, videos, cameras and streams."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Optional, Sequence

from runtime.common.command import INTERRUPTED
from runtime.common.command import run as run_command
from runtime.inference.process import launch

if TYPE_CHECKING:
    import argparse

    from runtime.telemetry.state import State


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command. Returns its exit code; raises InputError or KitError."""
    given = sys.argv[1:] if argv is None else argv
    # The engine's process imports its libraries while this process imports the rest.
    with contextlib.nullcontext() if {"-h", "--help"}.intersection(given) else launch.prelaunch():
        from runtime.config.arguments import parse
        from runtime.pipeline.model_swap import reload_on_hangup
        from runtime.telemetry.sd_notify import Announcer, from_environment

        options = parse(given)
        with Announcer(from_environment()) as announcer, _Interrupt() as interrupt:

            def use(state: State) -> None:
                _stop_on_sigterm(state)
                interrupt.stops(state)
                reload_on_hangup(state)
                announcer.watch(state)

            if options.sources:
                from runtime.cameras.session import detect_all

                summaries = detect_all(options, use)
                print(summaries, file=sys.stderr)
                _tell_written(options)
                return INTERRUPTED if interrupt.came else 1 if summaries.errors else 0
            from runtime.pipeline.session import detect

            summary = detect(options, use=use)
    print(summary, file=sys.stderr)
    _tell_written(options)
    return INTERRUPTED if interrupt.came else 0


def _tell_written(options: argparse.Namespace) -> None:
    from runtime.cameras.outputs import written

    found = written(options)
    if found:
        print(f"written: {', '.join(found)}", file=sys.stderr)


def _stop_on_sigterm(state: State) -> None:
    """Makes SIGTERM, which service managers send, end the run: frames in work are finished, files are closed."""
    # Python sets handlers in the main thread only; in another one they are up to the calling program.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, lambda number, frame: state.stop())


class _Interrupt:
    """Makes the first Ctrl-C, the usual end of a camera's run, end it as SIGTERM does; the second one ends it at once.

    A context manager, which gives Ctrl-C its meaning back. Nothing changes where the process doesn't listen to Ctrl-C, as in
    a shell's background, or where the program that calls `main` has a handler of its own.
    """

    def __init__(self) -> None:
        self.came = False
        self._listens = False

    def stops(self, state: State) -> None:
        """Lets Ctrl-C end the run of `state`."""

        def end(*_: object) -> None:
            self.came = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
            state.stop()

        # Python sets handlers in the main thread only.
        with contextlib.suppress(ValueError):
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, end)
                self._listens = True

    def __enter__(self) -> _Interrupt:
        return self

    def __exit__(self, *_: object) -> None:
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    run_command(main, leaves_threads=True)

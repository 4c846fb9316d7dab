"""Write the HTML page of a training run to RUN/report.html.

Training writes the page at its end. This command writes it again, or while the run is still in progress.

Example:
  python -m train.report runs/NAME
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from runtime.common.command import run as run_command
from runtime.common.command_parser import command_parser
from train.report.page import write
from train.run.run_folder import open_run


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = command_parser("python -m train.report", __doc__)
    parser.add_argument("run", metavar="RUN", help="folder of a run that has been validated at least once")
    arguments = parser.parse_args(argv)
    print(write(open_run(arguments.run), progress=sys.stderr.isatty()))
    return 0


if __name__ == "__main__":
    run_command(main)

"""`python -m train.report RUN`: a page on a training run, `RUN/report.html`, for a person to read.

Training writes it at its end; this writes it again, also while a run is still going on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runtime.common.command import run as run_command
from train.report.page import write
from train.run.run_folder import open_run


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m train.report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    arguments = parser.parse_args(argv)
    print(write(open_run(arguments.run), progress=sys.stderr.isatty()))
    return 0


if __name__ == "__main__":
    run_command(main)

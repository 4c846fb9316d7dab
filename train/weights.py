"""Writes a run's best weights as a checkpoint of their own, for `python -m train --init`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import run as run_command
from train.models import tensorflow_setup
from train.run.run_folder import RunFolder, open_run

_EXAMPLES = """\
example:
  python -m train.weights runs/mine weights --half
  python -m train other-data --out runs/other --init weights
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments `argv`, by default those of the process. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.weights",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument("out", metavar="OUT", help="folder to write the checkpoint ckpt-0 into")
    parser.add_argument("--half", action="store_true", help="write float16 values, for half the size (float32)")
    arguments = parser.parse_args(argv)
    tensorflow_setup.prepare()
    print(write(open_run(arguments.run), Path(arguments.out), half=arguments.half))
    return 0


def write(run: RunFolder, folder: Path, *, half: bool = False) -> str:
    """Writes the best weights of `run` as `folder/ckpt-0`, in float32 or with `half` in float16. Returns that prefix.

    Raises InputError if the run has no checkpoint or a damaged one.
    """
    from train.checkpoints import variables
    from train.evaluation import checkpoint_detector

    size, classes = run.config()["task"]["size"], len(run.labels())
    return variables.save(checkpoint_detector.load(run.checkpoint, size, classes), folder, half=half)


if __name__ == "__main__":
    run_command(main)

"""Writes weights for `python -m train --init`: a run's best ones, or the published checkpoints of the kit's networks.

A folder with published checkpoints serves as a mirror: on a stick as `--init FOLDER`, on a web server or a shared disk as
`--init-mirror WHERE`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import run as run_command
from runtime.common.errors import InputError, KitError
from train import models
from train.layers import tensorflow_setup
from train.run.run_folder import RunFolder, open_run

ALL = "all"

_EXAMPLES = """\
examples:
  python -m train.weights runs/mine weights --half
  python -m train other-data --out runs/other --init weights
  python -m train.weights --fetch all /media/stick/weights
  python -m train data --out runs/mine --init /media/stick/weights
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments `argv`, by default those of the process. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.weights",
        usage="%(prog)s [--half] RUN OUT\n       %(prog)s --fetch NETWORK OUT [--mirror WHERE]",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="RUN, the folder of a run, and OUT, the folder to write into")
    parser.add_argument("--half", action="store_true", help="write float16 values, for half the size (float32)")
    parser.add_argument(
        "--fetch", metavar="NETWORK", choices=(ALL, *models.names()), help=f"fetch what was published of a network, or {ALL}"
    )
    parser.add_argument("--mirror", metavar="WHERE", help="address or folder to take them from first")
    arguments = parser.parse_args(argv)
    if len(arguments.paths) != (1 if arguments.fetch else 2):
        parser.error("--fetch needs OUT alone" if arguments.fetch else "RUN and OUT are needed")
    tensorflow_setup.prepare()
    if arguments.fetch:
        names = models.names() if arguments.fetch == ALL else (arguments.fetch,)
        fetch(names, Path(arguments.paths[0]), arguments.mirror)
        return 0
    run, out = arguments.paths
    print(write(open_run(run), Path(out), half=arguments.half))
    return 0


def write(run: RunFolder, folder: Path, *, half: bool = False) -> str:
    """Writes the best weights of `run` as `folder/ckpt-0`, in float32 or with `half` in float16. Returns that prefix.

    Raises InputError if the run has no checkpoint or a damaged one.
    """
    from train.checkpoints import variables
    from train.evaluation import checkpoint_detector

    model = checkpoint_detector.load(run.network(), run.checkpoint, run.size(), len(run.labels()))
    return variables.save(model, folder, half=half)


def fetch(names: Sequence[str], folder: Path, mirror: str | None = None) -> None:
    """Puts what was published of the networks `names` into `folder`, verified; what is there already is only verified.

    One that cannot be fetched does not keep the others from it. Raises InputError at the end if there was one, KitError if
    what came was wrong or could not be written.
    """
    from train.checkpoints import published

    faults: list[KitError] = []
    for name in names:
        network = models.find(name)
        for item in network.published:
            try:
                print(published.archive_of(network, item, folder, mirror))
            except KitError as error:
                faults.append(error)
    if faults:
        kind = InputError if all(isinstance(fault, InputError) for fault in faults) else KitError
        raise kind("; ".join(map(str, faults)))


if __name__ == "__main__":
    run_command(main)

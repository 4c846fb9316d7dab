"""`python -m train.export DATA OUT --to FORMAT`: a data set in another format.

What training would leave out is left out, and training and validation are split as training would.
So the images of a TFRecord become files again, and boxes can be corrected in a tool that knows only
one format.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import run
from train.dataset import options, writers
from train.dataset.dataset import Dataset, open_dataset
from train.dataset.summary import describe
from train.files import new_folder


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    new_folder.check(Path(arguments.out))
    dataset = open_dataset(arguments.data, **options.open_arguments(arguments))
    print(describe(dataset), file=sys.stderr)
    export(dataset, Path(arguments.out), arguments.to)
    print(f"{arguments.out}: written", file=sys.stderr)
    return 0


def export(dataset: Dataset, out: Path, name: str) -> None:
    """Writes `dataset` to the folder `out` in the format `name`, whole or not at all.

    Raises InputError where there is no such format, `out` is there already, or an image has gone.
    """
    writer = writers.find(name)
    with new_folder.new_folder(out) as folder:
        writer.write(dataset, folder)


def _parser() -> argparse.ArgumentParser:
    summary, _, details = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m train.export", description=summary, epilog=details)
    parser.add_argument("data", metavar="DATA", help="folder or zip file with labelled images")
    parser.add_argument("out", metavar="OUT", help="folder to write; must be new or empty")
    parser.add_argument("--to", required=True, choices=writers.names(), help="the format to write")
    options.add(parser)
    return parser


if __name__ == "__main__":
    run(main)

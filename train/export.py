"""Convert a data set to another format.

Images and boxes that training would leave out are left out, and the data is split into training and
validation as for training. Use it to extract the images of TFRecords, or to correct boxes in a labelling tool
that supports only one format.

Examples:
  python -m train.export forms.zip forms_voc --to pascal_voc
  python -m train.export data data_yolo --to yolo --val-split 0.1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import run
from runtime.common.command_parser import command_parser
from train.dataset import options, writers
from train.dataset.dataset import Dataset, open_dataset
from train.dataset.summary import describe
from train.files import new_folder


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    new_folder.check(Path(arguments.out))
    dataset = open_dataset(arguments.data, **options.open_arguments(arguments))
    print(describe(dataset), file=sys.stderr)
    export(dataset, Path(arguments.out), arguments.to)
    print(f"{arguments.out}: written", file=sys.stderr)
    return 0


def export(dataset: Dataset, out: Path, name: str) -> None:
    """Writes `dataset` to the folder `out` in the format `name`, completely or not at all.

    Raises InputError if there is no such format, `out` exists already, or an image was removed or changed.
    """
    writer = writers.find(name)
    with new_folder.new_folder(out) as folder:
        writer.write(dataset, folder)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m train.export", __doc__)
    parser.add_argument("data", nargs="+", metavar="DATA", help="folder or zip file with labelled images; several become one")
    parser.add_argument("out", metavar="OUT", help="folder to write; must be new or empty")
    parser.add_argument("--to", required=True, choices=writers.names(), help="format to write")
    options.add(parser)
    return parser


if __name__ == "__main__":
    run(main)

"""`python -m train.records DATA OUT`: a data set as sharded TFRecords, made by one machine or by many.

Training makes such records by itself, in the cache. This command is for data too large for one machine,
and for programs that read the Object Detection API's records. --runner names a runner of Apache Beam
(extra: scale) that writes the shards, byte for byte as they are without; options after -- go to Beam.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from runtime.common.command import run
from train.dataset import options as data_options
from train.dataset.dataset import open_dataset
from train.dataset.summary import describe
from train.files import new_folder
from train.records.writing import write

_LOCAL = "local"


def main(argv: Optional[Sequence[str]] = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    end = given.index("--") if "--" in given else len(given)
    arguments = _parser().parse_args(given[:end])
    if "://" not in arguments.out:
        new_folder.check(Path(arguments.out))
    options = [f"--runner={arguments.runner}", *given[end + 1 :]]
    if arguments.runner != _LOCAL:
        from train.records import beam

        beam.check(options)
    dataset = open_dataset(arguments.data, **data_options.open_arguments(arguments))
    print(describe(dataset), file=sys.stderr)
    if arguments.runner == _LOCAL:
        write(dataset, Path(arguments.out), count=arguments.shards)
    else:
        path_mapping = (os.path.abspath(arguments.data), arguments.data_there) if arguments.data_there else None
        beam.write(dataset, arguments.out, options, count=arguments.shards, path_mapping=path_mapping)
    print(f"{arguments.out}: written; train on it with: python -m train {arguments.out}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    summary, _, details = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m train.records", description=summary, epilog=details)
    parser.add_argument("data", metavar="DATA", help="folder or zip file with labelled images")
    parser.add_argument("out", metavar="OUT", help="folder to write; must be new or empty")
    parser.add_argument(
        "--shards", type=_positive, metavar="N", help="files of each part (one for each 128 MB, at least 8)"
    )
    data_options.add(parser)

    beam = parser.add_argument_group("many machines")
    beam.add_argument(
        "--runner",
        default=_LOCAL,
        metavar="NAME",
        help="local, or a runner of Apache Beam: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner (local)",
    )
    beam.add_argument(
        "--data-there",
        metavar="PLACE",
        help="where the workers find DATA, a path or URL such as gs://bucket/data (as here)",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


if __name__ == "__main__":
    run(main)

"""Write a data set as sharded TFRecords, on this machine or with Apache Beam.

Training writes such records to the cache by itself. Use this command for data that is too large for one
machine, or for programs that read the records of the Object Detection API. With --runner, Apache Beam (extra:
scale) writes the shards, with the same bytes; options after -- are passed to Beam.

Examples:
  python -m train.records data records
  python -m train.records data records --runner DirectRunner -- --direct_num_workers=8
  python -m train.records data gs://bucket/out --worker-data gs://bucket/data --runner DataflowRunner -- --project=P
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from runtime.common.command import run, spelling
from runtime.common.command_parser import command_parser
from runtime.common.options import old_name, positive
from train.dataset import options as data_options
from train.dataset.dataset import open_dataset
from train.dataset.summary import describe
from train.files import new_folder
from train.records.writing import write

_LOCAL = "local"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    end = words.index("--") if "--" in words else len(words)
    arguments = _parser().parse_args(words[:end])
    if "://" not in arguments.out:
        new_folder.check(Path(arguments.out))
    options = [f"--runner={arguments.runner}", *words[end + 1 :]]
    if arguments.runner != _LOCAL:
        from train.records import beam

        beam.check(options)
    dataset = open_dataset(arguments.data, **data_options.open_arguments(arguments))
    print(describe(dataset), file=sys.stderr)
    if arguments.runner == _LOCAL:
        write(dataset, Path(arguments.out), count=arguments.shards)
    else:
        path_mapping = (os.path.abspath(arguments.data), arguments.worker_data) if arguments.worker_data else None
        beam.write(dataset, arguments.out, options, count=arguments.shards, path_mapping=path_mapping)
    print(f"{arguments.out}: written; train on it with: {spelling('train', 'train')} {arguments.out}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m train.records", __doc__)
    parser.add_argument("data", metavar="DATA", help="folder or zip file with labelled images")
    parser.add_argument("out", metavar="OUT", help="folder or URL to write to; must be new or empty")
    parser.add_argument(
        "--shards", type=positive, metavar="N", help="shards per split (default: one per 128 MB, at least 8)"
    )
    data_options.add(parser)

    beam = parser.add_argument_group("Apache Beam")
    beam.add_argument(
        "--runner",
        default=_LOCAL,
        metavar="NAME",
        help="local, or a runner of Apache Beam: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner (default: local)",
    )
    worker_data = beam.add_argument(
        "--worker-data",
        metavar="LOCATION",
        help="path or URL of DATA on the workers, such as gs://bucket/data (default: the path of DATA here)",
    )
    old_name(beam, "--data-there", worker_data)
    return parser


if __name__ == "__main__":
    run(main)

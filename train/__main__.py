"""`python -m train DATA --out runs/NAME`: from labelled pictures to a checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.command import run
from train import libraries


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    from train.dataset import open_dataset
    from train.run_folder import RunFolder
    from train.summary import describe

    dataset = open_dataset(
        arguments.data,
        format=arguments.format,
        validation=arguments.val,
        validation_share=arguments.val_split,
        seed=arguments.seed,
    )
    print(describe(dataset), file=sys.stderr, flush=True)
    libraries.prepare()
    from train import report
    from train.training import Options, train

    options = Options(
        steps=arguments.steps,
        batch=arguments.batch,
        size=arguments.size,
        seed=arguments.seed,
        init=arguments.init,
        rate=arguments.rate,
        momentum=arguments.momentum,
        frozen_statistics=arguments.frozen_statistics,
        photometric=arguments.photometric,
        validate_every=arguments.validate_every,
    )
    out = RunFolder(Path(arguments.out))
    metrics = train(dataset, out, options)
    print(metrics.table())
    print(
        f"\nThe best weights are in {out.checkpoint}."
        f"\nCurves, confusions and the worst pictures: {report.write(out)}"
        f"\nTo convert them: python -m convert --run {out.path} --int8",
        file=sys.stderr,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("data", metavar="DATA", help="folder or zip file with labelled pictures")
    parser.add_argument("--out", required=True, metavar="RUN", help="folder for the run, runs/NAME say; must be new or empty")
    parser.add_argument(
        "--init",
        default="zoo",
        metavar="WHAT",
        help="initial weights: zoo, the published COCO checkpoint, fetched once; a checkpoint's or run's folder,"
        " a checkpoint's prefix, or a .tar.gz with one; none, random values (zoo)",
    )
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="training steps (1000)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="pictures a step (8)")
    parser.add_argument("--size", type=int, choices=(320, 640), default=320, help="side of the network's input (320)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed makes the same run (0)")

    data = parser.add_argument_group("data")
    data.add_argument("--format", metavar="NAME", help="format of the data set (found by looking)")
    data.add_argument("--val", metavar="DATA", help="another data set to validate on (DATA's own list, else --val-split)")
    data.add_argument(
        "--val-split",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of the pictures to validate on, where the data has no list of its own (0.2)",
    )
    data.add_argument(
        "--no-photometric",
        dest="photometric",
        action="store_false",
        help="do not vary brightness, contrast and saturation, where colours tell the classes apart",
    )

    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--rate", type=float, metavar="R", help="highest learning rate (0.03 at batch 8, in proportion)")
    recipe.add_argument(
        "--momentum", type=float, default=0.99, metavar="M", help="momentum of batch norm's moving averages (0.99)"
    )
    recipe.add_argument(
        "--frozen-statistics", action="store_true", help="keep batch norm's statistics as the initial weights have them"
    )
    recipe.add_argument("--validate-every", type=int, metavar="N", help="steps between validations (a quarter of all)")
    return parser


if __name__ == "__main__":
    run(main)

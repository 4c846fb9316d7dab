"""`python -m train DATA --out runs/NAME`: from labelled pictures to a checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from runtime.command import run
from train import libraries


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    from train.dataset import open_dataset
    from train.run_folder import RunFolder

    dataset = open_dataset(
        arguments.data,
        format=arguments.format,
        validation=arguments.val,
        validation_share=arguments.val_split,
        seed=arguments.seed,
    )
    libraries.prepare()
    from train.training import Options, train

    metrics = train(dataset, RunFolder(Path(arguments.out)), Options(steps=arguments.steps, batch=arguments.batch, size=arguments.size, seed=arguments.seed, init=arguments.init, rate=arguments.rate, momentum=arguments.momentum, frozen_statistics=arguments.frozen_statistics))
    print(metrics.table())
    return 0


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    p.add_argument("data")
    p.add_argument("--out", required=True)
    p.add_argument("--format")
    p.add_argument("--val")
    p.add_argument("--val-split", type=float, default=0.2)
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--size", type=int, default=320)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--init")
    p.add_argument("--rate", type=float)
    p.add_argument("--momentum", type=float, default=0.99)
    p.add_argument("--frozen-statistics", action="store_true")
    return p


if __name__ == "__main__":
    run(main)

"""`python -m train.weights RUN OUT`: a run's weights alone, to start other runs from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import run as run_command
from train.models import tensorflow_setup
from train.run.run_folder import RunFolder, open_run


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m train.weights", description=__doc__)
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("out", metavar="OUT", help="folder to write ckpt-0 into, for `python -m train --init OUT`")
    parser.add_argument("--half", action="store_true", help="float16, half the size")
    arguments = parser.parse_args(argv)
    tensorflow_setup.prepare()
    print(write(open_run(arguments.run), Path(arguments.out), half=arguments.half))
    return 0


def write(run: RunFolder, folder: Path, *, half: bool = False) -> str:
    """Writes the best weights of `run` as `folder/ckpt-0`, float32 or float16; returns that prefix."""
    import tensorflow as tf

    from train.checkpoints import variables
    from train.models.ssd_mobilenet_v2_fpnlite import Detector

    size, classes = run.config()["task"]["size"], len(run.labels())
    model = Detector(size, classes)
    model(tf.zeros([1, size, size, 3]))
    variables.load(model, run.checkpoint, whole=True)
    return variables.save(model, folder, half=half)


if __name__ == "__main__":
    run_command(main)

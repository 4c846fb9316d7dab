"""Trains twice in one process, as a notebook does, and exits 0 if nothing of the runs is held: `two_runs FOLDER`."""

from __future__ import annotations

import gc
import os
import sys
import warnings
import weakref

from train import open_dataset, train
from train.run.run_folder import open_run
from train.sample_data import generation


def main(folder: str) -> None:
    """Trains at two sizes in `folder`, a step each, and asserts what the two runs are and that their networks go."""
    os.environ["XDG_CACHE_HOME"] = os.path.join(folder, "cache")
    os.chdir(folder)
    generation.draw_dataset("shapes", images=6, size=(120, 90))
    dataset = open_dataset("shapes")
    from train.layers import tensorflow_setup

    tensorflow_setup.prepare()
    import tensorflow as tf

    from train.training import training

    networks: list[weakref.ref] = []
    build = training.build_runner

    def noted(*arguments, **options):
        runner = build(*arguments, **options)
        networks.append(weakref.ref(runner.trainer.model))
        return runner

    training.build_runner = noted
    # Traced, each step would take longer than all of this.
    tf.config.run_functions_eagerly(True)
    warnings.filterwarnings("ignore", "Even though the .tf.config")
    runs = [train(dataset, steps=1, batch=2, size=size, init="none") for size in (96, 128)]
    assert [str(run.folder) for run in runs] == ["runs/shapes", "runs/shapes-2"]
    assert [open_run(run).size().about for run in runs] == ["96 x 96", "128 x 128"]
    assert all(run.report.is_file() and run.history.training and run.metrics.images == 1 for run in runs)
    gc.collect()
    assert [network() for network in networks] == [None, None], "the network of a run is still there"


if __name__ == "__main__":
    main(sys.argv[1])

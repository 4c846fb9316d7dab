"""The training command with a small network, for tests of everything around the network.

The network has a backbone of five blocks, narrow layers, and every part of the real one: batch norms, three
pyramid levels and two coarse ones, a shared tower and two heads. Steps, checkpoints and starts take a third of
the time.
"""

from __future__ import annotations


def shrink() -> None:
    """Makes every `PyramidDetector` that this process builds from now on a small one."""
    from train.layers import mobilenet_v2, pyramid_detector
    from train.models import ssd_mobilenet_v2_fpnlite

    mobilenet_v2._STEM, mobilenet_v2._LAST = 8, 32
    mobilenet_v2._STAGES = ((1, 8, 1, 2), (2, 8, 1, 2), (2, 16, 1, 2), (2, 16, 2, 2))
    mobilenet_v2.PYRAMID_TAPS = ("block_1", "block_2", "last")
    ssd_mobilenet_v2_fpnlite.DEPTH = 16
    pyramid_detector.TOWER_LAYERS = 1


def train(arguments: list[str]) -> int:
    """Runs `python -m train` with the small network, which published checkpoints do not fit."""
    from train.__main__ import main

    shrink()
    return main(arguments)


def find_rate(arguments: list[str]) -> int:
    """Runs `python -m train.find_rate` with the small network."""
    from train.find_rate import main

    shrink()
    return main(arguments)


def train_killed(arguments: list[str]) -> int:
    """`train`, which kills its own process at a place: `arguments` are that place and those of `train`.

    A place is "before-N" or "after-N": before or after the checkpoint of step N is written. At a step with a validation,
    the checkpoint comes after the validation and the best checkpoint.
    """
    import os
    import signal

    from train.training.last_checkpoint import LastCheckpoint

    place, *others = arguments
    save = LastCheckpoint.save

    def save_or_die(self: LastCheckpoint, *args: object, **kwargs: object) -> object:
        step = int(self._step.numpy())
        if place == f"before-{step}":
            os.kill(os.getpid(), signal.SIGKILL)
        written = save(self, *args, **kwargs)
        if place == f"after-{step}":
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    LastCheckpoint.save = save_or_die
    return train(others)

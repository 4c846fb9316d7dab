"""The training command with a fraction of the network, for tests of all that is around the network.

It has a backbone of five blocks and narrow layers, and everything else that the detector has: batch
norms, three levels of a pyramid and two coarse ones, a shared tower, two heads. Steps, checkpoints
and starts take a third of the time.
"""

from __future__ import annotations


def shrink() -> None:
    """Makes every `Detector` of this process small from now on."""
    from train.checkpoints import variables
    from train.models import mobilenet_v2, ssd_mobilenet_v2_fpnlite

    mobilenet_v2._STEM, mobilenet_v2._LAST = 8, 32
    mobilenet_v2._STAGES = ((1, 8, 1, 2), (2, 8, 1, 2), (2, 16, 1, 2), (2, 16, 2, 2))
    mobilenet_v2._LEVEL_BLOCKS = (1, 2)
    ssd_mobilenet_v2_fpnlite.DEPTH = 16
    ssd_mobilenet_v2_fpnlite.TOWER_LAYERS = variables.TOWER_LAYERS = 1


def train(arguments: list[str]) -> int:
    """`python -m train` with a small network; a published checkpoint does not fit it."""
    from train.__main__ import main

    shrink()
    return main(arguments)

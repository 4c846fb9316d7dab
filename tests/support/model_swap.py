"""Checks for tests that swap the model of a running detector."""

from __future__ import annotations

import re
from collections.abc import Sequence


def scores_in_order(found: Sequence[tuple[int, float]], log: str) -> list[float]:
    """The scores of a run in order, repetitions left out; asserts that every frame was processed once.

    `found` has (frame number, highest score) of each frame in the run's output, `log` is its standard error.
    The output may lack a frame on a busy disk, since a live source does not wait for sinks.
    """
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))
    processed = int(re.search(r"^(\d+) frames?, ", log, re.M)[1])
    assert processed >= numbers[-1] + 1 and " dropped" not in log
    return [score for place, (_, score) in enumerate(found) if not place or found[place - 1][1] != score]

"""Checks of the results of a run whose model was swapped."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple


def scores_in_order(results: Sequence[Tuple[int, float]], log: str) -> List[float]:
    """The scores in `results`, which are (frame number, score), without repetitions.

    Fails unless every frame up to the last of them was processed, and none twice. Single frames may be missing from the
    results: with a live source, the loop does not wait for a sink that writes to a busy disk. Frames that were under way
    at the end of the run may be lost.
    """
    numbers = [number for number, _ in results]
    assert numbers == sorted(set(numbers))
    summary = re.search(r"^(\d+) frames?, ", log, re.MULTILINE)
    assert summary is not None and int(summary[1]) >= numbers[-1] + 1
    return [score for place, (_, score) in enumerate(results) if not place or results[place - 1][1] != score]

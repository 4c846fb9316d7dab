"""How much zones and lines slow the loop: the same video with and without them, by turns.

    python -m tests.support.measure_zones FILE VIDEO --turns 7 --frames 200
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Dict, List, Optional, Sequence

from runtime.areas.areas import Area, line, zone
from runtime.filters.track import Tracker
from runtime.inference.detector import Detector
from runtime.pipeline import loop
from runtime.sources import open_source
from runtime.zones.watch import Watch

# Two of each, across the whole image.
AREAS: Sequence[Area] = (
    line("across=0,0.7,1,0.7"), line("down=0.7,0,0.7,1"),
    zone("left=0,0,0.5,0,0.5,1,0,1"), zone("middle=0.3,0.3,0.7,0.3,0.8,0.6,0.7,0.9,0.3,0.9,0.2,0.6"),
)  # fmt: skip


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints frames a second of each side, their ratio, and processor time a frame."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("video")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--frames", type=int, default=200)
    arguments = parser.parse_args(argv)
    detector = Detector(arguments.file)
    rates: Dict[bool, List[float]] = {False: [], True: []}
    used: Dict[bool, List[float]] = {False: [], True: []}
    for turn in range(2 * arguments.turns):
        # Every second pair the other way round: whatever slows the machine meets both.
        zones = turn % 4 in (1, 2)
        watch = Watch(AREAS if zones else (), is_tracked=True)
        with open_source(arguments.video) as source:
            begin = time.process_time()
            summary = loop.run(detector, source, [], arguments.frames, filters=[Tracker()], watch=watch)
        used[zones].append(1000 * (time.process_time() - begin) / summary.frames)
        rates[zones].append(summary.fps)
    for zones, name in ((False, "without"), (True, "with")):
        rate, cost = statistics.median(rates[zones]), statistics.median(used[zones])
        print(f"{name} zones: {rate:.1f} frames/s, {cost:.2f} ms of processor time a frame")
    ratios = [on / off for off, on in zip(rates[False], rates[True])]
    print(f"ratio of the rates: {statistics.median(ratios):.3f} (of pairs: {min(ratios):.3f} to {max(ratios):.3f})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

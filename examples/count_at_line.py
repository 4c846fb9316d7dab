"""Counts the objects that cross a line, in each direction.

    python examples/count_at_line.py detector_int8.tflite street.mp4 --line 0.5,0,0.5,1

Needs the extra `track`: pip install 'edge-detection-kit[runtime,track]'.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Dict, Tuple

from runtime import KitError, run

Point = Tuple[float, float]


def main() -> None:
    """Reads the arguments and counts until the source ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="0", help="a video, a camera or a stream (default: camera 0)")
    parser.add_argument("--line", default="0.5,0,0.5,1", help="x,y,x,y of its ends, as shares of the image")
    arguments = parser.parse_args()
    x1, y1, x2, y2 = (float(number) for number in arguments.line.split(","))

    counts: Counter[Tuple[str, str]] = Counter()
    last: Dict[int, Point] = {}
    # With `track`, each object keeps its number from frame to frame.
    for frame, detections in run(file=arguments.file, source=arguments.source, track=True):
        height, width = frame.image.shape[:2]
        for found in detections:
            # The middle of the box's lower edge: where a person or a car stands on the ground.
            here = ((found.box.xmin + found.box.xmax) / 2 / width, found.box.ymax / height)
            if found.track is None:
                continue
            before = last.get(found.track, here)
            last[found.track] = here
            direction = crossing(before, here, (x1, y1), (x2, y2))
            if direction:
                counts[found.label, direction] += 1
                print(f"{frame.time:.2f} {found.label} #{found.track} {direction}", flush=True)
    for (label, direction), count in sorted(counts.items()):
        print(f"{label} {direction}: {count}")


def crossing(before: Point, after: Point, start: Point, end: Point) -> str:
    """Which way a step crosses the line from `start` to `end`, seen along it: "to the left", "to the right" or ""."""
    from_side, to_side = side(start, end, before), side(start, end, after)
    # The step must also pass between the ends of the line, not beside it.
    between = (side(before, after, start) > 0) != (side(before, after, end) > 0)
    if not between or (from_side > 0) == (to_side > 0):
        return ""
    return "to the right" if to_side > 0 else "to the left"


def side(start: Point, end: Point, point: Point) -> float:
    """Positive where `point` lies to the right of the way from `start` to `end`, as y points down in images."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a camera that is away: one line says what to do
        sys.exit(f"error: {error}")

"""Counts the objects that cross a line, in each direction.

    python examples/count_at_line.py detector_int8.tflite street.mp4 --line 0.5,0,0.5,1

Looking along the line, from its first end to its second, `in` is to the right and `out` to the left.
Needs the extra `track`: pip install 'edge-detection-kit[runtime,track]'.
"""

from __future__ import annotations

import argparse
import sys
from typing import Dict

from runtime import KitError, run


def main() -> None:
    """Reads the arguments and counts until the source ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="0", help="a video, a camera or a stream (default: camera 0)")
    parser.add_argument("--line", default="0.5,0,0.5,1", help="x,y,x,y of its ends, as shares of the image")
    arguments = parser.parse_args()

    counted: Dict[str, Dict[str, int]] = {}
    # With a line, each object keeps its number, and each frame has what crossed in it, and all counts so far.
    for frame, _ in run(file=arguments.file, source=arguments.source, line=[f"line={arguments.line}"]):
        if frame.areas is None:  # only where a run has no lines and no zones
            continue
        for crossing in frame.areas.crossings:
            print(f"{frame.time:.2f} {crossing.label} #{crossing.track} {crossing.event}", flush=True)
        counted = frame.areas.as_dict()["lines"]["line"]["classes"]
    for label, counts in counted.items():
        print(f"{label}: {counts['in']} in, {counts['out']} out")


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a camera that is away: one line says what to do
        sys.exit(f"error: {error}")

"""Says where two detectors disagree on the same images; for these no labels are needed.

    python examples/compare_models.py detector_fp16.tflite detector_int8.tflite images/

Useful before a new model replaces an old one: look at the images that it names.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import List, Sequence, Tuple

import cv2

from runtime import Box, Detection, Detector, KitError

IOU = 0.5  # two boxes of one class that overlap this much are the same object
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def main() -> None:
    """Reads the arguments, compares, and prints a line for each class and for each image with differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", nargs="?", default="detector_fp16.tflite", help="a detector")
    parser.add_argument("second", nargs="?", default="detector_int8.tflite", help="another one")
    parser.add_argument("folder", nargs="?", default="images", help="the folder of images (default: images)")
    parser.add_argument("--score", type=float, help="one threshold for both (default: each file's own)")
    arguments = parser.parse_args()
    paths = sorted(path for path in Path(arguments.folder).glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        sys.exit(f"error: {arguments.folder}: no images in it; name a folder with {', '.join(sorted(SUFFIXES))}")
    first, second = (Detector(file, score=arguments.score) for file in (arguments.first, arguments.second))

    both, only_first, only_second = Counter[str](), Counter[str](), Counter[str]()
    differing: List[Tuple[int, Path]] = []
    for path in paths:
        image = cv2.imread(str(path))
        if image is None:
            print(f"{path}: cannot be read; left out", file=sys.stderr)
            continue
        same, lost, new = compare(first(image), second(image))
        both.update(same)
        only_first.update(lost)
        only_second.update(new)
        if lost or new:
            differing.append((len(lost) + len(new), path))
    print(f"{'class':16} {'both':>6} {'first only':>11} {'second only':>12}")
    for label in sorted({*both, *only_first, *only_second}):
        print(f"{label:16} {both[label]:6} {only_first[label]:11} {only_second[label]:12}")
    for count, path in sorted(differing, reverse=True)[:10]:
        print(f"{path}: {count} differences")


def compare(some: Sequence[Detection], others: Sequence[Detection]) -> Tuple[List[str], List[str], List[str]]:
    """The classes of what both found, of what only the first found, and of what only the second found."""
    left = list(others)
    same, lost = list[str](), list[str]()
    # Detections come with the highest score first, so that the surest choose their partners first.
    for one in some:
        partners = [other for other in left if other.label == one.label and iou(one.box, other.box) >= IOU]
        if partners:
            left.remove(max(partners, key=lambda other: iou(one.box, other.box)))
        (same if partners else lost).append(one.label)
    return same, lost, [other.label for other in left]


def iou(a: Box, b: Box) -> float:
    """Intersection over union: 1 for equal boxes, 0 for boxes that do not touch."""
    shared = Box(max(a.xmin, b.xmin), max(a.ymin, b.ymin), min(a.xmax, b.xmax), min(a.ymax, b.ymax)).area
    return shared / (a.area + b.area - shared) if shared else 0.0


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a file that is no detector: one line says what to do
        sys.exit(f"error: {error}")

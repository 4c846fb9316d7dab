"""Time and memory of the COCO figures of random detections: python -m tests.support.measure_validation

By default 20,000 images with 100 detections each, of 365 classes, as in Objects365.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from runtime.common.values import Box, Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation.coco import GroundTruth

_SIDE = 640
_BOXES = 7
_MOST = 100


def main() -> int:
    """Runs the command with the arguments of the process. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=365)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    labels = Labels(tuple(f"class{number}" for number in range(arguments.classes)))
    examples = [_example(rng, str(number), labels) for number in range(arguments.images)]
    truth = GroundTruth.from_examples(examples, labels)
    found = {example.id: _detections(rng, example, labels) for example in examples}
    before = _peak()
    began = time.perf_counter()
    metrics = truth.measure(found)
    seconds = time.perf_counter() - began
    print(f"{arguments.images} images, {arguments.classes} classes: {seconds:.1f} s")
    print(f"memory: {before:.2f} GB with the detections, {_peak():.2f} GB at most")
    print(metrics.figures)
    return 0


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _box(rng: np.random.Generator) -> Box:
    x, y = rng.uniform(0, _SIDE - 8, 2).tolist()
    width, height = (8 * 40 ** rng.random(2)).tolist()
    return Box(x, y, min(x + width, _SIDE), min(y + height, _SIDE))


def _example(rng: np.random.Generator, id: str, labels: Labels) -> Example:
    numbers = rng.integers(0, len(labels), _BOXES)
    boxes = tuple(LabelledBox(labels[int(number)], _box(rng)) for number in numbers)
    return Example(id, Path(f"{id}.jpg"), _SIDE, _SIDE, boxes)


def _detections(rng: np.random.Generator, example: Example, labels: Labels) -> list[Detection]:
    """Every second box with its class, moved a little, and random boxes of random classes."""
    found = []
    for item in example.boxes[::2]:
        x, y = rng.normal(0, 0.1, 2) * (item.box.width, item.box.height)
        xmin, ymin, xmax, ymax = item.box.as_tuple()
        moved = Box(xmin + x, ymin + y, xmax + x, ymax + y)
        found.append(Detection(item.label, labels.index(item.label), float(rng.random()), moved))
    numbers = rng.integers(0, len(labels), _MOST - len(found)).tolist()
    found += [Detection(labels[number], number, float(rng.random() ** 3), _box(rng)) for number in numbers]
    return sorted(found, key=lambda detection: -detection.score)


if __name__ == "__main__":
    raise SystemExit(main())

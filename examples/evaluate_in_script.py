"""Measures detectors on a labelled data set, as a script of one's own does: fails where a figure is too low.

    python examples/evaluate_in_script.py detector_int8.tflite data --least 0.5

For a figure by hand there is `python -m convert.evaluate`. Needs the extra `convert`, and no training run.
"""

from __future__ import annotations

import argparse
import sys

from convert.evaluation.evaluate import evaluate_file
from convert.evaluation.images import of_dataset
from runtime import KitError


def main() -> None:
    """Reads the arguments, prints COCO's figures, and ends with 1 where AP is below what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("data", nargs="?", default="data", help="a labelled data set of any format that training reads")
    parser.add_argument("--part", choices=("train", "val", "test"), help="part of it (default: its validation images)")
    parser.add_argument("--least", type=float, default=0.0, help="the lowest AP that passes (default: 0)")
    arguments = parser.parse_args()

    data = of_dataset(arguments.data, part=arguments.part)
    # Every detection counts, whatever its score: the curve of precision over recall needs the low ones too.
    metrics = evaluate_file(arguments.file, data, progress=sys.stderr.isatty())
    # None stands for a figure without boxes to measure it on.
    ap, ap50 = metrics["AP"] or 0.0, metrics["AP50"] or 0.0
    print(f"{metrics.images} {data.about}: AP {ap:.3f}, AP50 {ap50:.3f}")
    for label, of_class in metrics.per_class.items():
        print(f"{label:16} {'no boxes' if of_class is None else f'{of_class:.3f}'}")
    if ap < arguments.least:
        sys.exit(f"error: AP {ap:.3f} is below {arguments.least}")


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a data set without boxes: one line says what to do
        sys.exit(f"error: {error}")

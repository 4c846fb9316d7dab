"""Detects objects in all images of a folder and writes one table, a row for each object.

Example:
    python examples/folder_to_csv.py detector_int8.tflite images/ --out detections.csv
"""

from __future__ import annotations

import argparse
import csv
import os
import sys

from runtime import KitError, run

COLUMNS = ("file", "label", "score", "xmin", "ymin", "xmax", "ymax")


def main() -> None:
    """Reads the arguments and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("folder", nargs="?", default="images", help="the folder of images (default: images)")
    parser.add_argument("--out", default="detections.csv", help="the table to write (default: detections.csv)")
    arguments = parser.parse_args()

    images = objects = 0
    # Under another name until it is whole: who finds the table finds all of it.
    unfinished = f"{arguments.out}.part"
    try:
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            # `run` reads the next images while the model is busy. Files that are no images are left out.
            for frame, detections in run(file=arguments.file, source=arguments.folder):
                images += 1
                objects += len(detections)
                for found in detections:
                    sides = (round(side, 1) for side in found.box.as_tuple())
                    table.writerow([frame.file, found.label, round(found.score, 3), *sides])
        os.replace(unfinished, arguments.out)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)
    print(f"{arguments.out}: {objects} objects in {images} images")


if __name__ == "__main__":
    try:
        main()
    except (KitError, OSError) as error:  # a missing file, a folder without images: one line says what to do
        sys.exit(f"error: {error}")

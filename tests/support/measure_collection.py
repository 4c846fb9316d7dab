"""Measures what images are worth that a device collects: `python -m tests.support.measure_collection DATA OUT`.

For each seed, a hundred training images of DATA are drawn as those that somebody labelled first, and a detector is
trained on them. The others are the stream of a camera, an image every three seconds; the detector runs on it with
--collect and a budget. What it kept gets the boxes that DATA has for it, and training is repeated with both, with as
many images drawn at random, and with all. Printed is COCO AP on DATA's own validation images. All trainings of a seed
have the same initial weights, steps and seed. Options that are not listed go to train.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from train.dataset import writers
from train.dataset.dataset import Dataset, open_dataset
from train.dataset.examples.example import Example

_SECONDS = 3
_SIDE = 640
_FIRST = "first"
_OTHERS = "random", "collected", "all"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the arguments `argv`, by default those of the process. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.measure_collection", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--first", type=int, default=100, help="images that are labelled first (100)")
    parser.add_argument("--more", type=int, default=100, help="images to add to them (100)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", default="200", help="of each training (200)")
    parser.add_argument(
        "--collect", default="", metavar="CHOICES", help="more for --collect, as doubtful=0.2,every=off"
    )
    args, training = parser.parse_known_args(argv)
    dataset = open_dataset(args.data)
    training += ["--steps", args.steps, "--validate-every", args.steps]
    rows = []
    for seed in range(1, args.seeds + 1):
        folder = args.out / str(seed)
        folder.mkdir(parents=True)
        rows.append(_measure(dataset, folder, args.first, args.more, [*training, "--seed", str(seed)], args.collect))
        print(json.dumps({"seed": seed, **rows[-1]}), flush=True)
    means = {name: statistics.fmean(row[name] for row in rows) for name in rows[0]}
    print(json.dumps({"mean": means}))
    way = (means["collected"] - means["random"]) / (means["all"] - means["random"])
    print(
        f"collected images go {way:.2f} of the way from {means['random']:.3f} at random to {means['all']:.3f} with all"
    )
    return 0


def _measure(
    dataset: Dataset, folder: Path, first: int, more: int, training: list[str], choices: str
) -> dict[str, float]:
    """AP of each training by its name, and how many images were collected."""
    examples = list(dataset.train)
    random.Random(training[-1]).shuffle(examples)
    base, stream = examples[:first], examples[first:]
    found = {_FIRST: _trained(dataset, base, folder / _FIRST, training)}
    _run("convert", "--int8", "--no-gate", "--run", folder / _FIRST / "run")
    detector = folder / _FIRST / "run" / "export" / "detector_int8.tflite"
    kept = _collected(stream, detector, folder, more, choices)
    parts = {"random": stream[:more], "collected": kept, "all": stream}
    for name in _OTHERS:
        found[name] = _trained(dataset, base + parts[name], folder / name, training)
    return {**found, "images": len(kept)}


def _trained(dataset: Dataset, examples: list[Example], folder: Path, training: list[str]) -> float:
    """AP on the validation images of `dataset` after training on `examples`."""
    data = folder / "data"
    data.mkdir(parents=True)
    writers.find("pascal_voc").write(dataclasses.replace(dataset, train=tuple(examples)), data)
    _run("train", data, "--out", folder / "run", *training)
    measured = _run("convert.evaluate", folder / "run", "--json")
    return float(json.loads(measured)["AP"])


def _collected(stream: list[Example], detector: Path, folder: Path, more: int, choices: str) -> list[Example]:
    """What the runtime keeps of `stream`, at most `more`."""
    film = folder / "stream.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 1 / _SECONDS, (_SIDE, _SIDE))
    assert writer.isOpened()
    for example in stream:
        writer.write(_square(cv2.imread(str(example.image))))
    writer.release()
    assert len(stream) * _SECONDS <= 3600, "the budget is one for an hour"
    collect = ",".join(filter(None, (str(folder / "kept"), f"per-hour={more}", choices)))
    _run("runtime", detector, "--source", film, "--collect", collect)
    stems = sorted(path.stem for path in (folder / "kept" / "images").iterdir())
    reasons = {stem: ElementTree.parse(folder / "kept" / "annotations" / f"{stem}.xml").getroot() for stem in stems}
    assert reasons
    return [stream[int(stem.rpartition("_")[2])] for stem in stems]


def _square(image: np.ndarray) -> np.ndarray:
    """`image`, uint8 [H, W, 3], with its longer side as that of the stream and black beside it."""
    scale = _SIDE / max(image.shape[:2])
    height, width = (round(side * scale) for side in image.shape[:2])
    square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return square


def _run(module: str, *arguments: object) -> str:
    """What a command of the kit prints. Raises CalledProcessError if it fails."""
    words = [sys.executable, "-m", module, *map(str, arguments)]
    print(" ".join(words[2:]), file=sys.stderr, flush=True)
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())

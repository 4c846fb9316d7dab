"""`python -m train.report RUN`: a page on a training run, `RUN/report.html`, for a person to read.

Training writes it at its end; this writes it again, also while a run is still going on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.command import run as run_command
from runtime.errors import InputError
from train import error_analysis, found_boxes, history
from train.dataset import Dataset
from train.history import History
from train.run_folder import RunFolder, open_run


@dataclass(frozen=True, eq=False)
class Report:
    """All that the page shows.

    `metrics` are those of `metrics.json`; for a run that has not ended, those of its best validation so
    far. `curves` are by class; `outcomes` count detections of `score` and more, where F1 is highest.
    """

    name: str
    ended: bool
    dataset: Dataset
    config: dict[str, Any]
    metrics: dict[str, Any]
    history: History
    curves: dict[str, error_analysis.Curve]
    score: float
    outcomes: tuple[error_analysis.Outcome, ...]


def write(run: RunFolder, *, progress: bool = False) -> Path:
    """Writes the run's `report.html` and returns its path. Raises InputError as `gather` does."""
    from train.reports import html, run_page

    path = run.path / "report.html"
    html.write(path, run_page.render(gather(run, progress=progress)))
    return path


def gather(run: RunFolder, *, progress: bool = False) -> Report:
    """What there is to say about a run.

    What its best weights find on the validation pictures was written down in training; where it was
    not, the checkpoint is run on them once more. Raises InputError where nothing has been validated.
    """
    dataset, past = run.dataset(), history.read(run.path)
    ended = (run.path / "metrics.json").is_file()
    if not ended and not past.validations:
        raise InputError(f"{run.path}: nothing has been validated in this run yet; wait for its first validation")
    metrics = run.metrics() if ended else max(past.validations, key=lambda line: line["AP"] or 0.0)
    found = found_boxes.read(run.path, dataset.labels)
    if found is None or found.step != metrics["step"]:
        found = found_boxes.FoundBoxes(metrics["step"], _detect(run, dataset, progress))
    by_class = error_analysis.curves(dataset.validation, found.pictures, dataset.labels)
    score = error_analysis.best_score(error_analysis.together(by_class.values()))
    return Report(
        name=run.path.resolve().name,
        ended=ended,
        dataset=dataset,
        config=run.config(),
        metrics=metrics,
        history=past,
        curves=by_class,
        score=score,
        outcomes=error_analysis.outcomes(dataset.validation, found.pictures, score),
    )


def _detect(run: RunFolder, dataset: Dataset, progress: bool) -> dict[str, Sequence]:
    """What the run's checkpoint finds on its validation pictures."""
    from tqdm import tqdm

    from train import pictures
    from train.checkpoint_detector import CheckpointDetector

    detect = CheckpointDetector(run.checkpoint, run.config()["task"]["size"], dataset.labels)
    bar = tqdm(dataset.validation, desc="detecting", unit="picture", disable=not progress, leave=False)
    return {
        example.id: [found for found in detect(pictures.load(example)) if found.score >= found_boxes.LEAST_SCORE]
        for example in bar
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m train.report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    arguments = parser.parse_args(argv)
    print(write(open_run(arguments.run), progress=sys.stderr.isatty()))
    return 0


if __name__ == "__main__":
    run_command(main)

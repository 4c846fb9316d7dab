"""What the page of a training run shows, gathered from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.common.errors import InputError
from train.dataset.dataset import Dataset
from train.evaluation import detections, error_analysis
from train.run import history
from train.run.history import History
from train.run.run_folder import RunFolder


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


def gather(run: RunFolder, *, progress: bool = False) -> Report:
    """What there is to say about a run.

    What its best weights find on the validation images was written down in training; where it was
    not, the checkpoint is run on them once more. Raises InputError where nothing has been validated.
    """
    dataset, past = run.dataset(), history.read(run.path)
    ended = (run.path / "metrics.json").is_file()
    if not ended and not past.validations:
        raise InputError(f"{run.path}: nothing has been validated in this run yet; wait for its first validation")
    metrics = run.metrics() if ended else max(past.validations, key=lambda line: line["AP"] or 0.0)
    found = detections.read(run.path, dataset.labels)
    if found is None or found.step != metrics["step"]:
        found = detections.SavedDetections(metrics["step"], _detect(run, dataset, progress))
    by_class = error_analysis.curves(dataset.validation, found.images, dataset.labels)
    score = error_analysis.best_score(error_analysis.pooled(by_class.values()))
    return Report(
        name=run.path.resolve().name,
        ended=ended,
        dataset=dataset,
        config=run.config(),
        metrics=metrics,
        history=past,
        curves=by_class,
        score=score,
        outcomes=error_analysis.outcomes(dataset.validation, found.images, score),
    )


def _detect(run: RunFolder, dataset: Dataset, progress: bool) -> dict[str, Sequence]:
    """What the run's checkpoint finds on its validation images."""
    from tqdm import tqdm

    from train.dataset.examples import images
    from train.evaluation.checkpoint_detector import CheckpointDetector

    detect = CheckpointDetector(run.checkpoint, run.config()["task"]["size"], dataset.labels)
    bar = tqdm(dataset.validation, desc="detecting", unit="image", disable=not progress, leave=False)
    return {
        example.id: [found for found in detect(images.load(example)) if found.score >= detections.LEAST_SCORE]
        for example in bar
    }

"""The contents of the page of a training run, gathered from the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runtime.common.errors import InputError
from runtime.common.values import Detection
from train.dataset.dataset import Dataset
from train.evaluation import detections, error_analysis
from train.run import history
from train.run.history import History
from train.run.run_folder import RunFolder


@dataclass(frozen=True, eq=False)
class Report:
    """The contents of the page.

    `metrics` are those of `metrics.json` or, for a run that has not ended, of its best validation so far.
    `curves` has the precision-recall curve of each class. `score` is the threshold at which F1 over all
    classes is highest; `outcomes` has the errors of each validation image at that threshold.
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
    """Gathers the contents of a run's page.

    The detections of the best weights on the validation images are read from the run's folder; if training
    did not store them, the checkpoint is run on the images. Raises InputError if the run has no validation
    yet.
    """
    dataset, past = run.dataset(), history.read(run.path)
    ended = (run.path / "metrics.json").is_file()
    if not ended and not past.validations:
        raise InputError(f"{run.path}: nothing has been validated in this run yet; wait for its first validation")
    metrics = run.metrics() if ended else max(past.validations, key=lambda line: line["AP"] or 0.0)
    detected = detections.read(run.path, dataset.labels)
    if detected is None or detected.step != metrics["step"]:
        detected = detections.SavedDetections(metrics["step"], _detect(run, dataset, progress))
    by_class = error_analysis.curves(dataset.validation, detected.images, dataset.labels)
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
        outcomes=error_analysis.outcomes(dataset.validation, detected.images, score),
    )


def _detect(run: RunFolder, dataset: Dataset, progress: bool) -> dict[str, tuple[Detection, ...]]:
    """Runs the run's checkpoint on the validation images; returns the detections by image id."""
    from tqdm.auto import tqdm

    from train.dataset.examples import images
    from train.evaluation.checkpoint_detector import CheckpointDetector

    detect = CheckpointDetector(run.checkpoint, run.size(), dataset.labels, tiles=run.tiles())
    bar = tqdm(dataset.validation, desc="detecting", unit="image", disable=not progress, leave=False)
    return {
        example.id: tuple(item for item in detect(images.load(example)) if item.score >= detections.LEAST_SCORE)
        for example in bar
    }

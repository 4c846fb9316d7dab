"""What a file must pass before it carries its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from convert.contract import contract
from convert.evaluation.evaluate import file_detections
from convert.evaluation.images import EvaluationSet
from convert.evaluation.threshold import Thresholds, best_thresholds
from convert.file import anatomy
from runtime.common.errors import KitError
from runtime.common.files import atomic_path
from runtime.model.tflite import Model
from train.evaluation.coco import Metrics

MAX_DROP = 0.01

# A file's bytes, given the score threshold to write into its metadata, or None for none.
Make = Callable[[float | None], bytes]


@dataclass(frozen=True)
class Admitted:
    """A file that passed, or that nobody held up.

    `metrics` and `thresholds` are None where nothing could be measured.
    """

    path: Path
    kind: str
    metrics: Metrics | None
    thresholds: Thresholds | None = None


def admit(
    make: Make,
    path: Path,
    kind: str,
    *,
    validation: EvaluationSet | None = None,
    reference: Metrics | None = None,
    max_drop: float = MAX_DROP,
    closed: bool = True,
) -> Admitted:
    """Writes what `make` gives to `path`, reads it back, and holds it to what a `kind` file is (see `contract.check`).

    Every line of the contract must hold, and AP on `validation` may lie at most `max_drop` below that of `reference`:
    what training reported of the checkpoint. Otherwise the file is left as `*.rejected.tflite` and KitError raised,
    with the operation and its layer named where one is not int8. An open gate only measures. What was measured gives
    the file its score threshold.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(make(None))
        broken = contract.check(temporary.read_bytes(), where=path.name, expect=kind)
        faults = [violation.message for violation in broken]
        metrics = thresholds = None
        if validation is not None and not (faults and closed):
            found = file_detections(temporary, validation, progress=False)
            metrics, thresholds = validation.truth.measure(found), best_thresholds(validation.truth, found)
            faults += _lost(metrics, reference, max_drop, _advice(temporary.read_bytes()))
        if thresholds is not None:
            temporary.write_bytes(make(thresholds.overall.score))
            # What carries the name is checked, not what it was made of.
            finished = contract.check(temporary.read_bytes(), where=path.name, expect=kind)
            faults += [violation.message for violation in finished if violation not in broken]
        if faults and closed:
            rejected = path.with_suffix(".rejected.tflite")
            os.replace(temporary, rejected)
            raise KitError(f"{path.name} is not what an {kind} file must be: {'; '.join(faults)} (left as {rejected})")
    return Admitted(path, kind, metrics, thresholds)


def _lost(metrics: Metrics, reference: Metrics | None, max_drop: float, advice: str) -> list[str]:
    if reference is None:
        return []
    drop = (reference["AP"] or 0.0) - (metrics["AP"] or 0.0)
    if drop <= max_drop:
        return []
    return [
        f"AP fell by {drop:.4f} from {reference['AP']:.4f}, which training reported, to {metrics['AP']:.4f} on the"
        f" validation images, more than the {max_drop:g} allowed; {advice}, or allow more with --max-drop"
    ]


def _advice(model: bytes) -> str:
    found = anatomy.postprocess(Model.parse(model))
    if found is not None and found.custom:
        return (
            f"{anatomy.OPERATION} gives an anchor one class and suppresses whatever the class, which training does"
            " not; convert with --post-processing built-in"
        )
    return "calibrate on more images, see which layers lose with `python -m convert.quantization_report RUN`"

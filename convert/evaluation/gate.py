"""What a file must pass before it carries its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from convert.contract import contract
from convert.evaluation.evaluate import evaluate_file
from convert.evaluation.images import EvaluationSet
from runtime.common.errors import KitError
from runtime.common.files import atomic_path
from train.evaluation.coco import Metrics

MAX_DROP = 0.02


@dataclass(frozen=True)
class Admitted:
    """A file that passed, or that nobody held up; `metrics` is None where nothing could be measured."""

    path: Path
    kind: str
    metrics: Metrics | None


def admit(
    model: bytes,
    path: Path,
    kind: str,
    *,
    validation: EvaluationSet | None = None,
    reference: Metrics | None = None,
    max_drop: float = MAX_DROP,
    closed: bool = True,
) -> Admitted:
    """Writes `model` to `path`, reads it back, and holds it to what a `kind` file is (see `contract.check`).

    Every line of the contract must hold, and AP on `validation` may lie at most `max_drop` below
    that of `reference`. Otherwise the file is left as `*.rejected.tflite` and KitError raised, with
    the operation and its layer named where one is not int8. An open gate only measures.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(model)
        broken = contract.check(temporary.read_bytes(), where=path.name, expect=kind)
        faults = [violation.message for violation in broken]
        metrics = None
        if validation is not None and not (faults and closed):
            metrics = evaluate_file(temporary, validation, progress=False)
            faults += _lost(metrics, reference, max_drop)
        if faults and closed:
            rejected = path.with_suffix(".rejected.tflite")
            os.replace(temporary, rejected)
            raise KitError(f"{path.name} is not what an {kind} file must be: {'; '.join(faults)} (left as {rejected})")
    return Admitted(path, kind, metrics)


def _lost(metrics: Metrics, reference: Metrics | None, max_drop: float) -> list[str]:
    if reference is None:
        return []
    drop = (reference["AP"] or 0.0) - (metrics["AP"] or 0.0)
    if drop <= max_drop:
        return []
    return [
        f"AP fell by {drop:.4f} from {reference['AP']:.4f} to {metrics['AP']:.4f} on the validation images, more than"
        f" the {max_drop:g} allowed; calibrate on more images, see which layers lose with"
        " `python -m convert.quantization_report RUN`, or allow more with --max-drop"
    ]

"""What a file must pass before it carries its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from convert.contract import contract
from convert.evaluation import per_class
from convert.evaluation.evaluate import file_detections
from convert.evaluation.images import EvaluationSet
from convert.evaluation.per_class import MAX_CLASS_DROP, ClassFigures
from convert.evaluation.threshold import Thresholds, best_thresholds
from convert.file import anatomy
from runtime.common.errors import KitError
from runtime.common.files import atomic_path
from runtime.model.tflite import Model
from train.evaluation.coco import Metrics

MAX_DROP = 0.01

# Classes named in a message before it only counts the rest.
_NAMED = 3

# A file's bytes, given the score threshold to write into its metadata, or None for none.
Make = Callable[[float | None], bytes]


@dataclass(frozen=True)
class Admitted:
    """A file that passed, or that nobody held up.

    `metrics` and `thresholds` are None, and `classes` is empty, where nothing could be measured.
    """

    path: Path
    kind: str
    metrics: Metrics | None
    thresholds: Thresholds | None = None
    classes: tuple[ClassFigures, ...] = ()


def admit(
    make: Make,
    path: Path,
    kind: str,
    *,
    validation: EvaluationSet | None = None,
    reference: Metrics | None = None,
    max_drop: float = MAX_DROP,
    max_class_drop: float = MAX_CLASS_DROP,
    closed: bool = True,
    rejects: Path | None = None,
) -> Admitted:
    """Writes what `make` gives to `path`, reads it back, and holds it to what a `kind` file is (see `contract.check`).

    Every line of the contract must hold, and AP on `validation` may lie at most `max_drop` below that of `reference`:
    the checkpoint's, as training reported it or else as it is measured. Nor may any class that has enough boxes lose
    more than `max_class_drop` and what chance explains (see `per_class.allowed_drop`), where `reference` has figures of
    classes: one of 90 hardly moves their mean. Otherwise the file is left as `*.rejected.tflite` in the folder `rejects`, by
    default beside `path`, and KitError raised, with the operation and its layer named where one is not int8. An open gate
    only measures. What was measured gives the file its score threshold.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(make(None))
        broken = contract.check(temporary.read_bytes(), where=path.name, expect=kind)
        faults = [violation.message for violation in broken]
        metrics = thresholds = None
        classes: tuple[ClassFigures, ...] = ()
        if validation is not None and not (faults and closed):
            found = file_detections(temporary, validation, progress=False)
            metrics, thresholds = validation.truth.measure(found), best_thresholds(validation.truth, found)
            classes = per_class.figures(metrics, reference, validation.truth)
            losses = [*_lost(metrics, reference, max_drop), *_lost_classes(classes, max_class_drop)]
            faults += [f"{'; '.join(losses)}; {_advice(temporary.read_bytes())}"] if losses else []
        if thresholds is not None:
            temporary.write_bytes(make(thresholds.overall.score))
            # What carries the name is checked, not what it was made of.
            finished = contract.check(temporary.read_bytes(), where=path.name, expect=kind)
            faults += [violation.message for violation in finished if violation not in broken]
        if faults and closed:
            rejected = (rejects or path.parent) / path.with_suffix(".rejected.tflite").name
            os.replace(temporary, rejected)
            raise KitError(f"{path.name} is not what an {kind} file must be: {'; '.join(faults)} (left as {rejected})")
    return Admitted(path, kind, metrics, thresholds, classes)


def _lost(metrics: Metrics, reference: Metrics | None, max_drop: float) -> list[str]:
    if reference is None:
        return []
    before, after = (figures["AP"] or 0.0 for figures in (reference, metrics))
    if before - after <= max_drop:
        return []
    return [
        f"AP fell by {before - after:.4f} from {before:.4f}, the checkpoint's, to {after:.4f} on the"
        f" validation images, more than the {max_drop:g} allowed (--max-drop)"
    ]


def _lost_classes(classes: Iterable[ClassFigures], max_drop: float) -> list[str]:
    lost = per_class.lost(tuple(classes), max_drop)
    texts = [
        f"AP of class {item.label} fell by {item.drop:.4f} from {item.before:.4f} to {item.ap:.4f} over its"
        f" {item.boxes} boxes, more than the {per_class.allowed_drop(item.boxes, max_drop):.4f} that"
        f" --max-class-drop {max_drop:g} and chance allow"
        for item in lost[:_NAMED]
    ]
    rest = len(lost) - _NAMED
    return [*texts, f"and {rest} more classes lost as much as they may not"] if rest > 0 else texts


def _advice(model: bytes) -> str:
    found = anatomy.postprocess(Model.parse(model))
    if found is not None and found.custom:
        return (
            f"{anatomy.OPERATION} gives an anchor one class and suppresses whatever the class, which training does"
            " not; convert with --post-processing built-in"
        )
    return "calibrate on more images, see which layers lose with `python -m convert.quantization_report RUN`"

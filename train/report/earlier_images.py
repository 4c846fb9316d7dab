"""How an earlier run and the one that went on from it do on the validation images of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.common.errors import InputError
from runtime.common.tables import columns
from runtime.common.values import Detection
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.evaluation.coco import GroundTruth
from train.run import earlier_run
from train.run.earlier_run import Recorded
from train.run.run_folder import RunFolder

Detect = Callable[[Example], Sequence[Detection]]


@dataclass(frozen=True)
class Measured:
    """AP of each class that the images have boxes of, 0..1 in both runs, by name; None for a class that the run doesn't know.

    `what` says which images, `images` is the number of them that were measured, of `of`.
    """

    what: str
    images: int
    of: int
    earlier: dict[str, float | None]
    later: dict[str, float | None]

    @property
    def means(self) -> tuple[float | None, float | None]:
        """AP of both runs: the mean of the classes that both know. None if there are none."""
        both = [(old, new) for old, new in zip(self.earlier.values(), self.later.values()) if old is not None and new is not None]
        return (sum(old for old, _ in both) / len(both), sum(new for _, new in both) / len(both)) if both else (None, None)


@dataclass(frozen=True)
class Comparison:
    """Both runs on the old validation images and on the new ones; `notes` say what could not be measured, and why."""

    earlier: str
    later: str
    measured: tuple[Measured, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        parts = []
        for found in self.measured:
            old, new = found.means
            rows: list[Sequence[object]] = [
                (f"{found.what} ({found.images} images)", self.earlier, self.later),
                ("AP of the classes of both", _figure(old), _figure(new)),
            ]
            rows += [(f"AP {name}", _figure(value), _figure(found.later[name])) for name, value in found.earlier.items()]
            parts.append(columns(rows))
        return "\n\n".join([*parts, *(["\n".join(self.notes)] if self.notes else [])])


def pairs(runs: Sequence[RunFolder]) -> list[tuple[RunFolder, RunFolder, Recorded]]:
    """Those of `runs` of which one went on from another: the earlier run, the later one, and its record."""
    by_path = {run.path.resolve(): run for run in runs}
    found = [(by_path.get(known.path), run, known) for run in runs if (known := earlier_run.recorded(run)) is not None]
    return [(earlier, later, known) for earlier, later, known in found if earlier is not None]


def compare(
    earlier: RunFolder, later: RunFolder, known: Recorded, detector: Callable[[RunFolder], Detect] | None = None
) -> Comparison:
    """Measures the best weights of both runs; `detector` makes of a run what finds objects in an image.

    Images that are gone, or have changed, are left out for both runs, and named in a note.
    """
    make = detector or _detector
    detectors = {run.path: make(run) for run in (earlier, later)}
    measured, notes = [], []
    for what, examples, labels in (
        (f"validation images of {earlier.path}", known.validation, known.labels),
        (f"validation images of {later.path}", later.dataset().validation, later.labels()),
    ):
        there, missing = _there(examples)
        if missing:
            left = f"the other {len(there)} are measured" if there else "nothing can be measured on them"
            notes.append(f"{len(missing)} of the {len(examples)} {what} are gone or have changed, {missing[0].image} for one: {left}")
        if not there:
            continue
        truth = GroundTruth.from_examples(there, labels)
        figures = []
        for run in (earlier, later):
            knows = run.labels().names
            per_class = truth.measure({example.id: detectors[run.path](example) for example in there}).per_class
            figures.append({name: ap if name in knows else None for name, ap in per_class.items()})
        present = {box.label for example in there for box in example.boxes}
        old, new = ({name: ap for name, ap in found.items() if name in present} for found in figures)
        measured.append(Measured(what, len(there), len(examples), old, new))
    return Comparison(str(earlier.path), str(later.path), tuple(measured), tuple(notes))


def _there(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """The examples whose images can be read as they were, and the others."""
    there, missing = [], []
    for example in examples:
        try:
            images.load(example)
            there.append(example)
        except InputError:
            missing.append(example)
    return there, missing


def _detector(run: RunFolder) -> Detect:
    from train.evaluation.checkpoint_detector import CheckpointDetector

    detect = CheckpointDetector(run.checkpoint, run.size(), run.labels(), tiles=run.tiles())
    return lambda example: detect(images.load(example))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""What conversion and evaluation return: values that show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.common.errors import InputError
from train.evaluation.coco import FIGURES, Metrics
from train.pages import html

_CLASSES = 40


@dataclass(frozen=True)
class ExportedFile:
    """A .tflite file that was written.

    `kind` is a name such as "int8", or "int8_raw" for the twin without post-processing. `bytes` is its size. `ap` and
    `ap50` are measured on the validation images, None where there are none. `score` is the threshold where F1 is
    highest, which the file carries; None where nothing was measured.
    """

    kind: str
    path: Path
    bytes: int
    ap: float | None = None
    ap50: float | None = None
    score: float | None = None

    def __fspath__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class Export:
    """An export folder: the files that were written, as a table where a notebook shows it.

    `files["int8"]` is the file of that kind, and iterating gives all of them. `checkpoint_ap` is AP of the checkpoint
    that they were made of, None where it is not known.
    """

    folder: Path
    files: tuple[ExportedFile, ...]
    checkpoint_ap: float | None = None

    def __iter__(self) -> Iterator[ExportedFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, kind: str) -> ExportedFile:
        """The file of `kind`. Raises InputError where there is none."""
        for file in self.files:
            if file.kind == kind:
                return file
        raise InputError(f"{self.folder}: no file of kind {kind!r}; there are: {', '.join(file.kind for file in self.files)}")

    def _repr_html_(self) -> str:
        """Kind, file, size and accuracy of each."""
        rows = [
            (
                file.kind, file.path.name, f"{file.bytes / 1e6:.2f} MB", _figure(file.ap), _figure(file.ap50),
                _change(file.ap, self.checkpoint_ap), "-" if file.score is None else f"{file.score:.2f}",
            )
            for file in self.files
        ]  # fmt: skip
        head = ("kind", "file", "size", "AP", "AP50", "AP against the checkpoint", "score threshold")
        return html.fragment(html.header("Export", str(self.folder)), html.section("Files", html.table(head, rows)))


@dataclass(frozen=True)
class Evaluation:
    """COCO figures of a file, a run or a checkpoint, as tables where a notebook shows them.

    `target` is what was measured, `about` says on which images.
    """

    target: str
    about: str
    metrics: Metrics

    @property
    def ap(self) -> float | None:
        """AP, 0..1: the mean over IoU 0.50 to 0.95."""
        return self.metrics["AP"]

    def _repr_html_(self) -> str:
        """The twelve figures, and AP of each class."""
        metrics = self.metrics
        ranked = sorted(metrics.per_class, key=lambda name: -(metrics.per_class[name] or 0.0))
        classes = [(name, _figure(metrics.per_class[name]), _figure(metrics.per_class_50.get(name))) for name in ranked[:_CLASSES]]
        more = len(ranked) - _CLASSES
        return html.fragment(
            html.header("Evaluation", self.target, f"{metrics.images:,} images: {self.about}"),
            html.tiles((name, _figure(metrics[name]), None) for name in FIGURES),
            html.section(
                "Classes",
                html.table(("class", "AP", "AP50"), classes),
                note=f"{more} classes of lower AP are not shown." if more > 0 else None,
            ),
        )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _change(after: float | None, before: float | None) -> str:
    return "-" if after is None or before is None else f"{after - before:+.3f}"

"""A run that was trained: its figures and files, and its curves in a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset.dataset import Dataset
from train.evaluation.coco import Metrics
from train.pages import curves, html
from train.pages.html import tag
from train.run import history, run_folder
from train.run.history import History

_CLASSES = 20


@dataclass(frozen=True, repr=False)
class Run:
    """A training run, with its curves as HTML where a notebook shows it.

    `folder` is the run's folder (`train.run.run_folder` lists its files). `metrics` are those of the best weights on the
    validation images, `history` has losses and metrics step by step. Functions that take the path of a run also take
    the run itself.
    """

    folder: Path
    labels: Labels
    metrics: Metrics
    history: History

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"<Run {self.folder}: AP {_figure(self.metrics['AP'])}, AP50 {_figure(self.metrics['AP50'])}>"

    @property
    def ap(self) -> float | None:
        """COCO's AP of the best weights, 0..1: the mean over IoU 0.50 to 0.95. None if nothing is labelled."""
        return self.metrics["AP"]

    @property
    def checkpoint(self) -> Path:
        """Folder of the best weights. Raises InputError if it is gone."""
        return self._files.checkpoint

    @property
    def report(self) -> Path:
        """The page with curves, the confusion matrix and the images with most errors, written if it is not there.

        Raises InputError if the run's files are damaged.
        """
        from train.report import page

        path = self.folder / "report.html"
        return path if path.is_file() else page.write(self._files)

    def dataset(self) -> Dataset:
        """The data set that it was trained on. Raises InputError if the run's files are damaged."""
        return self._files.dataset()

    @property
    def _files(self) -> run_folder.RunFolder:
        return run_folder.RunFolder(self.folder)

    def _repr_html_(self) -> str:
        """Figures, curves, and AP of each class."""
        metrics = self.metrics
        ranked = sorted(self.labels, key=lambda label: -(metrics.per_class.get(label) or 0.0))
        rows = [
            (label, _figure(metrics.per_class.get(label)), _figure(metrics.per_class_50.get(label)))
            for label in ranked[:_CLASSES]
        ]
        more = len(ranked) - _CLASSES
        past = self.history
        drawn = curves.figures(past.training, past.validations) if past.training or past.validations else ()
        return html.fragment(
            html.header("Training run", self.folder.name, str(self.folder)),
            html.tiles(
                (
                    ("AP", _figure(metrics["AP"]), "mean over IoU 0.50 to 0.95"),
                    ("AP50", _figure(metrics["AP50"]), "at IoU 0.50"),
                    ("Validation images", f"{metrics.images:,}", None),
                    ("Classes", f"{len(self.labels):,}", None),
                )
            ),
            html.section("Progress", tag("div", drawn, class_="charts")),
            html.section(
                "Classes",
                html.table(("class", "AP", "AP50"), rows),
                note=f"{more} classes of lower AP are not shown." if more > 0 else None,
            ),
        )


def open_run(path: str | os.PathLike[str]) -> Run:
    """The run in the folder `path`, also one that the command trained.

    The metrics of a run that has not ended are those of its best validation so far. Raises InputError if `path` is no
    run, or nothing has been validated in it yet.
    """
    files = run_folder.open_run(path)
    past = history.read(files.path)
    if not files.has_ended and not past.validations:
        raise InputError(f"{files.path}: nothing has been validated in this run yet; wait for its first validation")
    values = files.metrics() if files.has_ended else max(past.validations, key=lambda line: line["AP"] or 0.0)
    return Run(files.path, files.labels(), _metrics(values), past)


def _metrics(values: Mapping[str, Any]) -> Metrics:
    # Runs of early versions have no figures of classes.
    return Metrics.from_dict({"per_class": {}, "per_class_50": {}, **values})


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

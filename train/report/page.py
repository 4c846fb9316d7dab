"""The HTML page of a training run: curves, classes, confusion matrix, worst images, data and settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from runtime.common.command import spelling
from train.dataset.examples.example import Example
from train.evaluation import error_analysis
from train.evaluation.error_analysis import IOU, Curve
from train.pages import charts, curves, html
from train.pages.html import Markup, tag
from train.report import detection_errors
from train.report.contents import Report, gather
from train.run.progress import clock
from train.run.run_folder import RunFolder
from train.run.settings import flat

_CLASSES = 60
_CURVES = 7
_LEFT_OUT = 50


def write(run: RunFolder, *, progress: bool = False) -> Path:
    """Writes the run's `report.html` and returns its path. Raises InputError as `gather` does."""
    path = run.path / "report.html"
    html.write(path, render(gather(run, progress=progress)))
    return path


def render(report: Report) -> str:
    """Returns the page as a self-contained HTML document."""
    return html.page(
        f"{report.name}: training run",
        _header(report),
        _progress(report),
        _classes(report),
        _precision_and_recall(report),
        detection_errors.confusion_matrix(report),
        detection_errors.worst_images(report),
        _data(report),
        _settings(report),
        tag("footer", "Written by ", tag("code", spelling("report", "train.report")), "."),
    )


def _header(report: Report) -> Markup:
    metrics, data = report.metrics, report.dataset
    lead: list[object] = [f"{data.name}: {len(data.train):,} images to train, {len(data.validation):,} to validate on"]
    if not report.ended:
        lead.insert(0, [tag("span", "not ended", class_="badge warning"), " "])
    steps = metrics.get("steps") or flat(report.config).get("trainer.train_steps", "")
    return tag(
        "div",
        html.header("Training run", report.name, lead),
        html.tiles(
            (
                ("AP", _figure(metrics["AP"]), "mean over IoU 0.50 to 0.95"),
                ("AP50", _figure(metrics["AP50"]), "at IoU 0.50"),
                ("Best F1", _figure(_best_f1(report)), f"at score {report.score:.2f}"),
                ("Best step", f"{metrics['step']:,}", f"of {int(steps):,}" if str(steps).isdecimal() else None),
                ("Time", clock(_seconds(report)), "h:mm:ss" if _seconds(report) >= 3600 else "m:ss"),
                ("Speed", f"{metrics['images_per_second']:.1f}", "images a second")
                if "images_per_second" in metrics
                else ("Classes", len(data.labels), None),
            )
        ),
    )


def _seconds(report: Report) -> float:
    lines = (*report.history.training, *report.history.validations)
    return report.metrics["seconds"] if report.ended else max((line.get("seconds", 0.0) for line in lines), default=0.0)


def _best_f1(report: Report) -> float | None:
    everything = error_analysis.pooled(report.curves.values())
    return float(everything.f1.max()) if len(everything.f1) else None


def _progress(report: Report) -> Markup:
    training, validations = report.history.training, report.history.validations
    if not training and not validations:
        return html.section("Progress", note="This run has no history.jsonl, so its curves are not known.")
    note = "Faint lines are the losses, strong lines their running means." if training else None
    return html.section("Progress", tag("div", curves.figures(training, validations), class_="charts"), note=note)


def _classes(report: Report) -> Markup:
    per_class, at_50 = report.metrics["per_class"], report.metrics.get("per_class_50", {})
    trained = _boxes(report.dataset.train)
    ranked = sorted(report.dataset.labels, key=lambda label: (per_class.get(label) is None, -(per_class.get(label) or 0.0)))
    rows = []
    for label in ranked[:_CLASSES]:
        curve = report.curves[label]
        precision, recall = curve.at(report.score)
        rows.append(
            tag(
                "tr",
                tag("th", label, scope="row"),
                tag("td", html.bar(per_class.get(label) or 0.0), class_="bars"),
                [
                    tag("td", cell)
                    for cell in (
                        _figure(per_class.get(label)),
                        _figure(at_50.get(label)),
                        _figure(precision),
                        _figure(recall),
                        f"{curve.boxes:,}",
                        f"{trained[label]:,}",
                    )
                ],
            )
        )
    names = ("class", "", "AP", "AP50", "precision", "recall", "boxes validated", "boxes trained")
    more = f" {len(ranked) - _CLASSES} classes of lower AP are not shown." if len(ranked) > _CLASSES else ""
    return html.section(
        "Classes",
        html.bar_table(names, rows),
        note=f"Precision and recall count detections of score {report.score:.2f} and more, at IoU {IOU:g}.{more}",
    )


def _precision_and_recall(report: Report) -> Markup:
    everything = error_analysis.pooled(report.curves.values())
    if not len(everything.scores):
        return html.section("Precision and recall", note="The best weights detected nothing.")
    ranked = sorted(report.curves, key=lambda label: (-report.curves[label].boxes, label))
    if len(ranked) == 1:
        shown = [(ranked[0], "c0", report.curves[ranked[0]])]
    else:
        shown = [(label, f"c{i}", report.curves[label]) for i, label in enumerate(ranked[: _CURVES])]
    by_class = charts.lines(
        [charts.Series(label, _envelope(curve), style) for label, style, curve in shown],
        "recall", "precision", y_max=1.0, x_max=1.0, width=charts.WIDE,
    )  # fmt: skip
    parts = (("precision", "c0", everything.precision), ("recall", "c1", everything.recall), ("F1", "c2", everything.f1))
    by_score = charts.lines(
        [charts.Series(name, tuple(curves.thinned(list(zip(everything.scores, values)))), style) for name, style, values in parts],
        "score", "share", y_max=1.0, x_max=1.0, marks=[charts.VerticalLine(report.score, f"{report.score:.2f}")],
        width=charts.WIDE,
    )  # fmt: skip
    precision, recall = everything.at(report.score)
    rest = f" The {len(shown)} classes with the most boxes are shown." if len(ranked) > len(shown) else ""
    return html.section(
        "Precision and recall",
        tag(
            "div",
            html.figure(by_class, "By class", [(style, label) for label, style, _ in shown]),
            html.figure(by_score, "All classes, by score threshold", [(style, name) for name, style, _ in parts]),
            class_="charts two",
        ),
        note=[
            f"F1 is highest at a score threshold of {report.score:.2f}: precision is {_percent(precision)} there, recall"
            f" {_percent(recall)}. To detect with this threshold: ",
            tag("code", f"{spelling('run', 'runtime')} FILE --score {report.score:.2f}"),
            rest,
        ],
    )


def _data(report: Report) -> Markup:
    data = report.dataset
    train, validation = _boxes(data.train), _boxes(data.validation)
    rows: list[Sequence[object]] = [
        ("images", f"{len(data.train):,}", f"{len(data.validation):,}"),
        ("without a box", *(f"{sum(not example.boxes for example in part):,}" for part in (data.train, data.validation))),
        ("boxes", f"{sum(train.values()):,}", f"{sum(validation.values()):,}"),
    ]
    content: list[object] = [html.table((data.name, "train", "validation"), rows)]
    if data.problems:
        shown = [tag("li", line) for line in data.problems[:_LEFT_OUT]]
        more = len(data.problems) - _LEFT_OUT
        content.append(
            tag(
                "details",
                tag("summary", f"{len(data.problems)} notes on data that was left out"),
                tag("ul", shown, tag("li", f"and {more:,} more") if more > 0 else None),
            )
        )
    return html.section("Data set", content)


def _settings(report: Report) -> Markup:
    rows = list(flat(report.config).items())
    options = list(flat(report.config.get("options", {})).items())
    timings = [(name, report.metrics[name]) for name in ("step", "steps", "seconds", "images_per_second") if name in report.metrics]
    figures = [(name, _figure(value)) for name, value in report.metrics.items() if isinstance(value, float) and name[:2] in ("AP", "AR")]
    return html.section(
        "Settings and figures",
        html.table(("option", "value"), options, class_="words") if options else None,
        tag("details", tag("summary", "All figures"), html.table(("figure", "value"), [*figures, *timings])),
        tag("details", tag("summary", "All settings"), html.table(("setting", "value"), rows, class_="words")),
    )


def _boxes(examples: Iterable[Example]) -> Counter[str]:
    return Counter(item.label for example in examples for item in example.boxes)


def _envelope(curve: Curve) -> tuple[charts.Point, ...]:
    """Returns the highest precision at each recall or a higher one, as in COCO's AP."""
    if not len(curve.scores) or not curve.boxes:
        return ()
    recall, precision = curve.recall, np.maximum.accumulate(curve.precision[::-1])[::-1]
    points = list(zip(recall.tolist(), precision.tolist()))
    return ((0.0, points[0][1]), *curves.thinned(points))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"

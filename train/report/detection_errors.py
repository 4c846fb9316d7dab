"""The sections on detection errors in the page of a training run: confusion matrix and worst images."""

from __future__ import annotations

import numpy as np

from runtime.common.values import Detection
from train.evaluation import error_analysis
from train.evaluation.error_analysis import IOU, Outcome
from train.pages import html
from train.pages.html import Markup, tag
from train.pages.thumbnails import BoxOverlay, thumbnail
from train.report.contents import Report

_MATRIX = 20
_WORST = 20
# With more errors than this the names beside the boxes would cover the image.
_NAMED = 8

# Classes of `style.css` for boxes.
_CORRECT, _FALSE, _CONFUSED, _MISSED, _LABELLED = "s2", "s1", "s4", "s3", "s7"


def confusion_matrix(report: Report) -> Markup:
    """Returns the section with the confusion matrix at the score threshold of the report."""
    labels = report.dataset.labels
    counts = error_analysis.confusion(report.outcomes, labels)
    names = [*labels, "nothing"]
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    kept = list(range(len(names)))
    if len(names) > _MATRIX:
        # The classes with the most errors, in the labels' order, and the background.
        worst = sorted(np.argsort(-wrong[:-1], kind="stable")[: _MATRIX - 1].tolist())
        kept = [*worst, len(names) - 1]
    rows = []
    for i in kept:
        total = max(int(counts[i].sum()), 1)
        cells = [_cell(int(counts[i, j]), counts[i, j] / total, i == j and i < len(labels)) for j in kept[:-1]]
        # The last column counts missed objects; true negatives cannot be counted.
        cells.append(_cell(int(counts[i, -1]), counts[i, -1] / total, False) if i < len(labels) else tag("td", ""))
        rows.append(tag("tr", tag("th", names[i], scope="row"), cells))
    head = tag("tr", tag("th", "labelled \\ found"), [tag("th", names[j]) for j in kept])
    hidden = f" The {len(kept) - 1} classes with the most errors are shown." if len(kept) < len(names) else ""
    return html.section(
        "Confusions",
        tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="matrix"), class_="scroll"),
        note=f"Rows are labels, columns are detections with a score of {report.score:.2f} or more that match them (IoU {IOU:g})."
        " The last column counts missed objects, the last row detections without a label. Darker cells are a larger share of"
        " their row." + hidden,
    )


def _cell(count: int, share: float, correct: bool) -> Markup:
    names = " ".join(name for name, applies in (("right", correct), ("zero", not count)) if applies)
    return tag("td", f"{count:,}", style=f"--v:{share:.2f}", title=f"{share:.0%} of the row", class_=names or None)


def worst_images(report: Report) -> Markup:
    """Returns the section with the validation images that have the most errors."""
    worst = error_analysis.worst(report.outcomes, _WORST)
    legend = (
        (f"hollow {_CORRECT}", "correct"),
        (f"hollow {_LABELLED}", "labelled"),
        (f"hollow {_MISSED}", "missed"),
        (f"dashed {_FALSE}", "false positive"),
        (f"hollow {_CONFUSED}", "wrong class"),
    )
    keys = [tag("span", tag("i", class_=f"key {style}"), name) for style, name in legend]
    return html.section(
        "Worst images",
        tag("p", keys, class_="legend"),
        tag("div", [_outcome(outcome) for outcome in worst], class_="images large"),
        note=f"The validation images with the most errors at score {report.score:.2f}, then those with the lowest IoU."
        " Some errors may be errors of the labels: check the false positives for objects that nobody labelled.",
    )


def _outcome(outcome: Outcome) -> Markup:
    def named(text: str) -> str:
        return text if outcome.errors <= _NAMED else ""

    drawn = [BoxOverlay(item.box, _LABELLED, f"{item.label}, labelled") for item, _ in (*outcome.correct, *outcome.confused)]
    drawn += [BoxOverlay(found.box, _CORRECT, _scored(found)) for _, found in outcome.correct]
    drawn += [BoxOverlay(item.box, _MISSED, f"{item.label}, missed", named(item.label)) for item in outcome.missed]
    drawn += [
        BoxOverlay(found.box, f"{_FALSE} dashed", f"{_scored(found)}, not labelled", named(_scored(found)))
        for found in outcome.false
    ]
    drawn += [
        BoxOverlay(found.box, _CONFUSED, f"{_scored(found)}, labelled {item.label}", named(f"{found.label}, not {item.label}"))
        for item, found in outcome.confused
    ]
    counts = (
        (len(outcome.missed), "missed"),
        (len(outcome.false), "not labelled"),
        (len(outcome.confused), "wrong class"),
        (len(outcome.correct), "correct"),
    )
    summary = ", ".join(f"{count} {what}" for count, what in counts if count)
    if outcome.correct and not outcome.errors:
        summary += f", lowest IoU {outcome.lowest_iou:.2f}"
    name = tag("b", outcome.example.image.name, title=outcome.example.id)
    return thumbnail(outcome.example, drawn, (name, f" {summary}"), 520)


def _scored(found: Detection) -> str:
    return f"{found.label} {found.score:.2f}"

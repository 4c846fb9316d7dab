"""The curves of a training run: losses, average precision and learning rate over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from train.pages import charts, html
from train.pages.html import Markup

# The most points of a curve; more than there are pixels add nothing.
_POINTS = 400

Lines = Sequence[Mapping[str, Any]]


def figures(training: Lines, validations: Lines) -> list[Markup]:
    """Returns the figures of a run that has at least one line.

    `training` and `validations` are the lines of its `history.jsonl`, by rising step. A figure without a point is left
    out.
    """
    last = max(line["step"] for line in (*training, *validations))
    drawn = [_losses(training, last)] if training else []
    drawn += [_precision(validations, last)] if validations else []
    rates = thinned([(line["step"], line["rate"]) for line in training if line.get("rate") is not None])
    if rates:
        rate = charts.lines([charts.Series("rate", tuple(rates), "c3")], "step", "rate", x_max=last)
        drawn.append(html.figure(rate, "Learning rate", [("c3", "as scheduled")]))
    return drawn


def thinned(points: list[charts.Point]) -> list[charts.Point]:
    """Returns at most about 400 of `points`, evenly chosen, the first and the last among them."""
    step = max(1, -(-len(points) // _POINTS))
    return points[::step] + (points[-1:] if points and (len(points) - 1) % step else [])


def _losses(training: Lines, last: int) -> Markup:
    losses = (("loss", "c0", "all"), ("class_loss", "c1", "classes"), ("box_loss", "c2", "boxes"))
    lines, spiky = [], []
    for key, style, name in losses:
        points = thinned([(line["step"], line[key]) for line in training if line.get(key) is not None])
        spiky.append(charts.Series(name, tuple(points), style, faint=True))
        lines.append(charts.Series(name, charts.smoothed(points, max(3, len(points) // 12)), style))
    highest = float(np.percentile([y for one in spiky for _, y in one.points] or [1.0], 99)) * 1.1
    return html.figure(
        charts.lines([*spiky, *lines], "step", "loss", y_max=highest, x_max=last),
        "Loss",
        [(style, name) for _, style, name in losses],
    )


def _precision(validations: Lines, last: int) -> Markup:
    figures = (("AP", "c0"), ("AP50", "c1"))
    series = [
        charts.Series(name, tuple((line["step"], line[name] or 0.0) for line in validations), style, dots=True)
        for name, style in figures
    ]
    return html.figure(
        charts.lines(series, "step", "on the validation images", y_max=1.0, x_max=last),
        "Average precision",
        [(style, name) for name, style in figures],
    )

"""The HTML page of a data set check: findings, class balance, boxes and anchors, sample images."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np

from runtime.common.command import spelling
from train.check.checks import FAILURE, OK, SEVERITIES, WARNING, Finding, counted
from train.check.statistics.dataset_statistics import SPLITS, DatasetStatistics
from train.geometry.head import POSITIVE_IOU
from train.pages import charts, html, sampling
from train.pages.html import Markup, tag
from train.pages.thumbnails import BoxOverlay, thumbnail

_SAMPLE = 36
_OF_A_FINDING = 6
_PLACES = 5
_BARS = 40
_DOTS = 1500
# The number of distinct colors; the remaining classes share the last one.
_COLORS = 8

_UNMATCHED = "c1"
_MATCHED = "c0"


def write(statistics: DatasetStatistics, findings: Sequence[Finding], path: str | os.PathLike[str]) -> None:
    """Writes the page to `path`. Raises KitError if it cannot be written."""
    html.write(path, render(statistics, findings))


def render(statistics: DatasetStatistics, findings: Sequence[Finding]) -> str:
    """Returns the page as a self-contained HTML document."""
    styles = class_styles(statistics)
    sections = [_findings(statistics, findings, styles)]
    if statistics.labels:
        sections += [_balance(statistics, styles), _boxes(statistics)]
    if statistics.images:
        sections.append(_images(statistics, styles))
    return html.page(f"{statistics.name}: data set check", _header(statistics, findings), *sections, _footer())


def class_styles(statistics: DatasetStatistics) -> dict[str, int]:
    """Returns a color number for each class, in the order of frequency in training."""
    counts = statistics.label_counts("train")
    ranked = sorted(statistics.labels, key=lambda label: (-counts[label], label))
    return {label: min(index, _COLORS - 1) for index, label in enumerate(ranked)}


def _header(statistics: DatasetStatistics, findings: Sequence[Finding]) -> Markup:
    counted = {kind: sum(found.severity == kind for found in findings) for kind in (FAILURE, WARNING)}
    worst = FAILURE if counted[FAILURE] else WARNING if counted[WARNING] else OK
    verdict = {
        FAILURE: "should not be trained as it is",
        WARNING: "can be trained; look at the warnings",
        OK: "can be trained",
    }[worst]
    train, validation = (len(statistics.in_split(split)) for split in SPLITS)
    return tag(
        "div",
        html.header("Data set check", statistics.name, tag("span", verdict, class_=f"badge {worst}")),
        html.tiles(
            (
                ("Images", f"{train + validation:,}", f"{train:,} train, {validation:,} validation"),
                ("Boxes", f"{len(statistics.boxes.label):,}", _boxes_per_image(statistics)),
                ("Classes", f"{len(statistics.labels):,}", None),
                ("Failures", counted[FAILURE], None),
                ("Warnings", counted[WARNING], None),
                ("Network's input", f"{statistics.size}", f"{statistics.size.about} pixels, {statistics.network.facts.title}"),
            )
        ),
    )


def _boxes_per_image(statistics: DatasetStatistics) -> str | None:
    return f"{len(statistics.boxes.label) / len(statistics.images):.1f} an image" if statistics.images else None


def _findings(statistics: DatasetStatistics, findings: Sequence[Finding], styles: dict[str, int]) -> Markup:
    ranked = sorted(findings, key=lambda found: SEVERITIES.index(found.severity))
    return html.section("Findings", [_finding(statistics, found, styles) for found in ranked])


def _finding(statistics: DatasetStatistics, found: Finding, styles: dict[str, int]) -> Markup:
    content: list[object] = [tag("p", found.what, class_="what")]
    if found.severity != OK:
        if found.where:
            more = found.places - _PLACES
            places = [tag("li", place) for place in found.where[:_PLACES]]
            content.append(tag("ul", places, tag("li", f"and {more:,} more") if more > 0 else None))
        if found.do:
            content.append(tag("p", "What to do: ", found.do, class_="do"))
        if found.command:
            content.append(tag("pre", found.command))
        if found.images:
            shown = [_annotated(statistics, index, styles, 220) for index in found.images[:_OF_A_FINDING]]
            content.append(tag("div", shown, class_="images small"))
    side = tag(
        "div", tag("span", found.severity, class_=f"badge {found.severity}"), tag("div", found.check, class_="about")
    )
    return tag("div", side, tag("div", content), class_=f"finding {found.severity}")


def _balance(statistics: DatasetStatistics, styles: dict[str, int]) -> Markup:
    train, validation = (statistics.label_counts(split) for split in SPLITS)
    images = dict.fromkeys(statistics.labels, 0)
    for entry in statistics.images:
        for label in {item.label for item in entry.example.boxes}:
            images[label] += 1
    unmatched = np.bincount(statistics.boxes.label[statistics.boxes.best_iou < POSITIVE_IOU], minlength=len(statistics.labels))
    ranked = sorted(statistics.labels, key=lambda label: (-train[label], label))
    most = max(train.values()) or 1
    rows = [
        tag(
            "tr",
            tag("th", tag("i", class_=f"chip s{styles[label]}"), label, scope="row"),
            tag("td", html.bar(train[label] / most), class_="bars"),
            tag("td", f"{train[label]:,}"),
            tag("td", f"{validation[label]:,}"),
            tag("td", f"{images[label]:,}"),
            tag("td", f"{unmatched[statistics.labels.index(label)] / max(train[label] + validation[label], 1):.1%}"),
        )
        for label in ranked[:_BARS]
    ]
    names = ("class", "", "boxes to train", "to validate", "images", "no anchor fits")
    note = f"{len(ranked) - _BARS} more classes with fewer boxes are not shown." if len(ranked) > _BARS else None
    return html.section("Class balance", html.bar_table(names, rows), note=note)


def _boxes(statistics: DatasetStatistics) -> Markup:
    size = statistics.size
    sides = statistics.boxes.sides(size)
    fits = statistics.boxes.best_iou >= POSITIVE_IOU
    longest = max(size)
    shapes = [] if statistics.head.points else [shape for level in statistics.head.levels for shape in level.shapes]
    legend = ((_MATCHED, "an anchor fits"), (_UNMATCHED, "none fits"))
    lengths = np.sqrt(np.maximum(sides.prod(axis=1), 1e-6))
    # The axis begins at the smallest box or, if that is larger, low enough for the smallest anchor.
    least = min(2.0 ** math.floor(math.log2(max(sides.min(), 1.0))), 16.0)
    scales = sorted({round(math.sqrt(h * w), 1) for h, w in shapes})
    edges, counts = _binned(lengths, fits, least, longest, 24)
    by_size = charts.histogram(
        edges,
        counts,
        x="square root of the area, pixels of the network's input",
        y="boxes",
        marks=[charts.VerticalLine(scale, f"{scale:.0f}" if i % 2 == 0 else "") for i, scale in enumerate(scales) if scale <= longest],
        about="How many boxes there are of each size, and the anchors' sizes",
    )
    aspects = sides[:, 0] / np.maximum(sides[:, 1], 1e-6)
    edges, counts = _binned(aspects, fits, 1 / 8, 8, 24)
    by_aspect = charts.histogram(
        edges,
        counts,
        x="height / width in the network's input",
        y="boxes",
        marks=[charts.VerticalLine(ratio, text) for ratio, text in ((0.5, "1:2"), (1, "1:1"), (2, "2:1"))],
        about="How many boxes there are of each aspect ratio, and the anchors' aspect ratios",
    )
    step = max(1, math.ceil(len(sides) / _DOTS))
    dots = [
        (style, [(w, h) for h, w in sides[chosen][::step]]) for style, chosen in ((_MATCHED, fits), (_UNMATCHED, ~fits))
    ]
    by_both = charts.scatter(
        dots, "width, pixels of the network's input", "height", low=least, high=longest,
        crosses=[(w, h) for h, w in shapes if max(h, w) <= longest],
        about="Widths and heights of the boxes, and the anchors",
    )  # fmt: skip
    return html.section(
        f"Boxes and anchors at {size.about}",
        tag(
            "div",
            html.figure(by_size, "Size", (*legend, ("anchor", "anchors"))),
            html.figure(by_aspect, "Shape", (*legend, ("anchor", "anchors"))),
            html.figure(by_both, "Width and height", (*legend, ("plus", "anchors"))),
            class_="charts",
        ),
        note="The detector starts from boxes of fixed sizes and shapes, its anchors. A labelled box that reaches"
        f" IoU {POSITIVE_IOU:g} with none of them is learned through a single anchor, which is little. Sizes are in pixels"
        " of the network's input: every image is scaled to that size first.",
    )


def _binned(
    values: np.ndarray, fits: np.ndarray, low: float, high: float, bins: int
) -> tuple[list[float], list[tuple[str, list[int]]]]:
    """Returns the edges of logarithmic bins, and (style, counts per bin) of matched and of unmatched boxes."""
    edges = np.geomspace(low, high, bins + 1)
    values = np.clip(values, low, high)
    counts = [(style, np.histogram(values[chosen], edges)[0].tolist()) for style, chosen in ((_MATCHED, fits), (_UNMATCHED, ~fits))]
    return edges.tolist(), counts


def _images(statistics: DatasetStatistics, styles: dict[str, int]) -> Markup:
    chosen = sample(statistics, _SAMPLE)
    ranked = sorted(styles, key=lambda label: styles[label])
    legend = [
        tag("span", tag("i", class_=f"chip s{styles[label]}"), label if i < _COLORS - 1 or len(ranked) == _COLORS else "other classes")
        for i, label in enumerate(ranked[:_COLORS])
    ]
    return html.section(
        "Images",
        tag("p", legend, class_="legend"),
        tag("div", [_annotated(statistics, index, styles, 360) for index in chosen], class_="images"),
        note=f"{counted(len(chosen), 'image')}, some of every class, with the boxes that training will use."
        " Point at a box to see its class.",
    )


def sample(statistics: DatasetStatistics, most: int) -> list[int]:
    """Returns the indices of at most `most` images to show (see `sampling.sample`)."""
    return sampling.sample([entry.example for entry in statistics.images], statistics.labels, most)


def _annotated(statistics: DatasetStatistics, index: int, styles: dict[str, int], width: int) -> Markup:
    entry = statistics.images[index]
    drawn = [BoxOverlay(item.box, f"s{styles[item.label]}", item.label) for item in entry.example.boxes]
    caption = (
        tag("b", entry.example.image.name, title=statistics.location(index)),
        f" {entry.split}, {counted(len(drawn), 'box', 'boxes') if drawn else 'no box'}",
    )
    return thumbnail(entry.example, drawn, caption, width)


def _footer() -> Markup:
    return tag("footer", "Written by ", tag("code", spelling("check", "train.check")), ".")

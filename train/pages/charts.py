"""Charts as inline SVG: line charts, stacked histograms and scatter plots.

Colors are classes of `style.css`, such as `c0`, so that a chart follows the reader's light or dark theme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from train.pages.html import Markup, tag

# Widths in SVG units: three narrow or two wide charts fit side by side, with the same font size.
NARROW, WIDE = 400, 570
_HEIGHT = 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 22, 44

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A line through `points`; `style` is the class of its color, `dots` draws a dot at each point."""

    name: str
    points: tuple[Point, ...]
    style: str
    dots: bool = False
    faint: bool = False


@dataclass(frozen=True)
class VerticalLine:
    """A vertical line at the value `x` with a short text at its top."""

    x: float
    text: str = ""


class Axis:
    """A mapping of values from `low` to `high` to coordinates from `start` to `end`.

    It is logarithmic if `log`, with ticks at powers of `base`.
    """

    def __init__(self, low: float, high: float, start: float, end: float, log: bool = False, base: int = 2):
        self._change = math.log2 if log else float
        self.low, self.high, self.log, self.base = low, high if high > low else low + 1, log, base
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Returns the coordinate of a value, which is clipped to the axis."""
        low, high = self._change(self.low), self._change(self.high)
        share = (self._change(min(max(value, self.low), self.high)) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Returns about `most` round values: powers of the base if logarithmic, else multiples of 1, 2 or 5 times 10^n."""
        if self.log:
            low, high = (math.log2(value) / math.log2(self.base) for value in (self.low, self.high))
            powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
            every = max(1, math.ceil(len(powers) / (most + 2)))
            return [float(self.base) ** power for power in powers if power % every == 0]
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def lines(
    series: Sequence[Series],
    x: str,
    y: str,
    *,
    y_max: float | None = None,
    x_max: float | None = None,
    x_min: float | None = None,
    marks: Sequence[VerticalLine] = (),
    width: int = NARROW,
    about: str = "",
) -> Markup:
    """Returns a line chart; both axes start at 0.

    `x` and `y` are the axes' titles. The axes end at `x_max` and `y_max`, by default at the largest values. With
    `x_min`, above 0, the x axis starts there and is logarithmic.
    `about` is the text for screen readers.
    """
    points = [point for one in series for point in one.points]
    right = x_max if x_max is not None else max((point[0] for point in points), default=1)
    top = y_max if y_max is not None else 1.05 * max((point[1] for point in points), default=1)
    across, up = _axes(0, right, 0, top, width)
    if x_min is not None:
        across = Axis(x_min, right, across.start, across.end, log=True, base=10)
    drawn: list[object] = [_grid(across, up, x, y)]
    for one in series:
        places = [(across(a), up(b)) for a, b in one.points]
        drawn.append(
            tag("polyline", points=_path(places), class_=f"line {one.style}" + (" faint" if one.faint else ""))
        )
        if one.dots:
            drawn += [
                tag("circle", tag("title", f"{one.name}: {b:.3f} at {a:g}"), cx=_(px), cy=_(py), r=3, class_=f"dot {one.style}")
                for (a, b), (px, py) in zip(one.points, places)
            ]
    drawn += [_vertical_line(mark, across) for mark in marks]
    return _svg(drawn, about or f"{y} over {x}", width)


def histogram(
    edges: Sequence[float],
    counts: Sequence[tuple[str, Sequence[int]]],
    x: str,
    y: str,
    *,
    marks: Sequence[VerticalLine] = (),
    about: str = "",
) -> Markup:
    """Returns a stacked histogram with a logarithmic x axis.

    `edges` are the edges of the N bins, [N + 1]; `counts` has a pair (style, count in each bin) per layer,
    from the bottom up.
    """
    totals = [sum(column) for column in zip(*(values for _, values in counts))]
    across, up = _axes(edges[0], edges[-1], 0, 1.12 * max(totals, default=1), log_x=True)
    drawn: list[object] = [_grid(across, up, x, y)]
    below = [0] * len(totals)
    for style, values in counts:
        for i, value in enumerate(values):
            if value:
                left, right = across(edges[i]), across(edges[i + 1])
                top, bottom = up(below[i] + value), up(below[i])
                what = f"{value:,} from {edges[i]:.3g} to {edges[i + 1]:.3g}"
                drawn.append(
                    tag(
                        "rect", tag("title", what), x=_(left + 0.5), y=_(top), width=_(max(right - left - 1, 0.5)),
                        height=_(bottom - top), class_=f"fill {style}",
                    )
                )  # fmt: skip
            below[i] += value
    drawn += [_vertical_line(mark, across) for mark in marks]
    return _svg(drawn, about or f"{y} by {x}")


def scatter(
    points: Sequence[tuple[str, Sequence[Point]]],
    x: str,
    y: str,
    *,
    low: float,
    high: float,
    crosses: Sequence[Point] = (),
    about: str = "",
) -> Markup:
    """Returns a scatter plot with two logarithmic axes from `low` to `high`.

    `points` has a pair (style, points) per cloud; `crosses` are drawn over them.
    """
    across, up = _axes(low, high, low, high, log_x=True, log_y=True)
    drawn: list[object] = [_grid(across, up, x, y)]
    for style, places in points:
        drawn.append(
            tag("g", [tag("circle", cx=_(across(a)), cy=_(up(b)), r=2.2) for a, b in places], class_=f"cloud {style}")
        )
    for a, b in crosses:
        px, py = across(a), up(b)
        drawn.append(tag("path", d=f"M{_(px - 4)} {_(py)}h8M{_(px)} {_(py - 4)}v8", class_="cross"))
    return _svg(drawn, about or f"{y} over {x}")


def smoothed(points: Sequence[Point], width: int) -> tuple[Point, ...]:
    """Returns the running mean over `width` points; the window is centered, and smaller at both ends."""
    half = width // 2
    result = []
    for i, (x, _) in enumerate(points):
        reach = min(half, i, len(points) - 1 - i)
        near = points[i - reach : i + reach + 1]
        result.append((x, sum(value for _, value in near) / len(near)))
    return tuple(result)


def _axes(
    x_low: float,
    x_high: float,
    y_low: float,
    y_high: float,
    width: int = NARROW,
    log_x: bool = False,
    log_y: bool = False,
) -> tuple[Axis, Axis]:
    return (
        Axis(x_low, x_high, _LEFT, width - _RIGHT, log_x),
        Axis(y_low, y_high, _HEIGHT - _BOTTOM, _TOP, log_y),
    )


def _grid(across: Axis, up: Axis, x: str, y: str) -> Markup:
    left, right, bottom = across.start, across.end, up.start
    parts: list[object] = []
    for value in up.ticks(5):
        at = _(up(value))
        parts.append(tag("line", x1=left, x2=right, y1=at, y2=at, class_="grid"))
        parts.append(tag("text", _number(value), x=left - 6, y=_(up(value) + 4), text_anchor="end"))
    for value in across.ticks():
        at = _(across(value))
        parts.append(tag("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="tick"))
        parts.append(tag("text", _number(value), x=at, y=bottom + 19, text_anchor="middle"))
    parts.append(tag("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    parts.append(tag("text", x, x=(left + right) / 2, y=_HEIGHT - 5, text_anchor="middle"))
    parts.append(tag("text", y, x=0, y=12))
    return tag("g", parts)


def _vertical_line(line: VerticalLine, across: Axis) -> Markup:
    at = _(across(line.x))
    return tag(
        "g",
        tag("line", x1=at, x2=at, y1=_TOP - 4, y2=_HEIGHT - _BOTTOM),
        tag("text", line.text, x=at, y=_TOP - 9, text_anchor="middle"),
        class_="mark",
    )


def _svg(content: Sequence[object], about: str, width: int = NARROW) -> Markup:
    return tag("svg", content, viewBox=f"0 0 {width} {_HEIGHT}", role="img", aria_label=about)


def _path(places: Sequence[Point]) -> str:
    return " ".join(f"{_(x)},{_(y)}" for x, y in places)


def _(value: float) -> str:
    """Returns a coordinate as text, rounded to a tenth of a pixel to keep the page small."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _number(value: float) -> str:
    if value >= 10_000:
        return f"{value / 1000:,.0f}k" if value % 1000 == 0 else f"{value:,.0f}"
    return f"{value:.4g}"

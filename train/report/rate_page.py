"""The HTML page of a learning-rate range test: its curve, and the rate that it suggests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runtime.common.command import spelling
from train.pages import charts, html
from train.pages.html import Markup, tag
from train.run.rate_curve import RateCurve


def write(path: Path, name: str, curve: RateCurve, use: str, settings: Sequence[tuple[str, str]]) -> None:
    """Writes the page, completely or not at all.

    Args:
      path: the file to write.
      name: name of the data set.
      curve: the result of the test, which has a suggestion.
      use: the command that trains with the suggested rate.
      settings: names and values of the options of the test.

    Raises KitError if it cannot be written.
    """
    finite = curve.finite()
    figures = (
        ("suggested highest rate", f"{curve.suggestion:.2g}", "for --rate"),
        ("lowest loss at", f"{finite.rates[finite.lowest]:.2g}", f"running mean {min(finite.smoothed):.3f}"),
        ("steps", f"{len(curve.rates)}", "ended where the loss diverged" if curve.diverged else None),
    )
    html.write(
        path,
        html.page(
            f"{name}: learning-rate range test",
            html.header("Learning-rate range test", name, "The loss of single steps while the learning rate grows"),
            html.tiles(figures),
            html.section(
                "Loss by learning rate",
                tag("div", _chart(finite, curve.suggestion), class_="charts two"),
                note=["The suggestion is a tenth of the rate at which the loss was lowest. To use it: ", tag("code", use)],
            ),
            html.section("Settings", html.table(("option", "value"), settings, class_="words")),
            tag("footer", "Written by ", tag("code", spelling("find-rate", "train.find_rate")), "."),
        ),
    )


def _chart(curve: RateCurve, suggestion: float) -> Markup:
    smoothed = curve.smoothed
    lowest = curve.rates[curve.lowest]
    drawing = charts.lines(
        [
            charts.Series("loss", tuple(zip(curve.rates, curve.losses)), "c0", faint=True),
            charts.Series("running mean", tuple(zip(curve.rates, smoothed)), "c0"),
        ],
        "learning rate",
        "loss",
        x_min=min(curve.rates[0], suggestion),
        x_max=curve.rates[-1],
        # Single losses reach any height where it diverges.
        y_max=1.2 * max(smoothed),
        marks=[charts.VerticalLine(suggestion, f"{suggestion:.2g}"), charts.VerticalLine(lowest, f"{lowest:.2g}")],
        width=charts.WIDE,
        about=f"loss over learning rate, lowest at {lowest:.2g}",
    )
    return html.figure(drawing, "Loss of each step, and its running mean", [("c0", "running mean")])

"""A data set as HTML within another document: its classes, and some of its images with their boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from runtime.common.values import Labels
from train.dataset.examples.example import Example
from train.pages import html, sampling
from train.pages.html import Markup, tag
from train.pages.thumbnails import BoxOverlay, thumbnail

_IMAGES = 12
_CLASSES = 20
_WIDTH = 240
# The number of distinct colors; the remaining classes share the last one.
_COLORS = 8
_PROBLEMS = 20


def fragment(
    name: str,
    train: Sequence[Example],
    validation: Sequence[Example],
    labels: Labels,
    *,
    split: str = "",
    problems: Sequence[str] = (),
) -> str:
    """Returns the data set called `name` as HTML to show in a notebook.

    `split` says where the validation images come from, `problems` what was left out. At most 12 images are shown, some
    of every class, and at most 20 classes, those with the most training boxes first.
    """
    counts = [Counter(item.label for example in part for item in example.boxes) for part in (train, validation)]
    ranked = sorted(labels, key=lambda label: (-counts[0][label], label))
    styles = {label: f"s{min(place, _COLORS - 1)}" for place, label in enumerate(ranked)}
    parts = [(example, "train") for example in train] + [(example, "validation") for example in validation]
    chosen = sampling.sample([example for example, _ in parts], labels, _IMAGES)
    lead = f"{len(train):,} images to train, {len(validation):,} to validate" + (f" ({split})" if split else "")
    return html.fragment(
        html.header("Data set", name, lead),
        html.section("Classes", _classes(ranked, counts, styles), _problems(problems)),
        html.section("Images", tag("div", [_image(*parts[place], styles) for place in chosen], class_="images")),
    )


def _classes(ranked: Sequence[str], counts: Sequence[Counter[str]], styles: dict[str, str]) -> Markup:
    most = max(counts[0].values(), default=0) or 1
    rows = [
        tag(
            "tr",
            tag("th", tag("i", class_=f"chip {styles[label]}"), label, scope="row"),
            tag("td", html.bar(counts[0][label] / most), class_="bars"),
            [tag("td", f"{count[label]:,}") for count in counts],
        )
        for label in ranked[:_CLASSES]
    ]
    if rest := ranked[_CLASSES:]:
        totals = [tag("td", f"{sum(count[label] for label in rest):,}") for count in counts]
        rows.append(tag("tr", tag("th", f"{len(rest)} more classes", scope="row"), tag("td"), totals))
    return html.bar_table(("class", "", "boxes to train", "to validate"), rows)


def _problems(problems: Sequence[str]) -> Markup | None:
    if not problems:
        return None
    more = len(problems) - _PROBLEMS
    return tag(
        "details",
        tag("summary", f"{len(problems)} notes on what was left out or decided"),
        tag("ul", [tag("li", line) for line in problems[:_PROBLEMS]], tag("li", f"and {more:,} more") if more > 0 else None),
    )


def _image(example: Example, part: str, styles: dict[str, str]) -> Markup:
    drawn = [BoxOverlay(item.box, styles[item.label], item.label, item.label) for item in example.boxes]
    return thumbnail(example, drawn, (tag("b", example.image.name), f" {part}"), _WIDTH)

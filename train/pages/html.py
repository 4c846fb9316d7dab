"""HTML that cannot be broken by what it shows: whatever is not markup already is escaped."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.common.errors import KitError
from runtime.common.files import write_text

_VOID = {"img", "meta", "br"}
# Even if something slipped through: no script runs, and nothing is fetched.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class Markup(str):
    """Text that is HTML."""


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """An element; content and attributes are escaped unless they are `Markup`.

    `class_` is written class, `stroke_width` stroke-width; an attribute of None is left out. Content
    may be nested lists; None in it is nothing.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(content)}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    """All parts one after the other, escaped where they are not `Markup`."""
    written = []
    for part in parts:
        if isinstance(part, Markup):
            written.append(part)
        elif isinstance(part, (list, tuple)):
            written.append(join(part))
        elif part is not None:
            written.append(html.escape(str(part)))
    return Markup("".join(written))


def page(title: str, *body: object) -> str:
    """A whole document."""
    style = Markup(Path(__file__).with_name("style.css").read_text(encoding="utf-8"))
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", style),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', tag('main', body)), lang='en')}\n"


def write(path: str | os.PathLike, text: str) -> None:
    """Writes a page, whole or not at all. Raises KitError where that cannot be done."""
    try:
        write_text(path, text)
    except OSError as error:
        raise KitError(f"{path}: the page cannot be written: {error.strerror or error}") from error


def header(kind: str, name: str, *lead: object) -> Markup:
    """The top of a page: what it is, of what, and the sentence to read first."""
    return tag("header", tag("p", kind, class_="kind"), tag("h1", name), tag("div", lead, class_="lead"))


def section(title: str, *content: object, note: object = None) -> Markup:
    note = tag("p", note, class_="note") if note else None
    return tag("section", tag("h2", title), note, content)


def tiles(figures: Iterable[tuple[str, object, object]]) -> Markup:
    """Large figures side by side: (name, value, small print or None)."""
    return tag(
        "dl",
        [
            tag("div", tag("dt", name), tag("dd", value), tag("dd", small, class_="small") if small else None)
            for name, value, small in figures
        ],
        class_="tiles",
    )


def table(head: Sequence[object], rows: Iterable[Sequence[object]], class_: str = "figures") -> Markup:
    """A table whose first column is text and whose others are figures, aligned right by the style."""
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in head])),
            tag("tbody", [tag("tr", tag("th", row[0], scope="row"), [tag("td", cell) for cell in row[1:]]) for row in rows]),
            class_=class_,
        ),
        class_="scroll",
    )


def bar(share: float, class_: str = "") -> Markup:
    """A bar of `share` (0..1) of the width that it has."""
    return tag("span", tag("i", style=f"width:{100 * min(max(share, 0.0), 1.0):.1f}%", class_=class_ or None), class_="bar")


def figure(drawing: object, caption: object, legend: Iterable[tuple[str, str]] = ()) -> Markup:
    """A chart with its caption above it, and a legend of (class of the style, name)."""
    keys = [tag("span", tag("i", class_=f"key {class_}"), name) for class_, name in legend]
    return tag("figure", tag("figcaption", caption), tag("p", keys, class_="legend") if keys else None, drawing, class_="chart")

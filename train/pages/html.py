"""HTML elements with automatic escaping: everything that is not `Markup` is escaped."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from runtime.common.errors import KitError
from runtime.common.files import write_text

_VOID = {"img", "meta", "br"}
# A second line of defense: no script runs, and nothing is fetched.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
# The class of HTML within another document.
_FRAGMENT = ".edge-detection-kit"


class Markup(str):
    """Text that is HTML."""


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """Returns an element; content is escaped unless it is `Markup`, attributes always.

    Underscores in attribute names become hyphens, a final one is dropped (`class_`, `stroke_width`).
    Attributes and content that are None are left out. Content may be nested lists.
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
    """Returns all parts joined, escaped unless they are `Markup`."""
    written: list[str] = []
    for part in parts:
        if isinstance(part, Markup):
            written.append(part)
        elif isinstance(part, (list, tuple)):
            written.append(join(part))
        elif part is not None:
            written.append(html.escape(str(part)))
    return Markup("".join(written))


def page(title: str, *body: object) -> str:
    """Returns a complete HTML document."""
    head = (
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", _style()),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', tag('main', body)), lang='en')}\n"


def fragment(*body: object) -> str:
    """Returns HTML to show within another document, such as a notebook, whose own style it leaves alone.

    The rules of the style sheet are nested in the class of the fragment's element (CSS Nesting, in browsers since 2023);
    those of the document's root, body and main element become its own.
    """
    style = re.sub(r"(?m)^( *)(?::root|body|main)(?= *\{)", r"\1&", _style())
    # Named twice, it has precedence over a notebook's rules for tables.
    rules = Markup(f"{_FRAGMENT}{_FRAGMENT} {{\n{style}& {{ padding: 16px 18px 20px; }}\n}}\n")
    return tag("div", tag("style", rules), body, class_=_FRAGMENT.lstrip("."))


def write(path: str | os.PathLike[str], text: str) -> None:
    """Writes a page, completely or not at all. Raises KitError if it cannot be written."""
    try:
        write_text(path, text)
    except OSError as error:
        raise KitError(f"{path}: the page cannot be written: {error.strerror or error}") from error


def header(kind: str, name: str, *lead: object) -> Markup:
    """Returns the header of a page: the kind of page, the name of its subject, and the lead."""
    return tag("header", tag("p", kind, class_="kind"), tag("h1", name), tag("div", lead, class_="lead"))


def section(title: str, *content: object, note: object = None) -> Markup:
    """Returns a section with a title and, if given, a note below it."""
    note = tag("p", note, class_="note") if note else None
    return tag("section", tag("h2", title), note, content)


def tiles(figures: Iterable[tuple[str, object, object]]) -> Markup:
    """Returns large figures side by side; `figures` are (name, value, small print or None)."""
    return tag(
        "dl",
        [
            tag("div", tag("dt", name), tag("dd", value), tag("dd", small, class_="small") if small else None)
            for name, value, small in figures
        ],
        class_="tiles",
    )


def table(head: Sequence[object], rows: Iterable[Sequence[object]], class_: str | None = None) -> Markup:
    """Returns a table whose first column is text and whose other columns are figures, aligned right."""
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


def bar_table(head: Sequence[object], rows: Sequence[Markup]) -> Markup:
    """Returns a table over the full width, for `rows` (elements `tr`) with a label, a `bar` and figures."""
    return tag(
        "div",
        tag("table", tag("thead", tag("tr", [tag("th", name) for name in head])), tag("tbody", rows), class_="wide"),
        class_="scroll",
    )


def bar(share: float, class_: str = "") -> Markup:
    """Returns a horizontal bar that fills `share` (0..1) of its width."""
    return tag("span", tag("i", style=f"width:{100 * min(max(share, 0.0), 1.0):.1f}%", class_=class_ or None), class_="bar")


def figure(drawing: object, caption: object, legend: Iterable[tuple[str, str]] = ()) -> Markup:
    """Returns a chart with a caption above it; `legend` has pairs (class of the style, name)."""
    keys = [tag("span", tag("i", class_=f"key {class_}"), name) for class_, name in legend]
    return tag("figure", tag("figcaption", caption), tag("p", keys, class_="legend") if keys else None, drawing, class_="chart")


def _style() -> Markup:
    return Markup(Path(__file__).with_name("style.css").read_text(encoding="utf-8"))

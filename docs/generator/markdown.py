"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# In texts that aren't Markdown, these mean themselves.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")
_FENCE = re.compile(r"^\s*(```+|~~~+)")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_CODE = re.compile(r"(`+)(?!`)(?:[^`\n]|\n(?!\s*\n)|(?!\1(?!`))`)+\1(?!`)")
# The text may have brackets in brackets, and be broken into lines, but not by an empty one.
_LINK = re.compile(r"\[((?:[^\[\]\n]|\n(?!\s*\n)|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_ATTRIBUTE = re.compile(r"<\w[^<>]*?\s(?:href|src)=\"([^\"]+)\"")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")


class Link(NamedTuple):
    """A link; `target` stands at `start` to `end` of the text, in `line` counted from 1."""

    start: int
    end: int
    line: int
    target: str


def escaped(text: str) -> str:
    """Plain text as Markdown that shows just that. What stands between two backquotes becomes code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if number % 2 else _SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))


def code(text: str) -> str:
    """Text as inline code, also within a table."""
    return f"`{text}`".replace("|", "\\|")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are Markdown of one line."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def block(text: str, language: str = "text") -> str:
    """A code block."""
    return f"```{language}\n{text.rstrip()}\n```"


def prose(text: str) -> str:
    """The same text with code, blocks and comments blanked out; lines and places within them stay.

    Blanked out is what Markdown shows as it is, so that what is left are headings, links and words.
    """
    kept, fence = [], ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and line.strip() == fence else fence
        elif mark:
            fence = mark[1]
        kept.append(_blank(line) if fence or mark else line)
    shown = _COMMENT.sub(lambda match: _blank(match[0]), "\n".join(kept))
    return _CODE.sub(lambda match: _blank(match[0]), shown)


def links(text: str) -> Iterator[Link]:
    """The links and images of a page, also those in HTML, in order."""
    shown = prose(text)
    for match in _LINK.finditer(shown):
        yield Link(match.start(2), match.end(2), text.count("\n", 0, match.start(2)) + 1, match[2])
        yield from (
            Link(
                match.start(1) + inner.start(2),
                match.start(1) + inner.end(2),
                text.count("\n", 0, match.start(1)) + 1,
                inner[2],
            )
            for inner in _LINK.finditer(match[1])
        )
    for match in _ATTRIBUTE.finditer(shown):
        yield Link(match.start(1), match.end(1), text.count("\n", 0, match.start(1)) + 1, match[1])


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def headings(text: str) -> list[tuple[int, str]]:
    """(level, text) of each heading, in order; levels count from 1."""
    shown = zip(prose(text).split("\n"), text.split("\n"))
    found = (_HEADING.match(line) for bare, line in shown if bare.startswith("#"))
    return [(len(match[1]), match[2]) for match in found if match]


def title(text: str) -> str:
    """The first heading of the highest level, without marks of code; "" if there is none."""
    return next((name.replace("`", "") for level, name in headings(text) if level == 1), "")


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("\\", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings; of equal ones the second ends in _1, the third in _2."""
    seen: dict[str, int] = {}
    found = set()
    for _, heading in headings(text):
        name = slug(heading)
        found.add(f"{name}_{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return found

"""Checks for the HTML pages of the kit: well-formed, self-contained, and all text escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# A name that runs a script wherever it is not escaped.
EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(1)>&\"'"
# The name escaped for XML, and a part of it as pages must contain it.
ESCAPED = EVIL.replace("&", "&amp;").replace("<", "&lt;")
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"


class Document(HTMLParser):
    """The tags and attributes of a page. Raises AssertionError where tags are not closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self._open = [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


def assert_harmless(text: str) -> Document:
    """Asserts that a page is well-formed, loads nothing, and runs no script; returns it parsed."""
    document = Document(text)
    assert not {"script", "img", "link", "iframe", "object", "embed"} & set(document.tags)
    assert not [name for name, _ in document.attributes if name.startswith("on")]
    links = [value for name, value in document.attributes if name in ("href", "src", "xlink:href")]
    assert all(re.match(r"data:image/webp;base64,", link) for link in links)
    assert "url(" not in text and "@import" not in text
    return document


def classes_without_style(text: str) -> set[str]:
    """The class names that a page uses and its style sheet doesn't have."""
    style, _, body = text.partition("<style>")[2].partition("</style>")
    used = {name for names in re.findall(r'class="([^"]*)"', body) for name in names.split()}
    return used - set(re.findall(r"\.([a-z][\w-]*)", style))

"""Makes a built site need nothing from the web."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

# Zensical's pages get this from a host, to search where a browser has no workers: in pages opened as files.
_SHIM = re.compile(r'<script src="https://unpkg\.com/iframe-worker/shim"[^>]*></script>')
SCRIPT = "assets/worker-from-file.js"
# What a browser fetches by itself, unlike a link that a person follows.
_FETCHED = {
    "audio": ("src",), "embed": ("src",), "iframe": ("src",), "img": ("src", "srcset"), "link": ("href",),
    "object": ("data",), "script": ("src",), "source": ("src", "srcset"), "track": ("src",), "video": ("src", "poster"),
}  # fmt: skip
_STYLE_URL = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


def localize(site: Path) -> None:
    """Replaces what pages would fetch from a host by a script of the site's own."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        up = "../" * (len(path.relative_to(site).parts) - 1)
        changed = _SHIM.sub(f'<script src="{up}{SCRIPT}"></script>', text)
        if changed != text:
            path.write_text(changed, encoding="utf-8")


def fetched(site: Path) -> list[tuple[str, str]]:
    """(file, address) of everything that a browser would fetch from elsewhere."""
    found = []
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.suffix == ".html":
            page = _Page()
            page.feed(path.read_text(encoding="utf-8"))
            found += [(name, address) for address in page.fetched]
        elif path.suffix == ".css":
            matches = _STYLE_URL.finditer(path.read_text(encoding="utf-8"))
            found += [(name, match[1] or match[2]) for match in matches]
    return found


class _Page(HTMLParser):
    """Collects the addresses on the web that a page fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        values = dict(attrs)
        if tag == "link" and values.get("rel") == "canonical":
            return
        for name in _FETCHED.get(tag, ()):
            value = (values.get(name) or "").strip()
            if re.match(r"(https?:)?//", value):
                self.fetched.append(value)
        self._collect(values.get("style") or "")

    def handle_data(self, data: str) -> None:
        if self._style:
            self._collect(data)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def _collect(self, style: str) -> None:
        self.fetched += [match[1] or match[2] for match in _STYLE_URL.finditer(style)]

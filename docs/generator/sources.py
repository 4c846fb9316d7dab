"""The pages that people write: those of docs/, and files of the repository that the site shows as well."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from docs.generator.commands import ROOT
from docs.generator.markdown import Link, links

DOCS = ROOT / "docs"
# Files of the repository that are pages of the site too, if they are there.
INCLUDED = {
    "CONTRIBUTING.md": "contributing/index.md",
    "CHANGELOG.md": "contributing/changelog.md",
    "SECURITY.md": "contributing/security.md",
}
# Folders of docs/ that are no part of the site.
_APART = {"generator"}

_ABSOLUTE = re.compile(r"[a-z][a-z+.-]*:", re.I)


def written() -> dict[str, Path]:
    """The Markdown files by the paths of their pages below docs/."""
    found = {path.relative_to(DOCS).as_posix(): path for path in _files() if path.suffix == ".md"}
    included = {page: ROOT / name for name, page in INCLUDED.items() if (ROOT / name).is_file()}
    return dict(sorted({**found, **included}.items()))


def assets() -> dict[str, Path]:
    """What else the site holds: styles, scripts, images, by their paths below docs/."""
    kept = {path.relative_to(DOCS).as_posix(): path for path in _files() if path.suffix not in (".md", ".py", ".yml")}
    return dict(sorted(kept.items()))


def pages(address: str = "") -> dict[str, str]:
    """The text of each page by its path, with links that work on the site.

    A link to a file that the site shows leads there. One to another file of the repository leads to `address`, the
    repository's on the web; without an address its text alone stays.
    """
    files = written()
    shown = {path.resolve(): page for page, path in files.items()}
    return {page: _relinked(page, path, shown, address) for page, path in files.items()}


def is_absolute(target: str) -> bool:
    """Whether a link leads to the web, a mail address or the like."""
    return bool(_ABSOLUTE.match(target))


def _files() -> Iterator[Path]:
    for path in sorted(DOCS.rglob("*")):
        parts = path.relative_to(DOCS).parts
        hidden = any(part.startswith((".", "__")) for part in parts)
        if path.is_file() and parts[0] not in _APART and not hidden:
            yield path


def _relinked(page: str, path: Path, shown: Mapping[Path, str], address: str) -> str:
    text = path.read_text(encoding="utf-8")
    for link in sorted(links(text), reverse=True):
        target, hash_, anchor = link.target.partition("#")
        file = Path(os.path.normpath(path.parent / target))
        # Another page, which may be made from the code, or a file beside it.
        beside = path.is_relative_to(DOCS) and file.is_relative_to(DOCS) and file not in shown
        if not target or is_absolute(link.target) or beside:
            continue
        if file in shown or file.is_relative_to(DOCS):
            other = shown[file] if file in shown else file.relative_to(DOCS).as_posix()
            moved = os.path.relpath(other, os.path.dirname(page) or ".")
            text = text[: link.start] + moved + hash_ + anchor + text[link.end :]
        elif address:
            text = text[: link.start] + f"{address}/{file.relative_to(ROOT).as_posix()}" + text[link.end :]
        else:
            text = _unlinked(text, link)
    return text


def _unlinked(text: str, link: Link) -> str:
    """The same without the link, whose text stays."""
    depth, start = 0, link.start - 2
    while start >= 0:
        depth += {"]": 1, "[": -1}.get(text[start], 0)
        if depth == 0:
            break
        start -= 1
    return text[:start] + text[start + 1 : link.start - 2] + text[link.end + 1 :]

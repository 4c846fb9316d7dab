"""Which page stands where: a section for each folder of docs/, and groups within it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Union

from docs.generator.markdown import title

# A title with a page, or a title with what stands below it.
Entry = Mapping[str, Union[str, "Sequence[Entry]"]]

SECTIONS = {
    "get-started": "Get started",
    "how-to": "How-to",
    "reference": "Reference",
    "explanation": "Explanation",
    "contributing": "Contributing",
}
# The order within a section; pages that are not here follow by their titles, before the groups.
_FIRST = {
    "get-started": ("get-started",),
    "how-to": ("install", "troubleshooting"),
    "reference": (
        "command", "runtime-yaml", "networks", "json-lines", "mqtt", "http", "health-file", "manifest", "raw-head",
        "exit-codes",
    ),
}  # fmt: skip
_GROUPS = {
    "how-to": {
        "Data": ("label", "check", "formats"),
        "Train": ("train", "networks", "small-things", "many-devices", "interrupted", "collect-and-retrain"),
        "Convert": ("convert", "object-detection-api", "evaluate", "edge-tpu"),
        "Run": ("run", "several-cameras", "count", "other-models", "page-and-mqtt", "events", "frigate", "home-assistant"),
        "Python": ("python", "notebooks", "examples"),
        "Devices": ("raspberry-pi", "doctor", "updates", "fleet", "phones", "android", "ios"),
    },
}
# Folders within a section that are a group.
_FOLDERS = {"reference": {"Commands": "commands", "Python": "python"}}


def navigation(pages: Mapping[str, str]) -> list[Entry]:
    """The navigation over all pages, given as texts by path."""
    home: list[Entry] = [{"Home": "index.md"}] if "index.md" in pages else []
    sections: list[Entry] = []
    for section, name in SECTIONS.items():
        own = {page: text for page, text in pages.items() if page != "index.md" and _section(page) == section}
        if own:
            sections.append({name: _entries(section, own)})
    return [*home, *sections]


def _section(page: str) -> str:
    """The first folder of a page. Pages beside index.md belong to the first section."""
    folder = page.split("/")[0] if "/" in page else "get-started"
    return folder if folder in SECTIONS else "contributing"


def _entries(section: str, own: Mapping[str, str]) -> list[Entry]:
    groups: dict[str, list[str]] = {}
    for name, stems in _GROUPS.get(section, {}).items():
        groups[name] = [page for page in (f"{section}/{stem}.md" for stem in stems) if page in own]
    for name, folder in _FOLDERS.get(section, {}).items():
        groups[name] = _by_title([page for page in own if page.startswith(f"{section}/{folder}/")], own)
    grouped = {page for members in groups.values() for page in members}
    folder = "" if section == "get-started" else f"{section}/"
    first = [page for page in (f"{folder}{stem}.md" for stem in _FIRST.get(section, ())) if page in own]
    others = _by_title([page for page in own if page not in grouped and page not in first], own)
    entries = [_entry(page, own) for page in [*first, *others]]
    return [*entries, *({name: [_entry(page, own) for page in members]} for name, members in groups.items() if members)]


def _by_title(own: Sequence[str], pages: Mapping[str, str]) -> list[str]:
    return sorted(own, key=lambda page: (posixpath.basename(page) != "index.md", title(pages[page]).lower()))


def _entry(page: str, pages: Mapping[str, str]) -> Entry:
    return {title(pages[page]) or page: page}

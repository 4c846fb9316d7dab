"""README is what a stranger reads first, here and on the package index: short, with one small image."""

from __future__ import annotations

import re

from docs.generator.markdown import links
from tests.support.paths import ROOT

MOST_LINES = 200
MOST_IMAGE_BYTES = 150_000

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_short():
    assert len(TEXT.splitlines()) <= MOST_LINES


def test_it_has_one_small_image():
    (image,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert (ROOT / image).stat().st_size <= MOST_IMAGE_BYTES


def test_every_page_is_reached_from_it():
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md")}
    reached, ahead = set(), [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        targets = (link.target.partition("#")[0] for link in links(page.read_text(encoding="utf-8")))
        ahead += {(page.parent / target).resolve() for target in targets if target} & pages - reached
    assert pages <= reached, f"no link leads to {sorted(pages - reached)}"

"""Every link between pages, and from a page to a file, leads somewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docs.generator import external_links, sources
from docs.generator.markdown import anchors, links
from tests.support.paths import ROOT

pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def made():
    """The pages that are made from the code, by their paths in the repository, where they are no files."""
    from docs.generator import site

    return {f"docs/{page}": text for page, text in site.all_pages().items() if page not in sources.written()}


def faults(name, text, texts, made):
    """What is wrong with the links of a text; `texts` and `made` are other pages by path."""
    for link in links(text):
        target, _, anchor = link.target.partition("#")
        if sources.is_absolute(link.target):
            continue
        other = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
        page = texts.get(other) or (made.get(other) if name.startswith("docs/") else None)
        if page is None and not (ROOT / other).exists():
            yield f"{name}:{link.line}: {link.target} leads nowhere"
        elif page is None and other.endswith(".md") and anchor:
            page = (ROOT / other).read_text(encoding="utf-8")
        if page is not None and anchor and anchor not in anchors(page):
            yield f"{name}:{link.line}: {link.target}: there is no such heading"


def test_links_lead_somewhere(made):
    texts = external_links.texts()
    assert {"README.md", "CONTRIBUTING.md", "docs/index.md"} <= set(texts)
    assert not [fault for name, text in texts.items() for fault in faults(name, text, texts, made)]


def test_links_of_pages_made_from_the_code_lead_somewhere(made):
    texts = external_links.texts()
    assert not [fault for name, text in made.items() for fault in faults(name, text, texts, made)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](absent.md)", "docs/page.md:1: absent.md leads nowhere"),
        (
            "\n[a broken\ntext](../README.md#absent-heading)",
            "docs/page.md:3: ../README.md#absent-heading: there is no such heading",
        ),
        ("[`a`](#b)", "docs/page.md:1: #b: there is no such heading"),
        ("![a](absent.png)", "docs/page.md:1: absent.png leads nowhere"),
        ("[![a](absent.png)](https://example.com)", "docs/page.md:1: absent.png leads nowhere"),
        ('<img src="absent.png" width=3>', "docs/page.md:1: absent.png leads nowhere"),
        (
            "[a](../README.md) [a](#a-b) [a](https://a.example) `[a](b)`\n# A `b`\n```\n[a](b)\n```\n<!-- [a](b) -->",
            None,
        ),
    ],
)
def test_a_link_that_leads_nowhere_is_told(text, fault):
    assert list(faults("docs/page.md", text, {"docs/page.md": text}, {})) == ([fault] if fault else [])


def test_links_to_the_web_are_listed_once():
    found = external_links.external()
    assert all(address.startswith("http") and "127.0.0.1" not in address for address in found)
    place, _, line = next(iter(found.values()))[0].rpartition(":")
    assert next(iter(found)).encode() in Path(ROOT / place).read_bytes().split(b"\n")[int(line) - 1]

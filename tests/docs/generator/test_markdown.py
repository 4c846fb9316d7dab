from __future__ import annotations

import pytest

from docs.generator import markdown


def test_text_is_escaped_but_not_code():
    assert markdown.escaped("a|b <c> `d|e` 2*3") == "a\\|b \\<c\\> `d|e` 2\\*3"
    assert markdown.code("a|b") == "`a\\|b`"


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Options for other recipes", "options-for-other-recipes"),
        ("The page and its addresses (HTTP)", "the-page-and-its-addresses-http"),
        ("`runtime.yaml`: options", "runtimeyaml-options"),
        ("a & b", "a--b"),
        ("A [link](b.md)", "a-link"),
        ("snake_case", "snake_case"),
    ],
)
def test_anchors_are_those_of_github(heading, anchor):
    assert markdown.slug(heading) == anchor


def test_anchors_of_equal_headings_differ():
    assert markdown.anchors("# A\n## A\n```\n# B\n```\n## C\n<!--\n# D\n-->") == {"a", "a_1", "c"}


def test_links_have_their_lines_and_places():
    text = "a\n[b\nc](d.md) `[e](f)` ![g](h.png)\n\n[i\n\nj](k)"
    found = list(markdown.links(text))
    assert [(link.line, link.target) for link in found] == [(3, "d.md"), (3, "h.png")]
    assert all(text[link.start : link.end] == link.target for link in found)

"""HTML to show within another document."""

from __future__ import annotations

from train.pages import html


def test_a_fragment_leaves_the_style_of_its_document_alone():
    text = html.fragment("<b>")
    assert text.startswith('<div class="edge-detection-kit"><style>.edge-detection-kit.edge-detection-kit {')
    style = text[text.index("<style>") : text.index("</style>")]
    depth, outside = 0, ""
    for letter in style:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        outside += letter if depth == 0 else ""
    assert outside.strip("}\n ") == "<style>.edge-detection-kit.edge-detection-kit", "a rule that is not nested"
    for selector in (":root", "body", "main"):
        assert f"\n{selector} {{" not in style and f"  {selector} {{" not in style
    assert text.endswith("&lt;b&gt;</div>")

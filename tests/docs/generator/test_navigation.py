from __future__ import annotations

from docs.generator.navigation import navigation


def test_pages_stand_in_their_section_in_order():
    paths = ("index", "get-started", "how-to/zebra", "how-to/check", "how-to/label", "how-to/install", "reference/mqtt")
    pages = {f"{path}.md": f"# {path.rpartition('/')[2].title()}\n" for path in paths}
    pages |= {"reference/commands/run.md": "# edk run", "reference/commands/index.md": "# Commands"}
    assert navigation(pages) == [
        {"Home": "index.md"},
        {"Get started": [{"Get-Started": "get-started.md"}]},
        {
            "How-to": [
                {"Install": "how-to/install.md"},
                {"Zebra": "how-to/zebra.md"},
                {"Data": [{"Label": "how-to/label.md"}, {"Check": "how-to/check.md"}]},
            ]
        },
        {
            "Reference": [
                {"Mqtt": "reference/mqtt.md"},
                {"Commands": [{"Commands": "reference/commands/index.md"}, {"edk run": "reference/commands/run.md"}]},
            ]
        },
    ]

from __future__ import annotations

from docs.generator import sources


def relinked(tmp_path, monkeypatch, text, page="how-to/a.md", address=""):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(sources, "DOCS", tmp_path / "docs")
    (tmp_path / "docs" / "how-to").mkdir(parents=True)
    (tmp_path / "CONTRIBUTING.md").write_text(text if page == "contributing/index.md" else "# Rules")
    (tmp_path / "docs" / "index.md").write_text("# Home")
    (tmp_path / "docs" / "how-to" / "a.md").write_text(text if page == "how-to/a.md" else "# A")
    return sources.pages(address)[page]


def test_links_between_pages_stay(tmp_path, monkeypatch):
    text = "[home](../index.md#home) [made](../reference/commands/run.md) [b](https://example.com) `[c](d)`"
    assert relinked(tmp_path, monkeypatch, text) == text


def test_a_file_that_is_a_page_elsewhere_is_linked_there(tmp_path, monkeypatch):
    text = relinked(tmp_path, monkeypatch, "[`how`\nto](../../CONTRIBUTING.md#rules)")
    assert text == "[`how`\nto](../contributing/index.md#rules)"


def test_a_file_of_the_repository_is_linked_on_the_web_or_not_at_all(tmp_path, monkeypatch):
    text = "- [the file [1]](../../runtime/loop.py) and [home](../index.md)"
    assert relinked(tmp_path, monkeypatch, text) == "- the file [1] and [home](../index.md)"


def test_with_an_address_files_are_linked_there(tmp_path, monkeypatch):
    text = relinked(tmp_path, monkeypatch, "[file](../../a/b.py)", address="https://example.com/main")
    assert text == "[file](https://example.com/main/a/b.py)"


def test_an_included_file_is_linked_from_its_place(tmp_path, monkeypatch):
    text = relinked(
        tmp_path, monkeypatch, "[a](docs/how-to/a.md#x), [b](docs/reference/made.md)", "contributing/index.md"
    )
    assert text == "[a](../how-to/a.md#x), [b](../reference/made.md)"

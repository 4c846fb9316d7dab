"""The site is built, without a link that leads nowhere, and needs nothing from the web."""

from __future__ import annotations

import contextlib
import functools
import http.server
import importlib.util
import json
import threading

import pytest

from docs.generator import offline, site
from docs.generator.navigation import navigation
from runtime.common.errors import KitError
from tests.support.browser import headless, wait

needs_zensical = pytest.mark.skipif(
    importlib.util.find_spec("zensical") is None, reason="needs the extra docs: pip install '.[docs]'"
)


@pytest.fixture(scope="module")
def pages():
    return site.all_pages()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("needs the extra docs: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("docs")
    site.build(folder / "site", folder / "work")
    return folder / "site"


def test_every_page_is_built(built, pages):
    assert len(pages) > 50
    assert not [page for page in pages if not (built / page).with_suffix(".html").is_file()]


def test_every_page_is_in_the_navigation(pages):
    listed = []

    def walk(entries):
        for entry in entries:
            ((title, below),) = entry.items()
            assert title
            walk(below) if isinstance(below, list) else listed.append(below)

    walk(navigation(pages))
    assert sorted(listed) == sorted(pages)


def test_nothing_is_fetched_from_elsewhere(built):
    assert offline.fetched(built) == []
    assert (built / offline.SCRIPT).is_file() and offline.SCRIPT in (built / "index.html").read_text(encoding="utf-8")


def test_what_a_page_would_fetch_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<script src="https://a.example/x"></script><link href="//b.example/y" rel="stylesheet"><a href="https://c.org">'
        '<img src="d.png" style="background: url(https://e.example/z)"><style>@import "https://f.example/s"</style>'
    )
    (tmp_path / "b.css").write_text("a { background: url('https://g.example/i') } b { background: url(data:x) }")
    found = [address for _, address in offline.fetched(tmp_path)]
    hosts = [address.split("/")[2] for address in found]
    assert hosts == ["a.example", "b.example", "e.example", "f.example", "g.example"]


def test_search_knows_options_and_the_python_api(built):
    items = json.loads((built / "search.json").read_text(encoding="utf-8"))["items"]
    found = {item["location"].partition("#")[0] for item in items if "--int8" in item["text"]}
    assert "reference/commands/convert.html" in found
    assert any("detect_all" in item["title"] for item in items)


@needs_zensical
def test_a_page_with_a_fault_is_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "all_pages", lambda address: {"index.md": "# A\n\n[b](absent.md), [c](index.md#lost)"})
    with pytest.raises(KitError, match=r"(?s)the site was not built:.*absent\.md.*#lost") as raised:
        site.build(tmp_path / "site", tmp_path / "work")
    assert "Traceback" not in str(raised.value) and not (tmp_path / "site").exists()


@contextlib.contextmanager
def served(folder):
    """The address of a server of the folder's files."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = headless(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.mark.parametrize("how", ["from a server", "as files"])
def test_search_finds_an_option(how, built, browser):
    with served(built) as address:
        browser.get(f"{address}/index.html" if how == "from a server" else (built / "index.html").as_uri())
        browser.execute_script("document.querySelector('.md-search__button').click()")
        wait(lambda: browser.execute_script(f"return Boolean({_SEARCH}?.querySelector('input'))"))
        browser.execute_script(f"{_SEARCH}.querySelector('input').focus()")
        browser.switch_to.active_element.send_keys("--int8")
        wait(
            lambda: browser.execute_script(
                f"return {_SEARCH}.querySelector('a[href*=\"commands/convert.html\"]') !== null"
            )
        )
        fetched = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert all(name.startswith((address, "file:", "data:", "blob:")) for name in fetched)
        assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


# The search lies in a shadow tree of its own.
_SEARCH = "[...document.querySelectorAll('body > *, body *')].map(element => element.shadowRoot).find(Boolean)"


@pytest.mark.parametrize(("width", "mobile"), [(1280, False), (390, True)])
def test_pages_fit_the_screen(width, mobile, built, browser):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": mobile}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for page in ("how-to/run", "reference/commands/train", "reference/python/runtime", "contributing/index"):
        browser.get((built / f"{page}.html").as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, page
    assert browser.execute_script("return document.querySelectorAll('.md-code__button').length") > 0
    # Light, dark, and as the system has it.
    assert browser.execute_script("return document.querySelectorAll('[name=__palette]').length") == 3

"""The label page in headless Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from runtime.web.access import Access
from tests.support.browser import headless, wait
from tests.support.paths import ROOT
from tests.support.ports import free_port
from train.dataset.formats import pascal_voc
from train.label.folder import Folder
from train.label.server import Server

NAMES = ("a", "b", "c", "d <img src=x onerror=alert(1)>")
SIZE = (320, 240)


def make(folder):
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    for index, name in enumerate(NAMES):
        pixels = np.random.default_rng(index).integers(60, 200, (24, 32, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), cv2.resize(pixels, SIZE))
        root = ElementTree.fromstring(
            "<annotation><size><width>320</width><height>240</height></size>"
            f"<object><name>cat</name><score>{0.6 + index / 10}</score>"
            "<bndbox><xmin>20</xmin><ymin>30</ymin><xmax>120</xmax><ymax>130</ymax></bndbox></object>"
            "<object><name>dog</name><score>0.1</score>"
            "<bndbox><xmin>200</xmin><ymin>150</ymin><xmax>300</xmax><ymax>230</ymax></bndbox></object></annotation>"
        )
        (folder / "annotations" / f"{name}.xml").write_bytes(ElementTree.tostring(root))
    (folder / "predefined_classes.txt").write_text("cat\ndog\n<b>owl</b>\n")


class Process:
    """The command in a process of its own."""

    def __init__(self, folder, port):
        command = [sys.executable, "-m", "train.label", str(folder), "--serve", str(port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        ready, _, _ = select.select([self.process.stderr], [], [], 60)
        assert ready and "page: http://127.0.0.1" in self.process.stderr.readline()

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process.stderr.close()
        return code


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = headless(tmp_path_factory.mktemp("profile"))
    yield made
    made.quit()


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    make(tmp_path / "data")
    port = free_port()
    process = Process(tmp_path / "data", port)
    yield tmp_path / "data", port, process
    if process.process.poll() is None:
        assert process.end() == 0


def labelled(folder):
    """The boxes by image, as the kit reads them, rounded to pixels."""
    splits = pascal_voc.read(folder)
    return {
        example.image.stem: sorted((item.label, tuple(map(round, item.box.as_tuple()))) for item in example.boxes)
        for example in (*splits.train, *(splits.validation or ()))
    }


class Page:
    def __init__(self, browser, port):
        self.browser = browser
        self.port = port

    def open(self, image=""):
        self.browser.get("about:blank")
        self.browser.get(f"http://127.0.0.1:{self.port}/{image and f'#images%2F{image}.jpg'}")
        self.wait_open(image or None)
        return self

    def script(self, text, *arguments):
        return self.browser.execute_script(f"return {text}", *arguments)

    def text(self, name):
        return " ".join(self.script("document.getElementById(arguments[0]).innerText", name).split())

    def wait_open(self, image):
        wait(lambda: (image or "images/") in self.text("file") and self.script("document.getElementById('image').complete"))

    def saved(self):
        wait(lambda: self.text("status") == "All changes are saved")

    def at(self, x, y):
        """A point of the image in pixels of the window."""
        place = self.script(
            "(() => { const p = document.getElementById('sheet').getBoundingClientRect(); return [p.left, p.top, p.width]; })()"
        )
        scale = place[2] / SIZE[0]
        return round(place[0] + x * scale), round(place[1] + y * scale)

    def drag(self, start, end, *, release=True):
        from selenium.webdriver.common.action_chains import ActionChains

        actions = ActionChains(self.browser, duration=20)
        pointer = actions.w3c_actions.pointer_action
        pointer.move_to_location(*self.at(*start)).pointer_down()
        pointer.move_to_location(*self.at(*[(one + other) / 2 for one, other in zip(start, end)]))
        pointer.move_to_location(*self.at(*end))
        if release:
            pointer.pointer_up()
        actions.w3c_actions.perform()

    def click(self, x, y):
        self.drag((x, y), (x, y))

    def zoom(self, x, y):
        (x, y), before = self.at(x, y), self.at(SIZE[0], 0)
        self.browser.execute_script(
            "document.getElementById('stage').dispatchEvent(new WheelEvent('wheel',"
            " { deltaY: -300, clientX: arguments[0], clientY: arguments[1], cancelable: true }))", x, y
        )  # fmt: skip
        assert self.at(SIZE[0], 0)[0] > before[0]

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def severe(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


def near(found, expected):
    """Asserts equal boxes up to two pixels, since a mouse moves by whole pixels of the screen."""
    assert [label for label, _ in found] == [label for label, _ in expected]
    np.testing.assert_allclose([box for _, box in found], [box for _, box in expected], atol=2)


CAT, DOG = ("cat", (20, 30, 120, 130)), ("dog", (200, 150, 300, 230))


def test_an_evening_in_short(browser, served):
    from selenium.webdriver.common.keys import Keys

    folder, port, _ = served
    page = Page(browser, port).open()
    # The most doubtful image first.
    assert page.text("file") == "1. images/a.jpg" and page.text("count") == "0 of 4 confirmed"
    assert page.script("document.querySelectorAll('g.suggested').length") == 1
    # Names are shown, not run.
    assert "d <img src=x onerror=alert(1)>.jpg" in page.text("images") and "<b>owl</b>" in page.text("classes")
    assert page.script("document.querySelectorAll('#classes b, #images img').length") == 0

    # Draw a box, and give it the third class.
    page.drag((150, 20), (250, 100))
    page.keys("3")
    page.saved()
    near(labelled(folder)["a"], [("<b>owl</b>", (150, 20, 250, 100)), CAT, DOG])
    # Move it, then resize it by its lower right handle.
    page.drag((200, 60), (210, 90))
    page.drag((260, 130), (280, 140))
    # Delete the cat; take the dog by a click; confirm.
    page.click(40, 110)
    page.keys(Keys.DELETE)
    page.click(280, 220)
    page.keys(Keys.ENTER)
    page.wait_open("b.jpg")
    page.saved()
    near(labelled(folder)["a"], [("<b>owl</b>", (160, 50, 280, 140)), DOG])
    root = ElementTree.parse(folder / "annotations" / "a.xml").getroot()
    assert root.get("verified") == "yes" and root.find("object/score") is None

    # Undo brings back what was deleted, and a confirmation drops what was only suggested.
    page.click(40, 110)
    page.keys(Keys.DELETE, "u", "n")
    page.wait_open("c.jpg")
    page.keys("p")
    page.wait_open("b.jpg")
    page.keys(" ")
    page.wait_open("c.jpg")
    page.saved()
    near(labelled(folder)["b"], [CAT])
    assert page.text("count") == "2 of 4 confirmed"

    # A new class, typed; then the tab is closed at once.
    page.keys("c", "newt", Keys.ENTER)
    page.zoom(170, 60)
    page.drag((150, 20), (190, 100))
    browser.execute_script("window.open('about:blank')")
    first, second = browser.window_handles
    browser.close()
    browser.switch_to.window(second)
    wait(lambda: len(labelled(folder)["c"]) == 3)
    page.open()
    assert page.text("file") == "3. images/c.jpg" and page.text("count") == "2 of 4 confirmed"
    assert page.script("document.querySelectorAll('#objects li').length") == 3 and "newt" in page.text("classes")
    near(labelled(folder)["c"], [CAT, DOG, ("newt", (150, 20, 190, 100))])
    assert page.severe() == []
    assert first not in browser.window_handles


def test_two_tabs_and_a_killed_server_lose_nothing(browser, served):
    folder, port, process = served
    page = Page(browser, port).open("a")
    # Another program writes the same annotation.
    path = folder / "annotations" / "a.xml"
    path.write_text(path.read_text().replace("cat", "bird"))
    page.drag((150, 20), (250, 100))
    wait(lambda: page.script("!document.getElementById('conflict').hidden"))
    assert "was changed in another tab or by another program" in page.text("conflict-text")
    assert sorted(label for label, _ in labelled(folder)["a"]) == ["bird", "dog"]
    page.script("document.getElementById('mine').click()")
    page.saved()
    assert page.script("document.getElementById('conflict').hidden")
    assert sorted(label for label, _ in labelled(folder)["a"]) == ["cat", "cat", "dog"]
    # The server is killed: the change waits, and is written when it is back.
    process.end(signal.SIGKILL)
    page.drag((20, 150), (100, 220))
    wait(lambda: page.text("status").startswith("Not saved: the server does not answer"))
    again = Process(folder, port)
    try:
        page.saved()
        assert len(labelled(folder)["a"]) == 4
        # Killed once more, and the page is loaded anew: the browser has kept it.
        again.end(signal.SIGKILL)
        page.keys("b")
        wait(lambda: page.text("status").startswith("Not saved"))
        browser.execute_cdp_cmd("Page.navigate", {"url": "about:blank"})
        again = Process(folder, port)
        browser.switch_to.alert.accept() if has_alert(browser) else None
        page.open("a")
        assert len(labelled(folder)["a"]) == 5
    finally:
        assert again.end() == 0


def has_alert(browser):
    from selenium.common.exceptions import NoAlertPresentException

    try:
        return browser.switch_to.alert is not None
    except NoAlertPresentException:
        return False


@pytest.fixture
def quick(tmp_path):
    """A server in this process."""
    make(tmp_path / "data")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Server(Folder(tmp_path / "data", (), 0.5), Access(None, port), listener)
    server.start()
    yield tmp_path / "data", port
    server.stop()


@contextlib.contextmanager
def screen(browser, width, height, scheme):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": width < 500})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


@pytest.mark.parametrize(("width", "height", "scheme"), [(390, 844, "dark"), (1280, 900, "light")])
def test_no_width_overflows_and_all_text_is_read_well(browser, quick, width, height, scheme):
    with screen(browser, width, height, scheme):
        page = Page(browser, quick[1]).open()
        page.click(40, 110)
        wait(lambda: page.script("document.querySelectorAll('g.selected').length"))
        assert page.script("document.documentElement.scrollWidth") <= width
        folder = os.environ.get("KIT_SCREENSHOTS")
        if folder:
            browser.save_screenshot(f"{folder}/label_{width}_{scheme}.png")
        unnamed = "filter((e) => !e.textContent.trim() && !e.labels?.length).length"
        assert page.script(f"[...document.querySelectorAll('button, input')].{unnamed}") == 0
        pairs = page.script(
            "['body', '#status', '#tools button', '#confirm', '#classes .text', '#images .note'].map((name) => {"
            "const e = document.querySelector(name); let b = e;"
            "while (getComputedStyle(b).backgroundColor === 'rgba(0, 0, 0, 0)') b = b.parentElement;"
            "return [getComputedStyle(e).color, getComputedStyle(b).backgroundColor]; })"
        )
        assert min(contrast(*pair) for pair in pairs) >= 4.5
        # The keyboard reaches all, and shows where it is.
        page.script("document.getElementById('next').focus()")
        page.keys("\ue004")
        assert page.script("document.activeElement.id") == "confirm"
        assert page.script("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_finger_draws_and_two_fingers_zoom(browser, quick):
    folder, port = quick
    with screen(browser, 390, 844, "light"):
        page = Page(browser, port).open("a")

        def touch(kind, *points):
            given = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

        touch("touchStart", page.at(150, 20))
        touch("touchMove", page.at(200, 60))
        touch("touchMove", page.at(250, 100))
        touch("touchEnd")
        page.saved()
        wait(lambda: len(labelled(folder)["a"]) == 3)
        near(labelled(folder)["a"], [CAT, ("cat", (150, 20, 250, 100)), DOG])
        width = "document.getElementById('sheet').getBoundingClientRect().width"
        before = page.script(width)
        (x, y), (other, _) = page.at(140, 200), page.at(180, 200)
        touch("touchStart", (x, y))
        touch("touchStart", (x, y), (other, y))
        touch("touchMove", (x, y), (other + 60, y))
        touch("touchEnd")
        wait(lambda: page.script(width) > 1.5 * before)
        assert len(labelled(folder)["a"]) == 3


def contrast(one, other):
    """The ratio of two colours' luminances (WCAG 2.2)."""

    def luminance(text):
        shares = [int(part) / 255 for part in re.findall(r"\d+", text)[:3]]
        red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)

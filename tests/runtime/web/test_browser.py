"""The page in headless Chromium."""

from __future__ import annotations

import base64
import json
import socket
from functools import partial

import cv2
import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.common import detection_json
from runtime.common.values import Labels
from runtime.config import arguments, config_file
from runtime.config.config_edit import set_item
from runtime.media import h264
from runtime.media.drawing import color_of
from runtime.sinks import json_lines, open_sink
from runtime.telemetry.state import State
from runtime.web import events as web_events
from runtime.zones.watch import Watch
from tests.support.browser import headless, wait
from tests.support.pointer import Finger, Mouse
from tests.support.recorded_events import record

pytest.importorskip("websockets")

FOUND = (
    Detection("cat", 0, 0.91, Box(40.25, 60.5, 160, 200)),
    Detection("dog <b>", 1, 0.52, Box(200, 100, 300.75, 220), track=12),
    Detection("bird", 2, 0.4, Box(0, 0, 320, 240)),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = headless(tmp_path_factory.mktemp("profile"))
    yield made
    made.quit()


@pytest.fixture
def port(monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def serve(port, host=""):
    state = State("street.tflite", Labels(("cat", "dog <b>", "bird")), 0.5)
    state.engine(name="CPU", state="running")
    state.source(name="camera 0", state="running")
    sink = open_sink(f"serve:{host}{port},fps=100", None)
    sink.attach(state)
    return sink, state


def frame(index, value=128):
    return Frame(np.full((240, 320, 3), value, np.uint8), index, index / 10)


def shown(browser):
    return browser.execute_script("return document.getElementById('boxes').dataset.frame")


def text(browser, name):
    """The visible text of an element, as one line."""
    return " ".join(browser.execute_script("return document.getElementById(arguments[0]).innerText", name).split())


def pixels(browser, name):
    """A canvas of the page, uint8 [height, width, 4] as BGRA."""
    url = browser.execute_script("return document.getElementById(arguments[0]).toDataURL('image/png')", name)
    return cv2.imdecode(np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)


def errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def show(browser, sink, frame, found):
    """Writes the frame until the page shows it; the page requests a frame when it has drawn the last one."""

    def seen():
        sink.write(frame, found)
        return shown(browser) == str(frame.index)

    wait(seen)


def test_the_boxes_drawn_are_those_of_the_json(browser, port):
    sink, state = serve(port)
    state.frame_done(FOUND, {"invoke": 19.2, "total": 24.0})
    browser.get(f"http://127.0.0.1:{port}/")
    show(browser, sink, frame(5), FOUND)
    said = json.loads(detection_json.line(frame(5), FOUND))["detections"]
    drawn = pixels(browser, "boxes")
    assert drawn.shape == (240, 320, 4)
    edges = np.zeros((240, 320), bool)
    for found in said:
        left, top, right, bottom = found["box"]
        color = np.array(color_of(found["class"]))
        for x in (left, right):
            column = slice(max(0, int(x) - 2), int(x) + 3)
            middle = drawn[int((top + bottom) / 2), column]
            assert is_drawn(middle, color), f"{found['label']}: no edge at x={x}"
        for y in (top, bottom):
            middle = drawn[max(0, int(y) - 2) : int(y) + 3, int(left + 0.8 * (right - left))]
            assert is_drawn(middle, color), f"{found['label']}: no edge at y={y}"
        mark(edges, found["box"])
    # Nothing else is drawn, but for the captions.
    assert not (drawn[..., 3] > 30)[~edges].any()
    assert text(browser, "objects") == "cat 0.91 dog <b> #12 0.52 bird 0.40"
    assert abs(pixels(browser, "image")[..., 0].astype(int) - 128).max() < 4
    show(browser, sink, frame(6), ())
    assert not pixels(browser, "boxes").any() and text(browser, "nothing") == "No objects"
    assert errors(browser) == []
    sink.close()


def is_drawn(found, color):
    return bool(((found[:, 3] > 100) & (np.abs(found[:, :3].astype(int) - color).max(1) < 40)).any())


def mark(area, box):
    """A mask of the pixels that a box and its caption may cover."""
    left, top, right, bottom = (round(side) for side in box)
    for columns, rows in (
        ((left - 3, left + 3), (top - 3, bottom + 3)), ((right - 3, right + 3), (top - 3, bottom + 3)),
        ((left - 3, right + 3), (top - 3, top + 3)), ((left - 3, right + 3), (bottom - 3, bottom + 3)),
        ((left - 3, left + 90), (top - 14, top + 14)),
    ):  # fmt: skip
        area[max(0, rows[0]) : rows[1], max(0, columns[0]) : columns[1]] = True


def test_speed_counts_and_state_are_shown_and_the_threshold_is_set(browser, port):
    sink, state = serve(port)
    for _ in range(50):
        state.frame_done(FOUND, {"invoke": 19.24, "total": 24.0})
    state.dropped_by_sink("mqtt", 1234)
    browser.get(f"http://127.0.0.1:{port}/")
    wait(lambda: text(browser, "model") == "street.tflite")
    assert text(browser, "source") == "Source camera 0" and text(browser, "engine") == "Engine CPU"
    assert "Model 19.2 19.2" in text(browser, "latency") and "Total 24.0" in text(browser, "latency")
    assert "Dropped by mqtt 1,234" in text(browser, "totals") and "Frames 50" in text(browser, "totals")
    assert text(browser, "legend") == "cat dog <b> bird"
    chart = pixels(browser, "chart")[..., :3].reshape(-1, 3).astype(int)
    for detection in FOUND:
        assert (np.abs(chart - color_of(detection.class_id)).max(1) < 4).sum() > 20, detection.label
    browser.execute_script(
        "const slider = document.getElementById('score'); slider.value = 0.3; slider.dispatchEvent(new Event('input'))"
    )
    wait(lambda: state.score == 0.3)
    assert text(browser, "score-value") == "0.30"
    sink.close()


def test_the_page_survives_a_source_that_stops_and_a_detector_that_restarts(browser, port):
    sink, state = serve(port)
    browser.get(f"http://127.0.0.1:{port}/")
    show(browser, sink, frame(1), FOUND)
    state.source(state="reopening", retries=4)
    wait(lambda: "No new image for" in text(browser, "notice") and "reopening" in text(browser, "notice"))
    wait(lambda: text(browser, "source") == "Source reopening, try 4")
    state.source(state="running", retries=0)
    show(browser, sink, frame(2), FOUND)
    wait(lambda: browser.execute_script("return document.getElementById('notice').hidden"))
    sink.close()
    wait(lambda: "reconnecting" in text(browser, "link"))
    sink, state = serve(port)
    wait(lambda: text(browser, "link") == "Page live")
    show(browser, sink, frame(3), ())
    sink.close()


def test_the_token_is_asked_for_and_a_wrong_one_refused(browser, port, monkeypatch):
    monkeypatch.setenv("EDGE_DETECTOR_TOKEN", "a token of letters")
    sink, _ = serve(port, "0.0.0.0:")
    browser.get(f"http://127.0.0.1:{port}/")
    enter(browser, "wrong")
    wait(lambda: "Wrong token" in browser.find_element("tag name", "body").text)
    enter(browser, "a token of letters")
    wait(lambda: text(browser, "link") == "Page live")
    assert browser.current_url == f"http://127.0.0.1:{port}/"
    sink.close()


def enter(browser, token):
    field = browser.find_element("id", "token")
    field.send_keys(token)
    field.submit()


@pytest.mark.parametrize("width", [390, 820])
def test_it_fits_a_phone(browser, port, width):
    sink, state = serve(port)
    state.frame_done(FOUND, {"preprocess": 0.2, "invoke": 1234.5, "postprocess": 0.1, "total": 1391.0})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    browser.get(f"http://127.0.0.1:{port}/")
    show(browser, sink, frame(1), FOUND)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.getElementById('image').clientWidth") > 0.9 * width - 20
    wait(lambda: "Postprocess" in text(browser, "latency"))
    cut = "return [...document.querySelectorAll('#latency td')].filter((cell) => cell.scrollWidth > cell.clientWidth).length"
    assert browser.execute_script(cut) == 0
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    sink.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_zone_and_a_line_are_drawn_and_saved(browser, port, width, tmp_path):
    pytest.importorskip("yaml")
    file = tmp_path / "runtime.yaml"
    file.write_text("# The gate.\nsource: 0  # its camera\n")
    phone = width < 500
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 844, "deviceScaleFactor": 2 if phone else 1, "mobile": phone},
    )
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    sink, state = serve(port)
    state.areas = watch = Watch(is_tracked=True, save=partial(set_item, str(file)))
    browser.get(f"http://127.0.0.1:{port}/")
    show(browser, sink, frame(1), ())
    pointer = Finger(browser) if phone else Mouse(browser)
    browser.find_element("id", "area-name").send_keys("desk")
    browser.find_element("id", "area-zone").click()
    corners = [(0.25, 0.5), (0.75, 0.5), (0.75, 0.95), (0.25, 0.95)]
    for corner in corners:
        pointer.tap(*corner)
    browser.find_element("id", "area-done").click()
    wait(lambda: "Saved" in text(browser, "areas-note"))
    assert near(watch.snapshot()["zones"]["desk"]["corners"], corners)
    # A stroke makes a line, and so do two taps; without a name it gets one.
    browser.find_element("id", "area-line").click()
    pointer.stroke((0.1, 0.2), (0.9, 0.25))
    wait(lambda: "line 1" in watch.snapshot()["lines"])
    assert near(watch.snapshot()["lines"]["line 1"]["corners"], [(0.1, 0.2), (0.9, 0.25)])
    browser.find_element("id", "area-line").click()
    pointer.tap(0.2, 0.3)
    pointer.tap(0.2, 0.9)
    wait(lambda: "line 2" in watch.snapshot()["lines"])
    # They count at once, and are drawn over the image.
    person = Detection("person", 0, 0.9, Box(150, 100, 170, 180), 1)
    for index in (2, 3):
        given, _ = watch(frame(index), (person,))
        show(browser, sink, given, (person,))
    wait(lambda: "desk: 1 in it, 1 entered, 0 left" in text(browser, "areas-list"))
    drawn = pixels(browser, "areas")
    assert drawn.shape == (240, 320, 4)
    assert drawn[118:123, 200, 3].max() > 100 and drawn[150:200, 78:83, 3].max() > 100
    assert drawn[180, 160, 3] > 20 and not drawn[2:20, 10:300, 3].any()
    # A drawing that is given up leaves nothing.
    browser.find_element("id", "area-zone").click()
    pointer.tap(0.5, 0.1)
    browser.find_element("id", "area-cancel").click()
    browser.execute_script("document.querySelector('[aria-label=\"Remove line 2\"]').click()")
    wait(lambda: "line 2" not in watch.snapshot()["lines"])
    wait(lambda: "line 2" not in text(browser, "areas-list"))
    written = file.read_text()
    assert written.startswith("# The gate.\nsource: 0  # its camera\n") and "line 2" not in written
    read = config_file.read(str(file), arguments.parser())
    assert [item.name for item in read["zone"]] == ["desk"] and [item.name for item in read["line"]] == ["line 1"]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    # The page of the test before has lost its server.
    assert [error for error in errors(browser) if f":{port}/" in error] == []
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    sink.close()


def near(found, expected):
    return np.abs(np.array(found) - np.array(expected)).max() < 0.02


PLAYING = """
const clip = document.getElementById("player-clip");
return [clip.videoWidth, clip.videoHeight, clip.currentTime, clip.ended, clip.error && clip.error.message];
"""


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_events_are_listed_and_play(browser, port, tmp_path, monkeypatch, codec):
    if codec == "vp8":
        monkeypatch.setattr(h264, "available", lambda: False)
    elif not h264.available():
        pytest.skip("needs PyAV")
    sink, state = serve(port)
    # More than one answer to a range holds.
    monkeypatch.setattr(web_events, "MOST_BYTES", 20_000)
    monkeypatch.setattr(web_events, "LIMIT", 2)
    events = record(tmp_path / "events", state, ("cat", "dog <b>", "bird"))
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    browser.get(f"http://127.0.0.1:{port}/")
    wait(lambda: "bird" in text(browser, "events-list"))
    assert text(browser, "events-list") == "bird 0:08 · 1.5 s dog <b> 0:04 · 1.5 s"
    browser.execute_script("document.querySelector('.event').scrollIntoView()")
    wait(lambda: browser.execute_script("return document.querySelector('.event img').naturalWidth") == 320)
    browser.execute_script("document.getElementById('events-more').click()")
    wait(lambda: "cat 0:00 · 1.5 s" in text(browser, "events-list"))
    assert browser.execute_script("return document.getElementById('events-more').hidden")
    # News leave what was loaded of the older ones.
    asked = "return performance.getEntriesByType('resource').filter((each) => each.name.includes('events.json')).length"
    before = browser.execute_script(asked)
    state.recorded(**{**state.snapshot()["events"], "removed": 1})
    wait(lambda: browser.execute_script(asked) > before)
    wait(lambda: text(browser, "events-list") == "bird 0:08 · 1.5 s dog <b> 0:04 · 1.5 s cat 0:00 · 1.5 s")
    browser.execute_script("document.querySelector('.event').click(); document.getElementById('player-clip').playbackRate = 4")

    def is_over():
        *_, ended, error = browser.execute_script(PLAYING)
        return ended or error

    wait(is_over)
    width, height, at, ended, error = browser.execute_script(PLAYING)
    assert (width, height, ended, error) == (320, 240, True, None) and at > 1.5
    assert text(browser, "player-title") == "bird · 0:08 · 1.5 s"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    browser.execute_script("document.getElementById('player-close').click()")
    # The pages of the tests before have lost their servers.
    assert [error for error in errors(browser) if str(port) in error] == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    events.close()
    sink.close()

"""What cameras have together: the page, metrics, and a broker with a topic for each."""

from __future__ import annotations

import http.client
import json
import urllib.request
from functools import partial

import numpy as np
import pytest

pytest.importorskip("websockets")
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from runtime import Box, Detection, Frame
from runtime.common.values import Labels
from runtime.config import arguments, config_file
from runtime.config.config_edit import set_item
from runtime.sinks import open_shared
from runtime.telemetry.cameras import CamerasState
from runtime.telemetry.health import Health
from runtime.web import server
from runtime.zones.watch import Watch
from tests.support.browser import headless, wait
from tests.support.mosquitto import Listener, Mosquitto
from tests.support.pointer import Finger, Mouse
from tests.support.ports import free_port

CAT = (Detection("cat", 0, 0.9, Box(40, 60, 160, 200)),)


def frame(index=0, value=128):
    return Frame(np.full((240, 320, 3), value, np.uint8), index, index / 10)


class Page:
    """The page of the cameras door and yard."""

    def __init__(self, host=""):
        self.port = free_port()
        self.state = CamerasState(("door", "yard"), "street.tflite", Labels(("cat", "dog")), 0.5)
        self.state.engine(name="CPU", state="running")
        for name, state in self.state.cameras.items():
            state.source(name=name, state="running")
        self.pages = open_shared(f"serve:{host}{self.port},fps=1000000")
        self.pages.start(self.state.cameras)
        self.sinks = {name: self.pages.sink(name) for name in self.state.cameras}

    def get(self, path="/", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def json(self, path):
        return json.loads(self.get(path)[1])


@pytest.fixture
def page(monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    made = Page()
    yield made
    made.pages.close()


def test_each_camera_has_its_addresses(page):
    page.state.cameras["yard"].frame_done(CAT, {})
    page.sinks["yard"].write(frame(3), CAT)
    assert page.json("/camera/yard/state.json")["frames"] == 1 and page.json("/camera/door/state.json")["frames"] == 0
    assert {name: own["frames"] for name, own in page.json("/state.json")["cameras"].items()} == {"door": 0, "yard": 1}
    answer, data = page.get("/camera/yard/snapshot.jpg?boxes=1&small=1")
    assert answer.status == 200 and data[:2] == b"\xff\xd8"
    assert page.get("/camera/door/snapshot.jpg")[0].status == 503 and page.get("/snapshot.jpg")[0].status == 404
    for path in ("/", "/overview.js", "/style.css", "/camera/door/", "/camera/yard/cameras.js"):
        assert page.get(path)[0].status == 200, path
    answer, _ = page.get("/camera/yard")
    assert (answer.status, answer.headers["Location"]) == (301, "/camera/yard/")
    answer, said = page.get("/camera/cellar/")
    assert (answer.status, said) == (404, b"there is no such camera, but door, yard\n")


def test_viewers_get_the_images_of_their_camera(page):
    page.sinks["yard"].write(frame(7), CAT)
    with connect(f"ws://127.0.0.1:{page.port}/camera/yard/live") as viewer, connect(f"ws://127.0.0.1:{page.port}/camera/door/live") as other:
        said = json.loads(viewer.recv(20))
        assert (said["camera"], said["cameras"]) == ("yard", {"door": "running", "yard": "running"})
        assert json.loads(other.recv(20))["camera"] == "door"
        assert b'"frame": 7' in viewer.recv(20)
        viewer.send('{"score": 0.25}')
        wait(lambda: page.state.cameras["yard"].score == 0.25)
        assert page.state.cameras["door"].score == 0.5
        page.sinks["door"].write(frame(9), ())
        while isinstance(data := other.recv(20), str):
            pass
        assert b'"frame": 9' in data
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{page.port}/live")


def test_too_many_viewers_are_counted_over_all_cameras(page, monkeypatch):
    monkeypatch.setattr(server, "MOST_VIEWERS", 1)
    with connect(f"ws://127.0.0.1:{page.port}/camera/yard/live") as viewer:
        viewer.recv(20)
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{page.port}/camera/door/live")


def test_one_token_opens_all(monkeypatch):
    monkeypatch.setenv("EDGE_DETECTOR_TOKEN", "sixteen letters!")
    page = Page("0.0.0.0:")
    try:
        for path in ("/", "/camera/door/"):
            answer, said = page.get(path)
            assert answer.status == 401 and b"Enter the token" in said
            answer, _ = page.get(f"{path}?token=sixteen+letters!")
            assert (answer.status, answer.headers["Location"]) == (303, "./")
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert page.get("/camera/yard/style.css")[0].status == 200
        assert page.get("/camera/yard/state.json")[0].status == 401
        assert page.get("/camera/yard/state.json", Cookie=cookie)[0].status == 200
    finally:
        page.pages.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = headless(tmp_path_factory.mktemp("profile"))
    yield made
    made.quit()


def text(browser, selector):
    found = browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
    return " ".join(found.split())


@pytest.mark.parametrize("phone", [False, True])
def test_tabs_lead_to_the_cameras_and_what_is_drawn_is_kept_in_their_entries(browser, page, tmp_path, phone):
    pytest.importorskip("edgefirst")
    pytest.importorskip("yaml")
    width = 390 if phone else 1280
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": phone})
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    file = tmp_path / "runtime.yaml"
    file.write_text("file: street.tflite\nsources:\n  door: rtsp://one\n  yard:\n    source: rtsp://two  # behind\n")
    for name, state in page.state.cameras.items():
        state.areas = Watch(save=partial(set_item, str(file), camera=name))
    page.state.cameras["door"].source(state="reopening")
    for value, sink in enumerate(page.sinks.values()):
        sink.write(frame(5, 100 * value), CAT)
    browser.get(f"http://127.0.0.1:{page.port}/")
    wait(lambda: "yard 0.0 frames per second" in text(browser, "#overview") and "reopening" in text(browser, "[data-camera=door]"))
    wait(lambda: browser.execute_script("return document.querySelector('[data-camera=yard] img').naturalWidth") == 320)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.find_element("css selector", "[data-camera=yard]").click()
    wait(lambda: text(browser, "#cameras") == "All door yard" and text(browser, "#cameras [aria-current]") == "yard")
    assert browser.execute_script("return document.querySelector('#cameras [data-camera=door]').dataset.state") == "reopening"
    wait(lambda: browser.execute_script("return document.getElementById('boxes').dataset.frame") == "5")
    pixel = "return document.getElementById('image').getContext('2d').getImageData(5, 5, 1, 1).data[0]"
    assert abs(browser.execute_script(pixel) - 100) < 4
    pointer = Finger(browser) if phone else Mouse(browser)
    browser.find_element("id", "area-name").send_keys("desk")
    browser.find_element("id", "area-zone").click()
    # Until it is drawn, the browser takes a touch for one that scrolls.
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    for corner in ((0.25, 0.5), (0.75, 0.5), (0.75, 0.95)):
        pointer.tap(*corner)
    browser.find_element("id", "area-done").click()
    wait(lambda: "Saved" in text(browser, "#areas-note"))
    read = config_file.read(str(file), arguments.parser())["sources"]
    assert [area.name for area in read["yard"]["zone"]] == ["desk"] and "zone" not in read["door"]
    assert file.read_text().startswith("file: street.tflite\nsources:\n  door: rtsp://one\n  yard:\n    source: rtsp://two  # behind\n")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_script("document.querySelector('#cameras [data-camera=door]').click()")
    wait(lambda: text(browser, "#cameras [aria-current]") == "door" and text(browser, "#areas-list") == "")
    wait(lambda: abs(browser.execute_script(pixel)) < 4)
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE" and f":{page.port}/" in entry["message"]]
    assert severe == []
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_metrics_name_their_camera():
    parser = pytest.importorskip("prometheus_client.parser")
    port, state = free_port(), CamerasState(("door", "yard"))
    with open_shared(f"metrics:{port}") as metrics:
        metrics.start(state.cameras)
        state.cameras["door"].frame_done(CAT * 2, {})
        state.cameras["yard"].dropped_by_source(3)
        state.engine(state="running", restarts=1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            families = list(parser.text_string_to_metric_families(answer.read().decode()))
    found = {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}
    assert len({family.name for family in families}) == len(families)
    door, yard = (("camera", name) for name in ("door", "yard"))
    assert (found["edge_detector_detections_total", door], found["edge_detector_detections_total", yard]) == (2, 0)
    assert (found["edge_detector_dropped_total", ("at", "source"), yard], found["edge_detector_dropped_total", ("at", "source"), door]) == (3, 0)
    assert found["edge_detector_found_total", door, ("label", "cat")] == 2
    assert found["edge_detector_engine_running", yard] == 1 and found["edge_detector_source_running", yard] == 0


def test_a_broker_gets_a_topic_and_sensors_of_each_camera(tmp_path):
    pytest.importorskip("paho")
    state = CamerasState(("door", "yard"), "street.tflite", Labels(("cat", "dog")))
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        spec = f"mqtt://{broker.address}/edge/kit,discovery=homeassistant,every=1"
        mqtt = open_shared(spec)
        # Before the cameras are open.
        mqtt.start(state.cameras)
        listener.next(lambda topic, text: (topic, text) == ("edge/kit/door/source", "starting"))
        state.cameras["yard"].collected(images=0)
        mqtt.sink("yard").write(frame(4), CAT)
        mqtt.close()
        said = {}

        def heard(topic, text):
            said.setdefault(topic, text)
            ends = {f"edge/kit/{name}/status" for name in state.cameras}
            wanted = {*ends, "edge/kit/yard/detections", "edge/kit/yard/objects/cat", "edge/kit/door/device", "edge/kit/yard/device"}
            return wanted <= set(said)

        listener.next(heard)
    assert json.loads(said["edge/kit/yard/detections"])["frame"] == 4
    assert "edge/kit/door/detections" not in said
    named = {json.loads(text)["device"]["name"] for topic, text in said.items() if topic.startswith("homeassistant/")}
    assert named <= {"Edge detector door", "Edge detector yard"}
    assert len([topic for topic in said if topic.endswith("/collect/config")]) == 1


def test_what_holds_for_all_is_the_worst_of_each():
    state = CamerasState(("door", "yard"), "a.tflite", score=0.4)
    states = state.cameras
    assert state.snapshot()["source"]["state"] == "starting"
    for own in states.values():
        own.source(state="running")
        own.frame_done(CAT, {})
    assert (state.snapshot()["source"]["state"], state.snapshot()["frames"]) == ("running", 2)
    states["door"].source(state="ended")
    assert state.snapshot()["source"]["state"] == "running"
    states["door"].source(error="it is gone")
    assert state.snapshot()["source"]["state"] == "ended"
    states["yard"].source(state="reopening")
    assert state.snapshot()["source"]["state"] == "reopening"
    health = Health.of(state)
    assert health.not_running == ("door", "yard") and health.cameras["door"].error == "it is gone"
    # A model's own threshold is that of the cameras that nobody has given another.
    states["door"].score = 0.9
    state.score = 0.3
    assert (states["door"].score, states["yard"].score, state.score) == (0.9, 0.3, 0.3)
    state.stop()
    assert all(own.stopping for own in states.values())

"""The web server: its answers, access control and load."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import socket
import struct
import sys
import threading
import time
import zipfile

import numpy as np
import pytest

pytest.importorskip("websockets")
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from runtime import Box, Detection, Frame, InputError
from runtime.common import detection_json
from runtime.media import images
from runtime.sinks import json_lines, open_sink
from runtime.telemetry.state import State
from runtime.web import gate, messages, responses, server
from runtime.web.access import Access, is_own_page
from tests.support.areas import crossed_watch
from tests.support.ports import free_port

FOUND = (Detection("cat", 0, 0.91, Box(10, 20, 60, 80)), Detection("dog", 1, 0.5, Box(0, 0, 5, 5), 3))
TOKEN = "sixteen letters!"


def frame(index=0, width=128, height=96):
    return Frame(np.full((height, width, 3), (200, 100, 50), np.uint8), index, index / 10)


class Page:
    """The web sink, with the requests that a browser sends."""

    # No test is so fast that an image would come before its time.
    def __init__(self, host="", settings=",fps=1000000"):
        self.port = free_port()
        self.state = State("model.tflite", score=0.5)
        self.sink = open_sink(f"serve:{host}{self.port}{settings}", None)
        self.sink.attach(self.state)

    def get(self, path="/", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def watch(self, **options):
        return connect(f"ws://127.0.0.1:{self.port}/live", compression=None, open_timeout=20, **options)


@pytest.fixture
def page(monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    page = Page()
    yield page
    page.sink.close()


@pytest.fixture
def guarded(monkeypatch):
    monkeypatch.setenv("EDGE_DETECTOR_TOKEN", TOKEN)
    monkeypatch.setattr(server, "WRONG_TOKEN_SECONDS", 0.01)
    page = Page("0.0.0.0:")
    yield page
    page.sink.close()


def parts(message):
    (length,) = struct.unpack_from(">I", message)
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def received(viewer, fits, timeout=20.0):
    """The first message that fits; other messages, such as the state that comes every second, are ignored."""
    end = time.monotonic() + timeout
    while True:
        message = viewer.recv(timeout=end - time.monotonic())
        if fits(message):
            return message


def next_image(viewer, timeout=20.0):
    return parts(received(viewer, lambda message: isinstance(message, bytes), timeout))


def receive_until_closed(viewer):
    """Raises ConnectionClosed when the server has closed the connection."""
    received(viewer, lambda message: False)


def next_state(viewer, fits=lambda state: True):
    message = received(viewer, lambda message: isinstance(message, str) and fits(json.loads(message)["state"]))
    return json.loads(message)["state"]


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def test_the_page_and_all_that_it_names_come_from_here(page):
    answer, body = page.get()
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html")
    named = re.findall(r'(?:src|href)="([^"?]+)', body.decode())
    seen = set()
    while named:
        name = named.pop().lstrip("./")
        if name in seen:
            continue
        seen.add(name)
        if name in ("snapshot.jpg", "collected.zip"):
            continue
        answer, body = page.get(f"/{name}")
        assert answer.status == 200, name
        named += re.findall(r'from "([^"]+)"', body.decode())
    assert seen >= {"app.js", "panel.js", "image.js", "chart.js", "colors.js", "style.css", "icon.svg"}


def is_closed(client):
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_silent_connections_use_up_nothing(monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    monkeypatch.setattr(server, "OPEN_SECONDS", 600)
    page = Page()
    with contextlib.ExitStack() as stack:
        stack.callback(page.sink.close)
        viewer = stack.enter_context(page.watch())
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", page.port), 20)) for _ in range(120)]
        until(lambda: sum(map(is_closed, clients)) == 120 - gate.MOST_WAITING)
        assert page.get()[0].status == 200, "a browser gets in"
        assert next_state(viewer), "who is in stays in"
        with page.watch() as other:
            assert next_state(other)


def test_a_connection_that_says_nothing_is_closed(guarded, monkeypatch):
    monkeypatch.setattr(server, "OPEN_SECONDS", 0.05)
    page = Page("0.0.0.0:")
    with socket.create_connection(("127.0.0.1", page.port), 20) as silent:
        assert silent.recv(1) == b""
    page.sink.close()


def test_nothing_of_the_page_comes_from_elsewhere_or_stands_in_line():
    for path in responses.PAGE.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|\bsrc=\"//|@import|url\(", text), path.name
        if path.suffix == ".html":
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src)", text), path.name
        assert "innerHTML" not in text and "eval(" not in text, path.name


def test_every_answer_is_guarded(page):
    for path in ("/", "/nothing", "/state.json", "/snapshot.jpg"):
        answer, _ = page.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    assert page.get("/nothing")[0].status == 404
    assert page.get("/../access.py")[0].status == 404


def test_a_viewer_gets_the_frame_with_everybodys_json(page):
    with page.watch() as viewer:
        assert next_state(viewer)["model"] == "model.tflite"
        page.sink.write(frame(7), FOUND)
        head, jpeg = next_image(viewer)
    assert (head["width"], head["height"]) == (128, 96)
    assert head["result"] == json.loads(detection_json.line(frame(7), FOUND))
    image = images.decode(jpeg)
    assert image.shape == (96, 128, 3) and np.allclose(image.mean((0, 1)), (200, 100, 50), atol=3)


def test_wide_images_are_made_smaller_and_rgb_is_turned():
    image = np.zeros((100, 2000, 3), np.uint8)
    image[..., 0] = 250
    head, jpeg = parts(messages.image(Frame(image, color="RGB"), (), 960))
    assert (head["width"], head["height"]) == (2000, 100)
    found = images.decode(jpeg)
    assert found.shape == (48, 960, 3) and found[..., 2].mean() > 240 and found[..., 0].mean() < 10


def test_nobody_looking_nothing_is_encoded_and_for_ten_it_is_done_once(page, monkeypatch):
    encoded = []
    whole = messages.image
    monkeypatch.setattr(messages, "image", lambda frame, *rest: encoded.append(frame.index) or whole(frame, *rest))
    for index in range(5):
        page.sink.write(frame(index), ())
    assert encoded == []
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(page.watch()) for _ in range(10)]
        assert {next_image(viewer)[0]["result"]["frame"] for viewer in viewers} == {4}
        encoded.clear()
        for viewer in viewers:
            viewer.send('{"next": true}')
        until(lambda: page.sink._pages._server.views[""]._viewers.waiting == 10)
        page.sink.write(frame(5), ())
        assert {next_image(viewer)[0]["result"]["frame"] for viewer in viewers} == {5}
        assert encoded == [5]
    until(lambda: not len(page.sink._pages._server.views[""]._viewers))


def test_a_slow_viewer_skips_frames_and_holds_up_nobody(page):
    with page.watch() as slow, page.watch() as fast:
        until(lambda: page.sink._pages._server.views[""]._viewers.waiting == 2)
        for index in range(5):
            page.sink.write(frame(index), ())
            assert next_image(fast)[0]["result"]["frame"] == index
            fast.send('{"next": true}')
            until(lambda: page.sink._pages._server.views[""]._viewers.waiting == 1)
        assert next_image(slow)[0]["result"]["frame"] == 0
        slow.send('{"next": true}')
        until(lambda: page.sink._pages._server.views[""]._viewers.waiting == 2)
        page.sink.write(frame(9), ())
        assert next_image(slow)[0]["result"]["frame"] == 9


def test_no_more_images_a_second_than_asked_for(monkeypatch):
    page = Page(settings=",fps=1")
    with page.watch() as viewer:
        until(lambda: page.sink._pages._server.views[""]._viewers.waiting == 1)
        for index in range(20):
            page.sink.write(frame(index), ())
            viewer.send('{"next": true}')
        assert next_image(viewer)[0]["result"]["frame"] == 0
        with pytest.raises(TimeoutError):
            next_image(viewer, timeout=0.3)
    page.sink.close()


def test_the_threshold_is_set_and_everybody_is_told(page):
    with page.watch() as one, page.watch() as other:
        one.send('{"score": 0.25}')
        assert next_state(other, lambda state: state["score"] != 0.5)["score"] == 0.25
        for wrong in (
            '{"score": 2}',
            '{"score": "x"}',
            '{"score": NaN}',
            f'{{"score": 1{"0" * 400}}}',
            '{"score": true}',
            "[",
            "[" * 1024,
            "[1]",
            "7",
            b"\xff",
        ):
            one.send(wrong)
        one.send('{"score": 0}')
        assert next_state(other, lambda state: state["score"] != 0.25)["score"] == 0
    assert page.state.score == 0


def test_a_viewer_keeps_the_next_image(page):
    with page.watch() as viewer:
        for wrong in ('{"collect": 1}', '{"collect": "true"}', '{"collect": false}'):
            viewer.send(wrong)
        viewer.send('{"score": 0.25}')
        next_state(viewer, lambda state: state["score"] == 0.25)
        assert not page.state.take_image_request()
        viewer.send('{"collect": true}')
        until(page.state.take_image_request)


def test_a_viewer_who_sends_too_much_is_shown_out(page):
    with page.watch() as viewer:
        viewer.send("x" * 5000)
        with pytest.raises(ConnectionClosed):
            receive_until_closed(viewer)


def test_what_is_going_on_is_told_every_second(page, monkeypatch):
    monkeypatch.setattr(server, "STATE_SECONDS", 0.02)
    with page.watch() as viewer:
        page.state.source(state="reopening", retries=3)
        state = next_state(viewer, lambda state: state["source"]["state"] == "reopening")
    assert state["source"]["retries"] == 3
    assert json.loads(page.get("/state.json")[1])["source"]["retries"] == 3


def test_snapshots(page):
    assert page.get("/snapshot.jpg")[0].status == 503
    page.sink.write(frame(1), FOUND)
    answer, plain = page.get("/snapshot.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert re.fullmatch(r'attachment; filename="snapshot_\d{8}_\d{6}\.jpg"', answer.headers["Content-Disposition"])
    assert images.decode(plain).std((0, 1)).max() < 3
    assert images.decode(page.get("/snapshot.jpg?boxes=1")[1]).std((0, 1)).max() > 10


def test_closing_says_goodbye_and_frees_the_port(page):
    with page.watch() as viewer:
        closing = threading.Thread(target=page.sink.close)
        closing.start()
        with pytest.raises(ConnectionClosed) as ended:
            receive_until_closed(viewer)
        assert ended.value.rcvd.code == 1001
        closing.join(5)
    again = open_sink(f"serve:{page.port}", None)
    again.attach(State())
    again.close()


def test_a_port_in_use_is_one_clear_line(page):
    with pytest.raises(InputError, match=f"^--serve: 127.0.0.1:{page.port}: port {page.port} is in use"):
        open_sink(f"serve:{page.port}", None).attach(State())


def test_another_sites_page_may_not_connect(page):
    with pytest.raises(InvalidStatus) as refused:
        page.watch(origin="http://elsewhere.example")
    assert refused.value.response.status_code == 403
    with page.watch(origin=f"http://127.0.0.1:{page.port}") as viewer:
        assert next_state(viewer)
    assert page.get("/", Host="elsewhere.example")[0].status == 403
    assert page.get("/", Host=f"localhost:{page.port}")[0].status == 200


def test_without_the_token_nothing_is_shown(guarded):
    answer, body = guarded.get()
    assert answer.status == 401 and b'name="token"' in body
    for path in ("/app.js", "/state.json", "/snapshot.jpg", "/index.html", "/live"):
        assert guarded.get(path)[0].status == 401, path
    with pytest.raises(InvalidStatus) as refused:
        guarded.watch()
    assert refused.value.response.status_code == 401
    assert guarded.get("/style.css")[0].status == 200


def test_a_wrong_token_is_refused(guarded):
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "%C3%A9", TOKEN.upper()):
        answer, body = guarded.get(f"/?token={wrong.replace(' ', '+')}")
        # An empty one is as none.
        assert answer.status == (403 if wrong else 401) and "Set-Cookie" not in answer.headers
        assert (b'<p id="wrong">Wrong token' in body) == bool(wrong)
        # Relative, for a proxy that serves the page under a path.
        assert b' action="./"' in body
    assert guarded.get("/state.json", Authorization="Bearer wrong")[0].status == 401
    assert guarded.get("/state.json", Cookie=f"edge_detector_{guarded.port}=wrong")[0].status == 401
    assert guarded.get("/state.json", Cookie="\xff;;==")[0].status == 401


def test_the_right_token_lets_in_and_leaves_the_address(guarded):
    answer, _ = guarded.get("/?token=sixteen+letters!")
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and TOKEN not in cookie
    cookie = cookie.partition(";")[0]
    assert guarded.get("/", Cookie=f"a=b; {cookie}")[0].status == 200
    with guarded.watch(additional_headers={"Cookie": cookie}) as viewer:
        assert next_state(viewer)
    assert guarded.get("/state.json", Authorization=f"Bearer {TOKEN}")[0].status == 200


def test_the_cookie_outlives_a_restart_but_not_another_token():
    cookie = Access(TOKEN, 80).cookie().partition(";")[0]
    assert Access(TOKEN, 80).admits((), (cookie,), ())
    assert not Access(TOKEN, 81).admits((), (cookie,), ())
    assert not Access("another token 123", 80).admits((), (cookie,), ())


@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("localhost", True), ("localhost:80", True), ("127.0.0.1:80", True), ("[::1]:80", True), ("127.9.9.9", True),
        ("evil.example", False), ("localhost.evil.example", False), ("127.0.0.1.evil.example", False), ("", False),
        ("192.168.1.2", False), ("[::1", False),
    ],
)  # fmt: skip
def test_hosts_of_this_machine(host, admitted):
    assert Access(None, 80).admits((host,), (), ()) is admitted
    assert not Access(None, 80).admits((host, host), (), ())


def test_origins():
    assert is_own_page((), ("a:1",)) and is_own_page(("http://a:1",), ("a:1",)) and is_own_page(("https://a",), ("a",))
    assert not is_own_page(("http://a:2",), ("a:1",)) and not is_own_page(("null",), ("a",))


def test_a_token_is_made_up_and_printed_where_others_can_connect(monkeypatch, capsys):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    page = Page("0.0.0.0:")
    said = capsys.readouterr().err
    token = re.search(rf"^page: http://\S+:{page.port}/\?token=(\S{{32}})\n$", said)[1]
    assert page.get("/")[0].status == 401
    assert page.get(f"/?token={token}")[0].status == 303
    page.sink.close()


def test_a_token_from_the_environment_is_not_printed(guarded, capfd):
    page = Page()
    assert TOKEN not in capfd.readouterr().err
    assert page.get("/")[0].status == 401, "it guards this machine's own page too"
    page.sink.close()


@pytest.mark.parametrize("token", ["short", "fifteen letters", "eine Kette mit \u00e4", "a\nb" * 9])
def test_tokens_that_are_too_weak(monkeypatch, token):
    monkeypatch.setenv("EDGE_DETECTOR_TOKEN", token)
    with pytest.raises(InputError, match="16 or more printable ASCII characters"):
        open_sink("serve:8000", None)


def test_wrong_settings_and_a_missing_package(monkeypatch):
    with pytest.raises(InputError, match="--serve: fps=0"):
        open_sink("serve:8000,fps=0", None)
    with pytest.raises(InputError, match="--serve: 'x' names no port"):
        open_sink("serve:x", None)
    monkeypatch.setitem(sys.modules, "websockets.asyncio.server", None)
    with pytest.raises(InputError, match="--serve needs the package websockets"):
        open_sink("serve:8000", None)


@pytest.fixture
def collected(tmp_path):
    """A folder with two whole images, one without its annotation, and a file that is being written."""
    for name, data in (
        ("images/a.jpg", b"a" * 200_000), ("annotations/a.xml", b"<annotation/>"), ("images/b.jpg", b"b" * 70_000),
        ("annotations/b.xml", b"<annotation/>"), ("images/cut.jpg", b"c"), ("annotations/.d.xml", b"d"),
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_collected_images_come_as_a_zip(guarded, collected):
    answer, _ = guarded.get("/collected.zip")
    assert answer.status == 401
    token = {"Authorization": f"Bearer {TOKEN}"}
    answer, body = guarded.get("/collected.zip", **token)
    assert answer.status == 404 and b"--collect" in body
    guarded.state.collect_folder = collected
    answer, body = guarded.get("/collected.zip", **token)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/zip"
    assert (
        answer.headers["X-Content-Type-Options"] == "nosniff" and "attachment" in answer.headers["Content-Disposition"]
    )
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["images/a.jpg", "annotations/a.xml", "images/b.jpg", "annotations/b.xml"]
        assert archive.read("images/b.jpg") == b"b" * 70_000


def test_a_slow_download_holds_up_nothing_and_is_alone(page, collected):
    (collected / "images" / "a.jpg").write_bytes(bytes(30_000_000))
    page.state.collect_folder = collected
    with socket.create_connection(("127.0.0.1", page.port), 20) as slow:
        slow.sendall(b"GET /collected.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slow.recv(12) == b"HTTP/1.1 200"
        assert page.get("/collected.zip")[0].status == 503
        assert page.get("/state.json")[0].status == 200
        # What goes while it is sent is left out, and the rest is whole.
        (collected / "images" / "b.jpg").unlink()
        rest = b"".join(iter(lambda: slow.recv(1 << 20), b""))
    assert rest.endswith(b"0\r\n\r\n") and b"images/b.jpg" not in rest
    until(lambda: page.get("/collected.zip")[0].status == 200)


def test_a_run_that_ends_cuts_a_download(page, collected):
    (collected / "images" / "a.jpg").write_bytes(bytes(30_000_000))
    page.state.collect_folder = collected
    with socket.create_connection(("127.0.0.1", page.port), 20) as slow:
        slow.sendall(b"GET /collected.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slow.recv(12) == b"HTTP/1.1 200"
        page.sink.close()
        assert not b"".join(iter(lambda: slow.recv(1 << 20), b"")).endswith(b"0\r\n\r\n")


def test_a_viewer_draws_and_removes_zones(page):
    page.state.areas = watch = crossed_watch()
    with page.watch() as viewer:
        viewer.recv(timeout=20)

        def change(**message):
            viewer.send(json.dumps(message))
            while True:
                said = json.loads(viewer.recv(timeout=20))
                if "note" in said:
                    return said["note"]

        many = [[place / 64, place % 2] for place in range(64)]
        assert change(zone={"name": "shop", "corners": many}) == {"error": "", "saved": False}
        assert len(watch.snapshot()["zones"]["shop"]["corners"]) == 64
        assert change(line={"name": "door", "corners": None}) == {"error": "", "saved": False}
        assert watch.snapshot()["lines"] == {}
        for wrong in (
            {"zone": {"name": "shop"}}, {"zone": {"name": "shop", "corners": [[0, 0]]}}, {"zone": {"corners": many}},
            {"line": {"name": "x", "corners": "all"}}, {"line": {"name": "x", "corners": [[[], 0], [1, 1]]}},
            {"line": {"name": "x", "corners": [[10**400, 0.5], [1, 1]]}},
        ):  # fmt: skip
            if wrong == {"zone": {"name": "shop"}}:
                assert change(**wrong)["error"] == "" and "shop" not in watch.snapshot()["zones"]
            else:
                assert change(**wrong)["error"]
    assert list(watch.snapshot()["zones"]) == ["desk"]


def test_whoever_has_no_token_draws_nothing(guarded):
    guarded.state.areas = watch = crossed_watch()
    with pytest.raises(InvalidStatus):
        guarded.watch()
    with guarded.watch(additional_headers={"Authorization": f"Bearer {TOKEN}"}) as viewer:
        viewer.send(json.dumps({"line": {"name": "door", "corners": None}}))
        while "note" not in json.loads(viewer.recv(timeout=20)):
            pass
    assert watch.snapshot()["lines"] == {}


def test_a_run_without_zones_says_so(page):
    with page.watch() as viewer:
        viewer.send(json.dumps({"line": {"name": "door", "corners": None}}))
        while True:
            said = json.loads(viewer.recv(timeout=20))
            if "note" in said:
                break
    assert said["note"]["error"] == "no such zone or line"

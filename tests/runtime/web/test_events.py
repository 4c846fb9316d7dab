from __future__ import annotations

import http.client
import json
import socket
from http import HTTPStatus

import cv2
import numpy as np
import pytest

pytest.importorskip("websockets")

from runtime.sinks import open_sink
from runtime.telemetry.state import State
from runtime.web import events, server
from tests.support.ports import free_port
from tests.support.recorded_events import record

LABELS = ("cat", "dog", "cat")
TOKEN = "sixteen letters!"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder, state = tmp_path_factory.mktemp("events"), State()
    sink = record(folder, state, LABELS)
    yield folder, state
    sink.close()


def serve(state, host=""):
    port = free_port()
    sink = open_sink(f"serve:{host}{port}", None)
    sink.attach(state)

    def get(path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    get.port = port
    return sink, get


@pytest.fixture
def get(kept, monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    sink, get = serve(kept[1])
    yield get
    sink.close()


def test_events_are_listed_in_pages_the_newest_first(get):
    answer, body = get("/events.json?limit=2")
    first = json.loads(body)
    assert answer.status == 200 and [event["track"] for event in first["events"]] == [2, 1]
    second = json.loads(get(f"/events.json?limit=2&before={first['next']}")[1])
    assert [event["track"] for event in second["events"]] == [0] and second["next"] is None
    assert [event["track"] for event in json.loads(get("/events.json?label=cat")[1])["events"]] == [2, 0]
    for wrong in ("limit=0", "before=x", "limit=99999999999999999999", f"before=1{'0' * 25}", f"before={2**63}"):
        answer, body = get(f"/events.json?{wrong}")
        assert answer.status == 400 and b"whole number" in body


def test_the_files_of_an_event(kept, get):
    event = json.loads(get("/events.json?limit=1")[1])["events"][0]
    answer, body = get(f"/events/{event['snapshot']}")
    assert answer.headers["Content-Type"] == "image/jpeg" and body == (kept[0] / event["snapshot"]).read_bytes()
    _, body = get(f"/events/{event['snapshot']}?small=1")
    assert cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR).shape[1] <= events.SMALL
    answer, body = get(f"/events/{event['clip']}")
    assert answer.headers["Content-Type"] in ("video/mp4", "video/webm") and answer.headers["Accept-Ranges"] == "bytes"
    whole = (kept[0] / event["clip"]).read_bytes()
    assert body == whole
    answer, body = get(f"/events/{event['clip']}", Range="bytes=10-19")
    assert (answer.status, body) == (206, whole[10:20])
    assert answer.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "..%2fsecret.jpg", "%2e%2e/secret.jpg", "index.sqlite", ".lock", "/etc/passwd", "none.jpg", "", "a/b.jpg", f"{'a' * 300}.jpg"],
)
def test_no_other_file_is_served(kept, get, name):
    (kept[0].parent / "secret.jpg").write_bytes(b"a")
    assert get(f"/events/{name}")[0].status == 404


def test_a_clip_takes_as_long_as_its_link_needs(kept, monkeypatch):
    """The limit of time for a request is not that of its answer, and what is sent is not held in memory."""
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    monkeypatch.setattr(server, "OPEN_SECONDS", 0.2)
    monkeypatch.setattr(server, "MOST_DOWNLOADS", 1)
    large = kept[0] / "20260101T000000.000Z_1c.mp4"
    large.write_bytes(bytes(16_000_000))
    sink, get = serve(kept[1])
    port = get.port
    with socket.create_connection(("127.0.0.1", port), 20) as slow:
        slow.sendall(f"GET /events/{large.name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert slow.recv(12) == b"HTTP/1.1 200"
        answer, body = get(f"/events/{large.name}")
        assert answer.status == 503 and b"too many downloads" in body
        with socket.create_connection(("127.0.0.1", port), 20) as silent:
            # Closed once its time is over, which began after that of the slow one.
            assert silent.recv(1) == b""
        rest = b"".join(iter(lambda: slow.recv(1 << 20), b""))
    assert rest.partition(b"\r\n\r\n")[2] == large.read_bytes()
    large.unlink()
    sink.close()


def test_a_large_answer_from_memory_comes_whole(get, monkeypatch):
    found = {"events": ["a" * 1_000_000], "next": None}
    monkeypatch.setattr(events, "answer_list", lambda folder, query: (HTTPStatus.OK, found))
    answer, body = get("/events.json")
    assert answer.status == 200 and answer.headers["X-Content-Type-Options"] == "nosniff" and json.loads(body) == found


def test_ranges_as_rfc_9110_has_them(monkeypatch):
    monkeypatch.setattr(events, "MOST_BYTES", 50)
    cases = {
        "bytes=0-": (0, 50), "bytes=90-": (90, 100), "bytes=5-7": (5, 8), "bytes=-10": (90, 100), "bytes=-500": (0, 50),
        "bytes=100-": (100, 100), "bytes=7-5": None, "bytes=-": None, "bytes=0-1,3-4": None, "lines=1-2": None,
    }  # fmt: skip
    assert {text: events._range([text], 100) for text in cases} == cases
    assert events._range([], 100) is None


def test_the_token_is_needed_as_for_all_else(kept, monkeypatch):
    monkeypatch.setenv("EDGE_DETECTOR_TOKEN", TOKEN)
    sink, get = serve(kept[1], "0.0.0.0:")
    name = next(kept[0].glob("*.jpg")).name
    assert [get(path)[0].status for path in ("/events.json", f"/events/{name}")] == [401, 401]
    assert get(f"/events/{name}", Authorization=f"Bearer {TOKEN}")[0].status == 200
    sink.close()


def test_a_run_without_events(monkeypatch):
    monkeypatch.delenv("EDGE_DETECTOR_TOKEN", raising=False)
    sink, get = serve(State())
    assert [get(path)[0].status for path in ("/events.json", "/events/a.jpg")] == [404, 404]
    sink.close()

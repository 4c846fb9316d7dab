from __future__ import annotations

import contextlib
import socket
import sys
import urllib.request

import pytest

from runtime import Box, Detection, InputError
from runtime.sinks import _metrics_server, open_sink
from runtime.telemetry.state import State
from runtime.web.address import Address
from tests.support.areas import crossed_watch


@pytest.fixture
def port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def scraped(port):
    parser = pytest.importorskip("prometheus_client.parser")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_the_states_counters(port):
    pytest.importorskip("prometheus_client")
    state = State("model.tflite", score=0.25)
    with open_sink(f"metrics:{port}", None) as sink:
        sink.attach(state)
        state.frame_done((Detection('a "b"\n', 0, 0.9, Box(0, 0, 1, 1)),) * 2, {"invoke": 20.0, "total": 30.0})
        state.dropped_by_source(3)
        state.dropped_by_engine(5)
        state.dropped_by_sink("mqtt", 4)
        state.count("gaps")
        state.engine(state="running", restarts=2)
        state.source(state="reopening")
        found = scraped(port)
        assert found["edge_detector_frames_total", ()] == 1
        assert found["edge_detector_detections_total", ()] == 2
        assert found["edge_detector_gaps_total", ()] == 1
        assert found["edge_detector_dropped_total", (("at", "source"),)] == 3
        assert found["edge_detector_dropped_total", (("at", "sink mqtt"),)] == 4
        assert found["edge_detector_dropped_total", (("at", "engine"),)] == 5
        assert found["edge_detector_found_total", (("label", 'a "b"\n'),)] == 2
        assert found["edge_detector_latency_seconds", (("quantile", "0.5"), ("stage", "invoke"))] == 0.02
        assert found["edge_detector_objects", (("label", 'a "b"\n'),)] == 2
        assert (found["edge_detector_engine_running", ()], found["edge_detector_source_running", ()]) == (1, 0)
        assert found["edge_detector_engine_restarts_total", ()] == 2
        assert found["edge_detector_score", ()] == 0.25
        state.count("gaps", 2)
        state.frame_done((Detection('a "b"\n', 0, 0.9, Box(0, 0, 1, 1)),), {})
        assert scraped(port)["edge_detector_found_total", (("label", 'a "b"\n'),)] == 3
        assert scraped(port)["edge_detector_gaps_total", ()] == 3
    with pytest.raises(OSError, match="refused"):
        scraped(port)


def test_silent_connections_are_few_and_are_closed(port, monkeypatch):
    pytest.importorskip("prometheus_client")
    monkeypatch.setattr(_metrics_server._Handler, "timeout", 600)
    with open_sink(f"metrics:{port}", None) as sink, contextlib.ExitStack() as stack:
        sink.attach(State())
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(20)]
        for client in clients[_metrics_server.MOST :]:
            assert client.recv(1) == b"", "there is no room"
        clients[0].close()
        clients[1].sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert clients[1].recv(15) == b"HTTP/1.0 200 OK"


def test_a_silent_connection_has_a_time_limit(port, monkeypatch):
    pytest.importorskip("prometheus_client")
    monkeypatch.setattr(_metrics_server._Handler, "timeout", 0.05)
    with open_sink(f"metrics:{port}", None) as sink:
        sink.attach(State())
        with socket.create_connection(("127.0.0.1", port), 20) as silent:
            assert silent.recv(1) == b""


def test_a_port_in_use_is_one_clear_line(port):
    pytest.importorskip("prometheus_client")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(InputError, match=f"^--metrics: 127.0.0.1:{port}: port {port} is in use by another program"):
            open_sink(f"metrics:{port}", None).attach(State())


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(InputError, match=r"--metrics needs the package prometheus-client .*pip install"):
        open_sink("metrics:9100", None)


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("8000", Address("127.0.0.1", 8000), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),
        ("localhost:80", Address("localhost", 80), True),
        ("[::1]:80", Address("::1", 80), True),
        ("[::]:80", Address("::", 80), False),
        ("pi.local:80", Address("pi.local", 80), False),
    ],
)
def test_addresses(text, address, loopback):
    assert Address.parse(text, "--x") == address
    assert address.is_loopback is loopback


@pytest.mark.parametrize("text", ["", "x", "0", "70000", ":80", "::1:80", "a:b", "8000 ", "²"])
def test_invalid_addresses(text):
    with pytest.raises(InputError, match=r"^--x: "):
        Address.parse(text, "--x")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (Address("192.0.2.1", 8000), "this machine has no such address"),
        (Address("no.such.host.invalid", 8000), "no such host"),
    ],
)
def test_addresses_that_cannot_be_listened_on(address, message):
    with pytest.raises(InputError, match=f"^--x: .*{message}"):
        address.listen("--x")


def test_zones_and_lines(port):
    pytest.importorskip("prometheus_client")
    state = State()
    state.areas = crossed_watch()
    with open_sink(f"metrics:{port}", None) as sink:
        sink.attach(state)
        found = scraped(port)
    door, desk = (("label", "person"), ("line", "door")), (("label", "person"), ("zone", "desk"))
    assert found["edge_detector_line_crossings_total", (("direction", "in"), *door)] == 1
    assert found["edge_detector_line_crossings_total", (("direction", "out"), *door)] == 0
    assert found["edge_detector_zone_objects", desk] == found["edge_detector_zone_entered_total", desk] == 1
    assert found["edge_detector_zone_left_total", desk] == 0
    assert found["edge_detector_zone_dwell_seconds", (("of", "current"), ("zone", "desk"))] == pytest.approx(0.1)
    assert ("edge_detector_zone_dwell_seconds", (("of", "median"), ("zone", "desk"))) not in found

"""Messages through a real Mosquitto."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from runtime import Box, Detection, Frame, InputError, Labels
from runtime.common import detection_json
from runtime.mqtt import client, outbox, topics
from runtime.mqtt.address import Broker, level
from runtime.mqtt.report import Report
from runtime.sinks import json_lines, mqtt, open_sink
from runtime.telemetry.health import sha256_of
from runtime.telemetry.state import State
from tests.support.areas import crossed_watch
from tests.support.mosquitto import Listener, Mosquitto
from tests.support.paths import ROOT

pytest.importorskip("paho.mqtt.client")

CAT = Detection("cat", 0, 0.9, Box(1, 2, 3, 4))
DOG = Detection("Big dog/1", 1, 0.8, Box(1, 2, 3, 4))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(mqtt, "TICK_SECONDS", 0.05)
    monkeypatch.delenv(mqtt.USER, raising=False)
    monkeypatch.delenv(mqtt.PASSWORD, raising=False)


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path) as broker:
        yield broker


def frame(index=0):
    return Frame(np.zeros((4, 4, 3), np.uint8), index, index / 10)


def opened(address, settings="", state=None):
    sink = open_sink(f"mqtt://{address}/edge/door{settings}", None)
    state = state or State("model.tflite")
    state.source(name="camera 0", state="running")
    sink.attach(state)
    return sink, state


def publish(port, name, text, retain=False):
    """Sends a message and waits until the broker has it."""
    from paho.mqtt import publish

    publish.single(name, text, qos=1, retain=retain, hostname="127.0.0.1", port=port)


def topic(name, text=None):
    return lambda got, said: got == f"edge/door/{name}" and text in (None, said)


def dropped(state):
    return state.snapshot()["dropped"]["sinks"].get("mqtt", 0)


def test_detections_and_state_are_published(broker):
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address)
        listener.next(topic("status", "online"))
        listener.next(topic("source", "running"))
        said = json.loads(listener.next(topic("state"))[1])
        assert said["source"]["name"] == "camera 0" and "labels" not in said and "counts" not in said
        sink.write(frame(0), ())
        sink.write(frame(1), (CAT, CAT, DOG))
        assert listener.next(topic("detections"))[1] == detection_json.line(frame(1), (CAT, CAT, DOG))
        sink.write(frame(2), ())
        sink.write(frame(3), ())
        assert listener.next(topic("detections"))[1] == detection_json.line(frame(2), ())
        state.source(state="reopening")
        listener.next(topic("source", "reopening"))
        sink.close()
        listener.next(topic("status", "offline"))
    assert dropped(state) == 0


def test_a_device_publishes_reports(broker, tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"a model")
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address, ",every=3600", State(str(model)))
        said = Report.parse(listener.next(topic("device"))[1])
        assert (said.model, said.sha256, said.source, said.every) == ("model.tflite", sha256_of(model), "running", 3600)
        state.source(state="reopening")
        assert Report.parse(listener.next(topic("device"))[1]).source == "reopening", "a change does not wait"
        sink.close()
        assert sum(name == "edge/door/device" for name, _, _ in listener.heard.queue) == 0
    with Listener(broker.port) as late:
        assert late.next(topic("device"))[2], "the broker keeps it"


def test_a_device_publishes_reports_periodically(broker):
    with Listener(broker.port) as listener:
        sink, _state = opened(broker.address, ",every=0.2")
        first, second = (Report.parse(listener.next(topic("device"))[1]) for _ in range(2))
        assert first.time < second.time and first.news == second.news
        sink.close()


def test_a_message_keeps_the_next_image(broker):
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address)
        listener.next(topic("status", "online"))
        assert not state.take_image_request()
        publish(broker.port, "edge/door/collect", "now")
        end = time.monotonic() + 60
        while not state.take_image_request():
            assert time.monotonic() < end
            time.sleep(0.01)
        # One that the broker keeps was meant for a moment that is past.
        publish(broker.port, "edge/door/collect", "then", retain=True)
        sink.close()
    sink, state = opened(broker.address)
    # It gets its own reports only after what the broker kept.
    with Listener(broker.port) as listener:
        listener.next(topic("state"))
    assert not state.take_image_request()
    sink.close()


def test_an_event_is_told_as_it_begins_and_when_it_is_kept(broker):
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address)
        for end in (None, 12.5):
            state.announce({"id": "a", "label": "cat", "start": 10.0, "end": end})
            assert json.loads(listener.next(topic("event"))[1]) == {"id": "a", "label": "cat", "start": 10.0, "end": end}
        sink.close()
    # Nothing of it is kept for those who come later.
    with Listener(broker.port) as listener:
        assert listener.next(topic("status", "offline"))
        publish(broker.port, "edge/door/event", "last")
        assert listener.next(topic("event"))[1] == "last"


def test_how_many_are_in_view_is_kept_and_told_when_it_changes(broker):
    with Listener(broker.port) as listener:
        sink, _ = opened(broker.address)
        sink.write(frame(0), (CAT, CAT, DOG))
        sink.write(frame(1), (CAT,))
        assert listener.next(topic("objects/big_dog_1"))[1] == "1"
        assert listener.next(topic("objects/cat"))[1] == "2"
        sink.write(frame(2), (CAT,))
        assert listener.next(topic("objects/cat"))[1] == "1"
        sink.write(frame(3), ())
        assert listener.next(topic("objects/cat"))[1] == "0"
        time.sleep(0.2)
        sink.close()
    with Listener(broker.port) as late:
        assert late.next(topic("objects/cat"))[1:] == ("0", True)


def test_a_run_shorter_than_a_tick_tells_all(broker, monkeypatch):
    monkeypatch.setattr(mqtt, "TICK_SECONDS", 3600)
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address, ",discovery=homeassistant")
        sink.write(frame(0), (CAT, CAT))
        state.source(state="ended")
        sink.close()
        # State goes out before detections that wait, so that only the last message has its place.
        told = {}
        while told.get("edge/door/status") != "offline":
            name, text, kept = listener.next(lambda name, text: True)
            # What is kept is of other tests.
            if not kept:
                told[name] = text
    assert told["edge/door/source"] == "ended" and told["edge/door/objects/cat"] == "2"
    assert "edge/door/detections" in told and any(name.endswith("/objects_cat/config") for name in told)
    assert Report.parse(told["edge/door/device"]).source == "ended"
    assert json.loads(told["edge/door/state"])["source"]["state"] == "ended"


def test_home_assistant_is_told_what_there_is(broker):
    with Listener(broker.port) as listener:
        sink, _ = opened(broker.address, ",discovery=homeassistant")
        found = {}
        while "homeassistant/sensor/edge_door/objects_big_dog_1/config" not in found:
            sink.write(frame(), (DOG,))
            name, text, _ = listener.next(lambda name, _: name.startswith("homeassistant/"))
            found[name] = json.loads(text)
        sink.close()
    assert set(found) == {
        "homeassistant/sensor/edge_door/fps/config",
        "homeassistant/binary_sensor/edge_door/source/config",
        "homeassistant/sensor/edge_door/objects_big_dog_1/config",
    }
    dog = found["homeassistant/sensor/edge_door/objects_big_dog_1/config"]
    assert dog["name"] == "Big dog/1" and dog["state_topic"] == "edge/door/objects/big_dog_1"
    assert len({said["unique_id"] for said in found.values()}) == 3
    for said in found.values():
        assert said["device"] == dog["device"] and said["device"]["identifiers"] == ["edge_door"]
        assert said["availability"][0] == {"topic": "edge/door/status"} and said["availability_mode"] == "all"
    with Listener(broker.port) as late:
        assert late.next(lambda name, _: name.endswith("/fps/config"))[2], "the broker keeps announcements"


def test_classes_of_like_names_have_topics_of_their_own(broker, monkeypatch):
    monkeypatch.setattr(mqtt, "TICK_SECONDS", 3600)
    names = ("big dog", "big_dog", "Tür", "tür")
    seen = [Detection(name, place, 0.9, Box(1, 2, 3, 4)) for place, name in enumerate(names) for _ in range(place + 1)]
    sink, _ = opened(broker.address, ",discovery=homeassistant", State("model.tflite", Labels(names)))
    sink.write(frame(0), seen)
    sink.close()
    sensors, counts = {}, {}
    with Listener(broker.port) as listener:
        while len(sensors) < 4 or len(counts) < 4:
            name, text, _ = listener.next(lambda name, _: "/objects" in name)
            if name.endswith("/config"):
                sensors[json.loads(text)["name"]] = json.loads(text)["state_topic"]
            else:
                counts[name] = text
    assert {name: counts[sensors[name]] for name in names} == {name: str(place + 1) for place, name in enumerate(names)}


RUN = """
import sys, time
import numpy as np
from runtime import Frame
from runtime.sinks import open_sink
from runtime.telemetry.state import State
sink = open_sink(sys.argv[1], None)
sink.attach(State("model.tflite"))
print("ready", flush=True)
time.sleep(60)
"""


def test_the_broker_says_so_when_the_detector_is_killed(broker):
    with Listener(broker.port) as listener:
        killed = subprocess.Popen(
            [sys.executable, "-c", RUN, f"mqtt://{broker.address}/edge/door"], cwd=ROOT, stdout=subprocess.PIPE
        )
        listener.next(topic("status", "online"))
        killed.kill()
        killed.wait()
        listener.next(topic("status", "offline"))


def test_a_broker_that_restarts_gets_everything(broker, capsys):
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address)
        for index in range(60):
            if index == 20:
                broker.stop()
            if index == 40:
                broker.start()
            begin = time.monotonic()
            sink.write(frame(index), (CAT,))
            assert time.monotonic() - begin < 1, "a broker that is away must not be waited for"
        frames = [("edge/door/detections", detection_json.line(frame(index), (CAT,))) for index in range(60)]
        listener.all([*frames, ("edge/door/status", "online")])
        sink.close()
    assert dropped(state) == 0
    said = capsys.readouterr().err
    assert said.count("is lost; trying again") == 1 and said.count("is back") == 1


def test_what_does_not_fit_is_counted_and_nothing_blocks(broker, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_WAITING", 30)
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address)
        listener.next(topic("state"))
        broker.pause()
        writing = threading.Thread(target=lambda: [sink.write(frame(index), (CAT,)) for index in range(100)], daemon=True)
        writing.start()
        writing.join(60)
        assert not writing.is_alive(), "it waits for a broker that does not answer"
        lost = dropped(state)
        # The state that is published every ten seconds may take a place too; retained topics take none.
        assert 70 <= lost < 80
        broker.resume()
        heard = [json.loads(listener.next(topic("detections"))[1])["frame"] for _ in range(100 - lost)]
        sink.write(frame(100), ())
        # The very next one: what is counted as dropped does not come.
        assert listener.next(topic("detections"))[1] == detection_json.line(frame(100), ())
        sink.close()
    assert heard == list(range(100 - lost)), "what waits comes in order; what finds no room is dropped"
    assert dropped(state) == lost


def test_state_comes_through_a_full_queue(broker, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_WAITING", 30)
    sink, state = opened(broker.address)
    with Listener(broker.port) as listener:
        listener.next(topic("source", "running"))
        broker.stop()
        for index in range(100):
            sink.write(frame(index), (CAT,))
        state.source(state="reopening")
        broker.start()
        heard = []
        while ("edge/door/source", "reopening") not in heard:
            heard.append(listener.next(lambda *_: True)[:2])
        sink.close()
    with Listener(broker.port) as late:
        late.all([("edge/door/source", "reopening"), ("edge/door/status", "offline")])


def test_without_quality_of_service_a_lost_connection_drops_and_counts(broker):
    with Listener(broker.port) as listener:
        sink, state = opened(broker.address, ",qos=0")
        sink.write(frame(0), (CAT,))
        listener.next(topic("detections"))
        broker.stop()
        end = time.monotonic() + 20
        while sink._connection.connected:
            assert time.monotonic() < end
            time.sleep(0.01)
        for index in range(10):
            sink.write(frame(index), (CAT,))
        assert dropped(state) == 10
        broker.start()
        listener.next(topic("status", "online"))
        sink.write(frame(99), (CAT,))
        assert json.loads(listener.next(topic("detections"))[1])["frame"] == 99
        sink.close()


def test_a_broker_that_comes_later(tmp_path, capsys):
    broker = Mosquitto(tmp_path)
    sink, state = opened(broker.address)
    assert f"mqtt: {broker.address} cannot be reached (connection refused); trying again" in capsys.readouterr().err
    sink.write(frame(5), (CAT,))
    with broker, Listener(broker.port) as listener:
        found = detection_json.line(frame(5), (CAT,))
        listener.all([("edge/door/detections", found), ("edge/door/status", "online"), ("edge/door/source", "running")])
        sink.close()
    assert dropped(state) == 0


def test_a_broker_that_never_answers_delays_neither_the_run_nor_its_end(capsys):
    with socket.socket() as silent:
        # Accepts connections and says nothing.
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sink, state = opened(f"127.0.0.1:{silent.getsockname()[1]}")
        sink.write(frame(0), (CAT,))
        begin = time.monotonic()
        sink.close()
        assert time.monotonic() - begin < 10
    assert dropped(state) == 1
    assert "does not answer; trying again" in capsys.readouterr().err


@pytest.fixture
def guarded(tmp_path):
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("needs Debian's package mosquitto")
    subprocess.run([tool, "-b", "-c", str(tmp_path / "users"), "eye", "right"], check=True, capture_output=True)
    with Mosquitto(tmp_path, ["allow_anonymous false", f"password_file {tmp_path}/users"]) as broker:
        yield broker


def test_a_wrong_password_is_one_clear_line(guarded, monkeypatch, capsys):
    for password in (None, "wrong-secret"):
        if password:
            monkeypatch.setenv(mqtt.USER, "eye")
            monkeypatch.setenv(mqtt.PASSWORD, password)
        with pytest.raises(InputError, match=f"--mqtt: {guarded.address}: the broker refuses .*{mqtt.PASSWORD}") as said:
            opened(guarded.address)
        assert "wrong-secret" not in str(said.value)
    assert capsys.readouterr().err == ""


def test_the_right_password(guarded, monkeypatch):
    monkeypatch.setenv(mqtt.PASSWORD, "right")
    with Listener(guarded.port, "eye", "right") as listener:
        sink, _ = opened(f"eye@{guarded.address}")
        listener.next(topic("status", "online"))
        sink.close()


@pytest.fixture
def secure(tmp_path):
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            tool, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    with Mosquitto(tmp_path, ["allow_anonymous true", f"certfile {certificate}", f"keyfile {key}"]) as broker:
        yield broker, certificate


def test_over_tls(secure, tmp_path, capsys):
    broker, certificate = secure
    sink = open_sink(f"mqtts://{broker.address}/edge,ca={certificate}", None)
    sink.attach(State())
    assert sink._connection.connected
    sink.close()
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match=r"no safe connection: .*ca=FILE"):
        open_sink(f"mqtts://{broker.address}/edge", None).attach(State())
    for missing in (tmp_path / "none.pem", tmp_path / "key.pem"):
        with pytest.raises(InputError, match=f"--mqtt: ca={missing}: cannot be read as certificates"):
            open_sink(f"mqtts://{broker.address}/edge,ca={missing}", None)


def test_what_is_attached_is_connected(broker, monkeypatch):
    """Also where the thread that hears of the connection is slower than the one that waits for it."""
    connected = outbox.Outbox.connected

    def slow(self):
        time.sleep(0.1)
        connected(self)

    monkeypatch.setattr(outbox.Outbox, "connected", slow)
    sink, _ = opened(broker.address)
    assert sink._connection.connected
    sink.close()


# What is left unread makes the system reset the connection; else it ends, which only TLS knows to be too early.
@pytest.mark.parametrize("read", [1, 65536])
def test_a_handshake_that_is_cut_is_tried_again(capsys, read):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tried = threading.Semaphore(0)

        def cut():
            for _ in range(2):
                with listener.accept()[0] as connection:
                    connection.recv(read)
                tried.release()

        threading.Thread(target=cut, daemon=True).start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        sink = open_sink(f"mqtts://{address}/edge", None)
        sink.attach(State())
        sink.write(frame(0), (CAT,))
        assert tried.acquire(timeout=60) and tried.acquire(timeout=60), "the library tries again"
        sink.close()
    assert f"mqtt: {address} cannot be reached (" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), False),
        (ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)"), False),
        (ConnectionResetError(104, "Connection reset by peer"), False),
        (TimeoutError("The handshake operation timed out"), False),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), True),
        (ssl.SSLError(1, "wrong version number"), True),
    ],
)
def test_only_a_failure_that_lasts_ends_the_run(error, lasting):
    assert client.is_lasting(error) is lasting


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("mqtt://broker", Broker("broker", 1883, f"edge-detector/{level(socket.gethostname())}")),
        ("mqtts://broker/a/b/", Broker("broker", 8883, "a/b", tls=True)),
        ("mqtt://eye@10.0.0.1:99/a%20b", Broker("10.0.0.1", 99, "a b", "eye")),
        ("mqtt://[::1]/x", Broker("::1", 1883, "x")),
    ],
)
def test_addresses(address, found):
    assert Broker.parse(address, "--mqtt") == found


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mqtt://", "is no broker's address"),
        ("mqtt://broker:x", "is no broker's address"),
        ("mqtt://a..example/x", "is no broker's address"),
        ("mqtt://broker/a?b", "is no broker's address"),
        ("mqtt://broker/a/%23", "is no topic"),
        ("mqtt://broker/$SYS", "is no topic"),
        ("mqtt://broker/a,every=0", "every=0: '0' is not a number of seconds over 0"),
        ("mqtt://broker/a,qos=2", "qos=2: the quality of service is 0 or 1"),
        ("mqtt://broker/a,ca=x", "must then begin with mqtts://"),
        ("mqtt://broker/a,discovery=+", "discovery=.*: give the topic"),
        ("mqtt://broker/a,user=x", "'user=x' is no setting of it"),
        ("mqtt://u:secretword@broker/a", "the address holds a password.*EDGE_DETECTOR_MQTT_PASSWORD"),
    ],
)
def test_errors_name_the_cause(spec, message):
    with pytest.raises(InputError, match=f"^--mqtt: .*{message}") as said:
        open_sink(spec, None)
    assert "secretword" not in str(said.value)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(InputError, match="--mqtt needs the package paho-mqtt"):
        open_sink("mqtt://broker", None)


def test_topics_are_documented():
    """The reference page's table has every topic."""
    text = (ROOT / "docs" / "reference" / "mqtt.md").read_text(encoding="utf-8")
    for name in (topics.STATUS, topics.SOURCE, topics.OBJECTS, topics.DETECTIONS, topics.STATE, topics.DEVICE, topics.COLLECT):
        assert f"TOPIC/{name}" in text


def test_classes_of_another_model_never_meet_those_before():
    library, kept = client.load("--mqtt"), {}
    sink = mqtt.Mqtt(library, Broker.parse("mqtt://127.0.0.1/edge/door", "--mqtt"), discovery="homeassistant")
    sink._discovery = topics.Discovery("homeassistant", "edge/door", "m")
    sink._connection.keep = lambda topic, text: kept.update({topic: text})
    for labels in (["Big dog", "cat"], ["big_dog", "cat"]):
        found = [Detection(label, number, 0.9, CAT.box) for number, label in enumerate(labels)]
        sink.write(frame(), found)
        sink._publish_counts(labels)
    counts = {topic: text for topic, text in kept.items() if topic.startswith("edge/door/objects/")}
    assert sorted(counts.values()) == ["0", "1", "1"] and counts["edge/door/objects/big_dog"] == "0"
    assert len([topic for topic in kept if topic.startswith("homeassistant/")]) == 3


def test_zones_and_lines_are_kept_announced_and_taken_back(broker):
    state = State("model.tflite")
    state.areas = watch = crossed_watch("Front door/1")
    with Listener(broker.port) as listener:
        sink, _ = opened(broker.address, ",discovery=homeassistant", state)
        desk = json.loads(listener.next(topic("zone/desk"))[1])
        assert desk["present"] == 1 and desk["since"] == 0.2 and "corners" not in desk and "current" not in desk["dwell"]
        door = json.loads(listener.next(topic("line/front_door_1"))[1])
        assert door == {"in": 1, "out": 0, "classes": {"person": {"in": 1, "out": 0}}}
        watch.change("line", "Front door/1", None)
        assert listener.next(topic("line/front_door_1", ""))
        time.sleep(0.2)
        sink.close()
    announced = []
    with Listener(broker.port) as late:
        while len(announced) < 5:
            _, text, _ = late.next(lambda name, _: "edge_door/zone" in name or "/line" in name)
            announced.append(json.loads(text))
    assert {said["name"] for said in announced} == {f"desk {what}" for what in (
        "present", "entered", "left", "median stay", "occupied since")}  # fmt: skip
    by_name = {said["name"]: said for said in announced}
    assert by_name["desk present"]["state_topic"] == "edge/door/zone/desk"
    assert by_name["desk median stay"]["value_template"] == "{{ value_json['dwell']['median'] }}"
    since = by_name["desk occupied since"]
    assert since["device_class"] == "timestamp" and "value_json['since'] | as_datetime" in since["value_template"]
    assert by_name["desk entered"]["state_class"] == "total_increasing"
    assert len({said["unique_id"] for said in announced}) == 5


def test_state_is_sent_without_zones(broker):
    state = State("model.tflite")
    state.areas = crossed_watch()
    assert "areas" in state.snapshot() and "areas" not in json.loads(topics.state(state.snapshot()))

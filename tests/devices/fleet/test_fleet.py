"""The table of a fleet: by itself, and with a thousand devices at a real Mosquitto."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from devices.fleet import listener as listening
from devices.fleet import members, releases, table
from devices.fleet.__main__ import main
from devices.fleet.listener import Listener
from devices.fleet.members import Fleet, Member
from devices.fleet.screen import Changes, Screen
from devices.fleet.verdicts import RETURN_SECONDS, Outage, Rank, judge, natural
from devices.fleet.words import age
from runtime.common.command import exit_code
from runtime.mqtt.address import PASSWORD, USER, Broker
from runtime.mqtt.report import Agreement
from runtime.telemetry.release_status import HELD, PASSED, POSTPONED, REFUSED, ReleaseStatus
from tests.support.mosquitto import Mosquitto
from tests.support.paths import ROOT
from tests.support.simulated_fleet import BASE, Device, SimulatedFleet, report


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv(USER, raising=False)
    monkeypatch.delenv(PASSWORD, raising=False)


def member(name, at=1000.0, online=True, online_at=0.0, **said):
    return Member(name, report(**said), at, online, online_at)


def ranks(found, now=1000.0, **more):
    return {verdict.member.name: verdict.rank for verdict in judge(found, now, **more)}


def test_messages_become_devices():
    fleet = Fleet("edge")
    fleet.receive("edge/door/status", b"online", False, 10, 0)
    assert fleet.members() == (), "others may have such a topic"
    fleet.receive("edge/door/device", report().text().encode(), False, 11, 0)
    fleet.receive("edge/berlin/roof/device", report().text().encode(), False, 12, 0)
    for text in (b"3", b"\xff", b"[]", b"online"):
        fleet.receive("edge/door/objects/device", text, False, 13, 0)
    fleet.receive("edge/door/objects/status", b"2", False, 13, 0)
    found = {one.name: one for one in fleet.members()}
    assert set(found) == {"door", "berlin/roof"}
    assert (found["door"].online, found["door"].online_at, found["door"].at) == (True, 10, 11)
    assert found["berlin/roof"].group == "berlin" and found["berlin/roof"].online is None
    assert [found["berlin/roof"].belongs_to(group) for group in ("berlin", "ber", "berlin/roof")] == [True, False, False]
    fleet.receive("edge/door/device", b"", False, 14, 0)
    assert [one.name for one in fleet.members()] == ["berlin/roof"]


BAD = {
    "infinity": report().text().replace('"frames": 30000', '"frames": Infinity'),
    "nested": "[" * 100_000,
    "long": report().text().replace('"frames": 30000', f'"frames": {"9" * 5000}'),
    "large": report().text().replace('"fps": ', '"fps": 1e300, "was": '),
    "larger": report().text().replace('"fps": ', f'"fps": {"9" * 400}, "was": '),
    "no report": "3",
    "no text": b"\xff",
}


def bad_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def test_bad_messages_are_counted_and_named():
    fleet = Fleet("edge")
    for name, text in BAD.items():
        fleet.receive(f"edge/{name}/device", bad_bytes(text), True, 10, 0)
        fleet.receive(f"edge/{name}/device", bad_bytes(text), True, 10, 0)
    fleet.receive("edge/door/objects/device", b"3", False, 10, 0)
    assert fleet.members() == ()
    assert {topic: found.number for topic, found in fleet.bad().items()} == {f"edge/{name}/device": 2 for name in BAD}
    said = [table.bad(topic, found) for topic, found in fleet.bad().items()]
    assert all(": " in line and line.endswith("(2 messages)") for line in said), said
    assert table.bad_summary(fleet.bad()) == "; 14 bad messages from edge/infinity/device and 6 more"
    for number in range(1000):
        fleet.receive(f"edge/{number}/device", b"3", False, 10, 0)
    assert len(fleet.bad()) == members.MOST_BAD


def test_names_and_releases_of_any_length_are_sorted():
    long = "9" * 5000
    found = [member(long, release="7"), member("10", release=long), member("9", release="7"), member("0010" + long, release="7")]
    assert [verdict.member.name for verdict in judge(found, 1000.0)] == ["9", "10", long, "0010" + long]
    assert natural("v2") < natural("v010") and natural("v٣") > natural("v9"), "digits of other scripts are letters"


def test_a_kept_report_is_as_old_as_its_device_says():
    fleet = Fleet("edge")
    said = report(time=5000.0)
    fleet.receive("edge/door/device", said.text().encode(), True, 100, 5040.0)
    assert fleet.members()[0].at == 60
    fleet.receive("edge/ahead/device", said.text().encode(), True, 100, 4000.0)
    assert {one.name: one.at for one in fleet.members()}["ahead"] == 100, "its clock is ahead"
    fleet.receive("edge/door/device", said.text().encode(), False, 130, 5070.0)
    assert {one.name: one.at for one in fleet.members()}["door"] == 60, "it's the same report, told again"


def test_the_broker_is_asked_for_reports_and_states_only():
    asked = members.filters("edge")
    assert {"edge/+/device", "edge/+/+/device", "edge/+/status"} <= set(asked) and not any("#" in one for one in asked)


def test_who_needs_somebody_comes_first():
    found = [
        member("well2"), member("well10"), member("old", release="6"), member("stale", at=900),
        member("off", online=False), member("failing", source="reopening"), member("refuses", reload="too large"),
        member("starts", engine="starting", started=report().time - 5), member("hangs", engine="starting"),
        member("over", source="ended"), member("gave-up", source="ended", source_error="b: given up after 0 tries"),
    ]  # fmt: skip
    verdicts = judge(found, 1000.0)
    assert [verdict.member.name for verdict in verdicts] == [
        "failing", "gave-up", "hangs", "refuses", "off", "stale", "old", "over", "starts", "well2", "well10",
    ]  # fmt: skip
    why = {verdict.member.name: verdict.why for verdict in verdicts}
    assert why["failing"] == ("source reopening",) and why["hangs"] == ("engine starting",) and why["well2"] == ()
    assert why["gave-up"] == ("source ended: b: given up after 0 tries",) and why["over"] == ()
    assert why["old"] == ("old model (7 is usual)",) and why["refuses"] == ("a new model was refused: too large",)
    assert why["stale"] == ("stale",) and {verdict.age for verdict in verdicts} == {0.0, 100.0}


def test_stale_is_who_misses_three_reports():
    assert ranks([member("a", at=911), member("b", at=909)]) == {"a": Rank.WELL, "b": Rank.STALE}


def test_old_is_what_comes_before_what_most_have():
    found = [member(str(number), release=release) for number, release in enumerate(["9", "10", "10", "10", "11"])]
    assert list(ranks(found).values()).count(Rank.OLD) == 1 and ranks(found)["0"] is Rank.OLD
    half = [member("a", release="1"), member("b", release="2")]
    assert set(ranks(half).values()) == {Rank.WELL}, "there is no usual one"
    assert ranks(half, release="2") == {"a": Rank.OLD, "b": Rank.WELL}
    assert natural("v9") < natural("v10") < natural("v10.1") and natural("2025.9") < natural("2025.11")


def test_without_a_release_the_file_counts():
    found = [member(name, release="", sha256=sha256) for name, sha256 in zip("abcd", ("11", "11", "11", "22"))]
    found.append(member("other kind", release="", model="plates.tflite", sha256="33"))
    assert [name for name, rank in ranks(found).items() if rank is Rank.OLD] == ["d"]
    assert set(ranks(found, release="1").values()) == {Rank.OLD}, "no release is not the one asked for"


def test_devices_are_not_blamed_for_the_broker():
    found = [member("before", online=False, online_at=500), member("with it", online=False, online_at=999)]
    found += [member("silent", at=900), member("heard", at=980)]
    assert ranks(found, 9000.0, outage=Outage(1000)) == {
        "before": Rank.OFFLINE, "silent": Rank.STALE, "with it": Rank.WELL, "heard": Rank.WELL,
    }  # fmt: skip
    back = Outage(1000, 2000)
    assert ranks(found, 2001, outage=back)["with it"] is Rank.WELL and ranks(found, 2001, outage=back)["before"] is Rank.OFFLINE
    late = 2000 + RETURN_SECONDS + 1
    assert ranks(found, late, outage=back)["with it"] is Rank.OFFLINE
    assert ranks(found, 2091, outage=back)["heard"] is Rank.STALE


def test_a_name_cannot_command_the_terminal():
    verdicts = judge([member("d\x1b[2J", model="a\nb", reload="x\x07")], 1000.0)
    text = "\n".join([*table.lines(verdicts), table.line(verdicts[0])])
    assert "d?[2J" in text and not set(text) & {"\x1b", "\x07"} and len(text.split("\n")) == 3


def test_how_far_a_second_model_agrees_is_beside_the_health():
    shadow = Agreement("next\x1b.tflite", 10, 1, "", {"cat": (6, 1, 1)})
    said = [
        table.line(judge([member("a", shadow=each)], 1000.0)[0]).rpartition("  ")[2]
        for each in (
            None, shadow, replace(shadow, classes={}), replace(shadow, error="three failures"),
            replace(shadow, release="2025.12", seconds=18000.0),
        )
    ]
    assert said == [
        "well",
        "well; next?.tflite beside it: 75% of 8 objects found by both, 10 frames",
        "well; next?.tflite beside it: nothing found yet, 10 frames",
        "well; next?.tflite beside it: ended: three failures",
        "well; 2025.12 beside it for 5 h: 75% of 8 objects found by both, 10 frames",
    ]


REFUSAL = ReleaseStatus(
    "8", REFUSED, 900.0, "in the shadow: compared with 7 for 24 h on 900 frames, too little is found by both: cat 31% of 890, under 50%; "
    "look at what they disagree on", "7", 86400.0, 86400.0, 900, 276, 890,
)  # fmt: skip
HELD_8 = ReleaseStatus("8", HELD, 1000.0, "", "7", 7200.0, 86400.0, 500, 30, 40)


def test_who_refuses_a_release_is_seen_at_a_glance():
    found = [
        member("a", releases=(REFUSAL,)), member("b", releases=(replace(REFUSAL, reason="self-test: finds nothing\x1b[2J"),)),
        member("c", releases=(HELD_8,), time=19000.0), member("d", release="8"), member("e"), member("f"), member("g", source="lost", releases=(REFUSAL,)),
    ]  # fmt: skip
    verdicts = judge(found, 1000.0)
    assert [verdict.member.name for verdict in verdicts][:3] == ["g", "a", "b"]
    assert [verdict.rank for verdict in verdicts[:3]] == [Rank.FAILING, Rank.REFUSING, Rank.REFUSING]
    assert table.summary(verdicts) == "7 devices: 1 failing, 2 refusing a release, 4 well"
    assert releases.summary(verdicts) == [
        "8: refused by 3 of 7 devices (for one: in the shadow: compared with 7 for 24 h on 900 frames, too little is found by both: "
        "cat 31% of 890, under 50%), held by 1, runs on 1"
    ]
    lines = {verdict.member.name: table.line(verdict).split("  ")[-1] for verdict in verdicts}
    assert lines["a"].startswith("refuses 8: in the shadow: compared with 7 for 24 h") and lines["a"].endswith("under 50%")
    assert lines["b"] == "refuses 8: self-test: finds nothing?[2J"
    assert lines["c"] == "well; 8 held for 5 h: compared with 7 for 2 h of 24 h, 75% of 40 objects found by both, 500 frames"
    assert not any(verdict.rank.is_trouble for verdict in judge(found[:2], 1000.0)), "it does its work with the model before"
    changed = Changes()
    assert changed.of(verdicts, lambda verdict: True) and not changed.of(verdicts, lambda verdict: True)
    assert changed.of(judge([member("c", releases=(replace(HELD_8, state=PASSED),))], 1000.0), lambda verdict: True)


def test_a_hold_and_its_second_model_are_told_once():
    shadow = Agreement("d.tflite", 900, 0, "", {"cat": (8, 1, 1)}, "8", 9000.0)
    for status, said in (
        (HELD_8, "8 held: compared with 7 for 2 h of 24 h, 80% of 10 objects found by both, 900 frames"),
        (replace(HELD_8, frames=901, reason="no runtime runs here"),
         "8 held: compared with 7 for 2 h of 24 h, 75% of 40 objects found by both, 901 frames; no runtime runs here"),
        (replace(HELD_8, state=PASSED),
         "8 has passed its comparison, and takes over with the next update; 8 beside it for 2 h: 80% of 10 objects found by both, 900 frames"),
        (replace(HELD_8, state=POSTPONED, reason="too little was compared in 3 d (5 min)"),
         "8 put off: too little was compared in 3 d (5 min); 8 beside it for 2 h: 80% of 10 objects found by both, 900 frames"),
    ):  # fmt: skip
        assert "; ".join(releases.texts(report(releases=(status,), shadow=shadow, time=10.0))) == said
    assert releases.texts(report(releases=(HELD_8,), shadow=replace(shadow, error="lost")))[1:] == ["8 beside it: ended: lost"]


def test_a_summary_and_ages():
    assert table.summary(judge([member("a"), member("b", source="lost")], 1000.0)) == "2 devices: 1 failing, 1 well"
    assert [age(seconds) for seconds in (0.4, 119, 120, 7300, 200_000)] == ["0 s", "119 s", "2 min", "2 h", "2 d"]


def test_the_screen_is_filled_and_no_more(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "6")
    monkeypatch.delenv("NO_COLOR", raising=False)
    written = io.StringIO()
    with Screen(written) as screen:
        screen.show("head", judge([member(f"d{i}", source="lost" if i == 5 else "running") for i in range(9)], 1000.0))
    shown = written.getvalue()
    assert shown.count("\r\n") == 5, "six lines, and none that scrolls"
    assert "\x1b[31md5" in shown and "d1" in shown and "and 6 more, the first of them well" in shown
    assert shown.endswith("\x1b[?25h\x1b[?1049l"), "the cursor and what was there before are back"


def test_a_full_screen_has_the_refused_releases_above_the_devices(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    written = io.StringIO()
    with Screen(written) as screen:
        screen.show("head " * 20, judge([member(f"d{i}") for i in range(9)], 1000.0), [f"{i}: refused by " + "9" * 80 for i in range(5)])
    lines = written.getvalue().split("\r\n")
    assert len(lines) == 10 and "2: refused by 999" in lines[3] and "refused" not in lines[4]
    assert lines[2].startswith("1: refused by ") and lines[2].count("9") == 40 - len("1: refused by "), "nothing wraps"
    assert "and 5 more" in lines[9]


def test_changes_are_told_once():
    changes, well, bad = Changes(), judge([member("a")], 1000.0), judge([member("a", source="lost")], 1000.0)
    every, trouble = (lambda verdict: True), (lambda verdict: verdict.rank.is_trouble)
    assert [len(changes.of(one, every)) for one in (well, well, bad, bad, well)] == [1, 0, 1, 0, 1]
    changes = Changes()
    assert [len(changes.of(one, trouble)) for one in (well, bad, bad, well, well)] == [0, 1, 0, 1, 0]


@pytest.fixture
def broker(tmp_path):
    # As Debian's package sets it up, but for who may come: with what a broker of its own holds back.
    with Mosquitto(tmp_path, ["allow_anonymous true", "max_queued_messages 1000"]) as broker:
        yield broker


def wait(done, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def online(fleet):
    return sum(bool(one.online) for one in fleet.members())


def run(broker, capsys, *options):
    code = exit_code(main, ["--broker", f"{broker.address}/{BASE}", "--once", *options])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


ALONE = "KIT_TEST_FLEET_ALONE"


def test_a_thousand_devices_and_a_broker_that_restarts(request, broker, capsys):
    if ALONE not in os.environ:
        # The library waits with select(), which takes no file beyond the 1,024th of a process.
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", request.node.nodeid]
        done = subprocess.run(command, cwd=request.config.rootpath, env={**os.environ, ALONE: "1"}, capture_output=True, text=True)
        assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
        return
    address = Broker.parse(f"mqtt://{broker.address}/{BASE}", "--broker")
    watched, number = Fleet(BASE), 1000
    devices = [Device(f"site{index % 10}/d{index}", report(index)) for index in range(number)]
    with SimulatedFleet(broker.port, devices) as fleet, Listener(watched, address, None, "--broker") as listener:
        listener.open(wait=False)
        wait(lambda: online(watched) == number)
        # Who comes late gets all of them at once, more than a broker likes to hand out.
        code, lines, _ = run(broker, capsys)
        assert code == 0 and len(lines) == number + 2 and lines[-1] == f"{number} devices: {number} well"
        broker.stop()
        wait(lambda: listener.is_away and fleet.connected == 0)
        assert {verdict.rank for verdict in judge(watched.members(), time.monotonic(), "", listener.outage)} == {Rank.WELL}
        broker.start()
        late = Fleet(BASE)
        with Listener(late, address, None, "--broker") as fresh:
            fresh.open(wait=False)
            assert fresh.read_all(30) and len(late.members()) == number, "the broker has kept them"
        wait(lambda: fleet.connected == number and online(watched) == number)
        fleet.kill("site3/d3")
        wait(lambda: online(watched) == number - 1)
        fleet.change("site4/d4", source="reopening")
        wait(lambda: any(one.report.source == "reopening" for one in watched.members()))
        code, lines, said = run(broker, capsys, "--failing")
        assert code == 1 and [line.split()[0] for line in lines[1:-1]] == ["site4/d4", "site3/d3"], said


def test_once_for_scripts(broker, capsys):
    code, lines, error = run(broker, capsys)
    assert code == 1 and not lines and "knows of no device under fleet/" in error and "--mqtt mqtt://" in error
    devices = [Device("a", report()), Device("berlin/b", report(release="6")), Device("berlin/c", report())]
    with SimulatedFleet(broker.port, devices) as fleet:
        wait(lambda: fleet.connected == 3 and len(run(broker, capsys)[1]) == 5)
        code, lines, _ = run(broker, capsys)
        assert code == 0 and "old model" in lines[1], "an old model is no failure"
        code, lines, _ = run(broker, capsys, "--json", "--group", "berlin")
        said = [json.loads(line) for line in lines]
        assert code == 0 and {one["device"] for one in said} == {"berlin/b", "berlin/c"}
        assert said[0]["model"]["release"] in ("6", "7") and said[0]["online"] is True
        assert run(broker, capsys, "--failing") == (0, ["3 devices: 1 on an old model, 2 well"], "")
        assert run(broker, capsys, "--group", "berl")[0] == 1


def test_bad_messages_stop_nobody(broker, capsys):
    publisher = Device("a/" + "9" * 5000, report())
    with SimulatedFleet(broker.port, [publisher, Device("b", report())]) as fleet:
        wait(lambda: fleet.connected == 2)
        for name, text in BAD.items():
            publisher.client.publish(f"{BASE}/{name}/device", bad_bytes(text), qos=1, retain=True)
        said = ""
        while said.count("warning: ") < len(BAD):
            code, lines, said = run(broker, capsys)
    assert code == 0 and lines[-1] == "2 devices: 2 well"
    assert "warning: fleet/infinity/device: no report of a device: inf (1 message)" in said


def test_a_failed_retry_keeps_the_reason_of_the_outage(broker):
    """The output is written once a second, as often as the connection is retried: it would miss the first reason."""
    address = Broker.parse(f"mqtt://{broker.address}/{BASE}", "--broker")
    with Listener(Fleet(BASE), address, None, "--broker") as listener:
        retried = threading.Event()
        tried = listener._client.on_connect_fail
        listener._client.on_connect_fail = lambda *given: (tried(*given), retried.set())
        listener.open(wait=False)
        broker.stop()
        assert retried.wait(60)
        assert listener.outage.why == "is lost" and listener.is_away
        broker.start()
        wait(lambda: not listener.is_away)


class Client:
    """Stands in for the library's client: notes the requests."""

    def __init__(self):
        self.requests = 0

    def subscribe(self, filters):
        self.requests += 1

    def unsubscribe(self, topic):
        self.requests += 1
        return 0, self.requests


@pytest.fixture
def hearing(monkeypatch):
    """A listener that has read that the device `a` is well, and what gives it messages. A minute lies between calls."""
    clock = itertools.count(1000.0, 60.0)
    monkeypatch.setattr(listening, "time", SimpleNamespace(monotonic=lambda: next(clock), time=time.time))
    fleet, client = Fleet(BASE), Client()
    listener = Listener(fleet, Broker("broker", 1883, BASE), None, "--broker")

    def say(last, text, kept=False):
        listener._received(client, None, SimpleNamespace(topic=f"{BASE}/a/{last}", payload=text.encode(), retain=kept))

    listener._connected(client, None, None, SimpleNamespace(is_failure=False), None)
    say("device", report().text(), True)
    say("status", "online", True)
    listener._answered(client, None, client.requests, [], None)
    listener.say, listener.fake = say, client
    listener.online = lambda: fleet.members()[0].online
    return listener


def test_a_device_is_offline_once_the_broker_has_answered(hearing):
    hearing.say("status", "offline")
    assert hearing.online(), "it may be the broker that ends"
    hearing._answered(hearing.fake, None, hearing.fake.requests - 1, [], None)
    assert hearing.online(), "the answer to a request before"
    hearing._answered(hearing.fake, None, hearing.fake.requests, [], None)
    assert hearing.online() is False


def test_a_broker_that_ends_makes_no_device_offline(hearing):
    """However late its end is noticed: here after a minute."""
    hearing.say("status", "offline")
    hearing._disconnected(hearing.fake, None, None, SimpleNamespace(is_failure=True), None)
    hearing._answered(hearing.fake, None, hearing.fake.requests, [], None)
    assert hearing.is_away and hearing.online()
    hearing._connected(hearing.fake, None, None, SimpleNamespace(is_failure=False), None)
    hearing.say("status", "offline", kept=True)
    assert hearing.online() is False, "that is what the broker has kept"
    (verdict,) = judge(hearing._fleet.members(), hearing.outage.end, outage=hearing.outage)
    assert verdict.rank is not Rank.OFFLINE, "it has some time to come back"


def test_an_error_that_nobody_thought_of_stops_nobody(hearing, monkeypatch):
    """Whatever a message does to its reader."""
    receive = hearing._fleet.receive
    answers = {f"{BASE}/a/device": raising(MemoryError("too much"))}
    monkeypatch.setattr(hearing._fleet, "receive", lambda topic, *given: answers.get(topic, receive)(topic, *given))
    hearing.say("device", "x")
    hearing.say("status", "online")
    assert hearing.online()
    assert hearing._fleet.bad() == {f"{BASE}/a/device": members.Bad(1, "too much")}


def raising(error):
    def fail(*_):
        raise error

    return fail


def test_a_device_that_is_back_before_the_answer_stays_online(hearing):
    hearing.say("status", "offline")
    hearing.say("status", "online")
    hearing._answered(hearing.fake, None, hearing.fake.requests, [], None)
    assert hearing.online()


def test_a_pipe_gets_lines_and_hears_of_the_broker(broker):
    command = [sys.executable, "-m", "devices.fleet", "--broker", f"{broker.address}/{BASE}"]
    with SimulatedFleet(broker.port, [Device("a", report())]) as fleet:
        watching = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert watching.stdout.readline().rstrip().endswith("well")
        broker.stop()
        assert "is lost" in watching.stderr.readline()
        broker.start()
        assert watching.stderr.readline() == f"{broker.address} is back\n"
        wait(lambda: fleet.connected == 1)
        fleet.change("a", engine="restarting")
        assert watching.stdout.readline().rstrip().endswith("engine restarting")
        watching.send_signal(signal.SIGINT)
        out, error = watching.communicate(timeout=20)
    assert (watching.returncode, out, error) == (130, "", "interrupted\n")


def test_a_broker_that_is_away_or_refuses(tmp_path, capsys, monkeypatch):
    broker = Mosquitto(tmp_path, ["allow_anonymous false", f"password_file {tmp_path}/users"])
    (tmp_path / "users").touch()
    code, _, error = run(broker, capsys)
    assert code == 1 and f"--broker: {broker.address} cannot be reached (connection refused)" in error
    with broker:
        monkeypatch.setenv(PASSWORD, "wrong-secret")
        code, _, error = run(broker, capsys)
        assert code == 2 and "the broker refuses" in error and PASSWORD in error and "wrong-secret" not in error


@pytest.mark.parametrize(
    ("address", "message"),
    [("mqtt://", "is no broker's address"), ("host,ca=x", "must then begin with mqtts://"), ("host,qos=1", "no setting")],
)
def test_what_is_wrong_is_named(address, message, capsys):
    assert exit_code(main, ["--broker", address, "--once"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: --broker: ") and message in said

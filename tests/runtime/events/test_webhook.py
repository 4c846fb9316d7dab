from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runtime import InputError
from runtime.events import last_sent, webhook
from runtime.events.event import Event
from runtime.events.index import WAITS
from runtime.events.store import Store
from runtime.events.webhook import Sender, Webhook, post
from tests.support.browser import wait

SECRET = "a secret of some length"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.delenv(webhook.SECRET, raising=False)
    monkeypatch.delenv(webhook.SECRET_FILE, raising=False)


@pytest.fixture
def server():
    """A web server that keeps what it gets, and answers with `answers`, then 200; `held` keeps it from answering."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, dict(self.headers), body))
            self.server.held.wait()
            status = self.server.answers.pop(0) if self.server.answers else 200
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            return

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.got, made.answers, made.held = [], [], threading.Event()
    made.held.set()
    made.url = f"http://127.0.0.1:{made.server_port}/hook?a=1"
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.held.set()
    made.shutdown()
    made.server_close()


def store(folder, numbers):
    made = Store(folder, wanted=True)
    for number in numbers:
        made.add(
            Event(f"20261130T000000.000Z_{number}", "", "cat", number, 1.0, 2.0, 1.0, False, 0.9, (1, 2, 3, 4), (8, 6)), b"a"
        )
    return made


def tracks(got):
    return [json.loads(body)["track"] for _, _, body in got]


def test_events_are_sent_in_order_and_signed(tmp_path, server, monkeypatch):
    monkeypatch.setenv(webhook.SECRET, SECRET)
    kept = store(tmp_path, (1, 2))
    sender = Sender(tmp_path, Webhook.parse(server.url), pause=0.01)
    wait(lambda: sender.sent == 2)
    path, headers, body = server.got[0]
    assert path == "/hook?a=1" and headers["Content-Type"] == "application/json" and tracks(server.got) == [1, 2]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Edge-Detector-Signature"] == f"sha256={expected}"
    sender.end(5)
    assert kept.index.count_waiting() == 0
    # Beside the index, for the case that it is lost.
    assert last_sent.read(tmp_path)[1].endswith("_2")
    kept.close()


def test_without_a_secret_there_is_no_signature(server):
    assert post(Webhook.parse(server.url), b"{}") == 200
    assert webhook.SIGNATURE not in server.got[0][1]


def test_what_fails_is_tried_again_and_what_is_refused_is_given_up(tmp_path, server, capsys):
    server.answers += [500, 429, 302, *[400] * 4]
    kept = store(tmp_path, (1, 2))
    sender = Sender(tmp_path, Webhook.parse(server.url), pause=0.001)
    wait(lambda: sender.sent == 1)
    assert tracks(server.got) == [1] * 7 + [2] and sender.given_up == 1 and sender.waiting == 0
    # The redirect was not followed.
    assert {path for path, _, _ in server.got} == {"/hook?a=1"}
    sender.end(5)
    kept.close()
    printed = capsys.readouterr().err
    assert "the answer is 500; an event is given up after 10 of these" in printed and "a redirect, which is not followed" in printed
    assert "a=1" not in printed


@pytest.mark.parametrize(("statuses", "most"), [([500], 10), ([503], 100), ([500, 502], 19), ([503, 404], 10)])
def test_no_event_keeps_those_behind_it_for_ever(tmp_path, statuses, most):
    """Whatever the server answers, also turn by turn."""
    kept, got, answers = store(tmp_path, (1, 2)), [], itertools.cycle(statuses)

    def send(hook, body):
        got.append(json.loads(body)["track"])
        return next(answers) if got[-1] == 1 else 200

    sender = Sender(tmp_path, Webhook("https://a.example/"), send=send, pause=0.0)
    wait(lambda: sender.sent == 1)
    sender.end(5)
    assert got == [1] * most + [2] and sender.given_up == 1 and kept.index.count_waiting() == 0
    kept.close()


@pytest.mark.parametrize("error", [UnicodeError("label empty or too long"), RuntimeError("strange"), TimeoutError()])
def test_no_error_ends_the_sending(tmp_path, error):
    kept, got = store(tmp_path, (1,)), []

    def send(hook, body):
        got.append(1)
        if len(got) < 30:
            raise error
        return 200

    sender = Sender(tmp_path, Webhook("https://a.example/"), send=send, pause=0.0)
    wait(lambda: sender.sent == 1)
    sender.end(5)
    assert len(got) == 30 and sender.given_up == 0
    kept.close()


def test_an_event_that_nobody_announces_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(webhook, "_LOOK_SECONDS", 0.01)
    looked = []
    kept = store(tmp_path, ())
    sender = Sender(tmp_path, Webhook("https://a.example/"), send=lambda hook, body: 200, told=lambda: looked.append(1))
    wait(lambda: looked)
    kept.index.add(Event("20261130T000000.000Z_1", "", "cat", 1, 1.0, 2.0, 1.0, False, 0.9, (1, 2, 3, 4), (8, 6)), WAITS)
    wait(lambda: sender.sent == 1)
    sender.end(5)
    kept.close()


def test_a_server_that_hangs_keeps_nobody_waiting_and_what_waits_comes_after_a_restart(tmp_path, server):
    server.held.clear()
    kept = store(tmp_path, (1, 2, 3))
    sender = Sender(tmp_path, Webhook.parse(server.url), pause=0.01)
    wait(lambda: server.got)
    sender.wake()
    sender.end(0.01)
    assert sender.sent == 0
    kept.close()
    server.held.set()
    again = store(tmp_path, ())
    sender = Sender(tmp_path, Webhook.parse(server.url), pause=0.01)
    wait(lambda: again.index.count_waiting() == 0)
    sender.end(5)
    assert set(tracks(server.got)) == {1, 2, 3}
    again.close()


def test_what_waits_is_sent_before_the_end_until_an_attempt_fails(tmp_path):
    kept, held, got = store(tmp_path, (1, 2, 3, 4)), threading.Event(), []

    def send(hook, body):
        held.wait()
        got.append(json.loads(body)["track"])
        if got[-1] == 3:
            raise ConnectionRefusedError
        return 200

    sender = Sender(tmp_path, Webhook("https://a.example/"), send=send)
    threading.Timer(0.05, held.set).start()
    sender.end(60, drain=True)
    assert got == [1, 2, 3] and not sender._thread.is_alive() and kept.index.count_waiting() == 2
    kept.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://[::1]/x", ("::1", 80)), ("https://[fe80::1]/x", ("fe80::1", 443)), ("http://[::1]:8000/x", ("::1", 8000)),
        ("http://hub/x", ("hub", 80)), ("https://hub:1/", ("hub", 1)),
    ],
)  # fmt: skip
def test_where_an_address_leads(monkeypatch, url, place):
    asked = []

    def connect(address, *_):
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        post(Webhook.parse(url), b"{}")
    assert asked == [place]


def test_an_answer_that_never_ends_is_cut_off(server):
    server.held.clear()
    with pytest.raises(Exception, match=r"[Cc]losed|reset|shut|timed out|Remote end"):
        post(Webhook.parse(server.url), b"{}", deadline=0.05)


def test_what_a_server_says_is_no_command_to_a_terminal(tmp_path, capsys):
    kept, asked = store(tmp_path, (1,)), []

    def send(hook, body):
        asked.append(1)
        raise ConnectionError(f"\x1b[2J\r{'x' * 60_000}")

    sender = Sender(tmp_path, Webhook("https://a.example/"), send=send)
    wait(lambda: asked)
    sender.end(5)
    said = capsys.readouterr().err
    assert said.startswith("webhook: https://a.example/: ?[2J?xxx") and len(said) < 400
    kept.close()


def test_the_oldest_go_where_too_many_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(webhook, "MOST_WAITING", 2)
    kept = store(tmp_path, (1, 2, 3))
    sent = []

    def send(hook, body):
        sent.append(json.loads(body)["track"])
        return 204

    sender = Sender(tmp_path, Webhook("https://a.example/"), send=send)
    wait(lambda: sender.sent == 2)
    assert sent == [2, 3] and sender.given_up == 1
    sender.end(5)
    kept.close()


@pytest.mark.parametrize("url", ["a.example", "ftp://a.example/", "https://", "https://a b/", "http://a.example:99999/", "http://a..example/x", f"https://{64 * 'a'}.example/"])
def test_what_is_no_address(url):
    with pytest.raises(InputError, match="is no address; give https://HOST/PATH"):
        Webhook.parse(url)


def test_secrets_come_from_the_environment_or_a_file(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="holds a user or password") as caught:
        Webhook.parse("https://me:hidden@a.example/")
    assert "hidden" not in str(caught.value)
    monkeypatch.setenv(webhook.SECRET, "short")
    with pytest.raises(InputError, match="16 or more characters"):
        Webhook.parse("https://a.example/")
    monkeypatch.delenv(webhook.SECRET)
    path = tmp_path / "secret"
    monkeypatch.setenv(webhook.SECRET_FILE, str(path))
    with pytest.raises(InputError, match="cannot be read"):
        Webhook.parse("https://a.example/")
    path.write_text(f"{SECRET}\n")
    assert Webhook.parse("https://a.example/").secret == SECRET.encode()
    path.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        Webhook.parse("https://a.example/")

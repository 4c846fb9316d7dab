from __future__ import annotations

import contextlib
import re
import socket
import threading

import pytest

from runtime import KitError
from runtime.sources import _stream_fault, open_source
from tests.support.ports import free_port

DIGEST = 'WWW-Authenticate: Digest realm="cam", nonce="abc"\r\n'


@contextlib.contextmanager
def sender(*answers):
    """A port that gives each connection with a request the next of `answers`; yields it and what was asked."""
    asked, left = [], list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        request = connection.recv(65536).decode()
                        if request:
                            asked.append(request)
                            connection.sendall(left.pop(0).encode())

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("scheme", "user", "answers", "reason"),
    [
        ("rtsp", "", ["RTSP/1.0 404 Not Found\r\n\r\n"], "has no stream at this path (404 Not Found)"),
        ("rtsp", "", [f"RTSP/1.0 401 Unauthorized\r\n{DIGEST}\r\n"], "wants a user and a password (401 Unauthorized)"),
        ("rtsp", "u:p@", [f"RTSP/1.0 401 No\r\n{DIGEST}\r\n"] * 2, "refuses this user and password (401 No)"),
        ("rtsp", "u:p@", [f"RTSP/1.0 401 No\r\n{DIGEST}\r\n", "RTSP/1.0 404 Gone\r\n\r\n"], "no stream at this path (404"),
        ("rtsp", "", ["RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n"], _stream_fault.ANSWERS),
        ("rtsp", "", ["RTSP/1.0 500 Oops\r\n\r\n"], "the sender answers 500 Oops"),
        ("rtsp", "", ["SSH-2.0-x\r\n"], "does not speak RTSP"),
        ("http", "", ["HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>"], "there is a web page"),
        ("http", "", [""], "does not speak HTTP"),
        ("http", "", ["HTTP/1.1 302 Found\r\nLocation: /there?token=x\r\n\r\n", "HTTP/1.1 404 No\r\n\r\n"], "/there, to which the"),
        ("http", "", ["HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"] * 4, "the sender redirects 4 times"),
        ("http", "", ["HTTP/1.1 302 Found\r\nLocation: ftp://a:b@c/d\r\n\r\n"], "redirects to ftp://c/d, which is no address"),
    ],
)
def test_what_the_sender_says(scheme, user, answers, reason):
    with sender(*answers) as (port, asked):
        assert reason in _stream_fault.find(f"{scheme}://{user}127.0.0.1:{port}/live")
    assert len(asked) == len(answers) and "u:p@" not in "".join(asked)


def test_digest_as_in_rfc_2617():
    address = "http://Mufasa:Circle%20Of%20Life@host/dir/index.html"
    headers = {"www-authenticate": 'Basic realm="x"\nDigest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", qop="auth"'}
    parts = _stream_fault.urlsplit(address)
    said = _stream_fault._authorization(parts, "host", 80, headers)
    # RFC 2617, section 3.5.
    assert re.search(r'cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"', said)


def test_nobody_listens_and_an_unknown_name(monkeypatch):
    assert "connection refused" in _stream_fault.find(f"rtsp://127.0.0.1:{free_port()}/x")
    assert "at port 0 there" in _stream_fault.find("rtsp://127.0.0.1:0/x")
    assert _stream_fault.find("udp://127.0.0.1:9") == ""
    assert "not certain" in _stream_fault.find("http://[::1/x")

    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert _stream_fault.find("rtsp://cam.invalid/x") == "no host is called cam.invalid, or this machine cannot look it up"


@pytest.mark.parametrize(("scheme", "drips"), [("rtsp", True), ("http", True), ("rtsp", False), ("https", False)])
def test_a_sender_that_takes_its_time(monkeypatch, scheme, drips):
    monkeypatch.setattr(_stream_fault, "SECONDS", 0.3)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        while not ended.wait(0.05):
                            connection.sendall(b"x" if drips else b"")

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        said = _stream_fault.find(f"{scheme}://127.0.0.1:{port}/x")
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
    assert said == f"127.0.0.1 takes connections at port {port}, but gives no answer"


def test_the_error_of_a_source_names_the_reason():
    with pytest.raises(KitError, match=r"127\.0\.0\.1:\d+/x: no stream can be opened there: .*connection refused"):
        open_source(f"rtsp://admin:secret@127.0.0.1:{free_port()}/x")

"""Sends each event to a web server, for which it waits as long as it must, but never keeps anything else waiting.

An event is one POST with its line of JSON. The header `X-Edge-Detector-Signature` is `sha256=` and the HMAC-SHA256 (RFC
2104) of the body with the secret, in hexadecimal; without a secret it is missing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Optional
from urllib.parse import urlsplit

from runtime.common import redaction
from runtime.common.errors import InputError
from runtime.events import last_sent
from runtime.events.index import GIVEN_UP, SENT, Index, Listed

if TYPE_CHECKING:
    from http.client import HTTPConnection

OPTION = "--webhook"
SECRET = "EDGE_DETECTOR_WEBHOOK_SECRET"
SECRET_FILE = "EDGE_DETECTOR_WEBHOOK_SECRET_FILE"
SIGNATURE = "X-Edge-Detector-Signature"

# Most events that wait; beyond these the oldest are given up.
MOST_WAITING = 1000
# Attempts after which an event is given up, so that it does not keep those behind it for ever: that the server refuses, at
# which it fails, and of which it says that it cannot take it now (8 hours). Without an answer an event is tried for ever.
REFUSALS, FAILURES, DELAYS = 5, 10, 100

# Seconds without a byte from the server, and for the whole exchange, which a server could draw out byte by byte.
TIMEOUT_SECONDS = 10.0
DEADLINE_SECONDS = 30.0
# Seconds between two attempts: the first pause, doubled each time up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
_LEAST_SECRET = 16
# Characters of a reason that are printed.
_MOST_SHOWN = 300
# Seconds between two looks at the index while nothing waits.
_LOOK_SECONDS = 30.0
# Answers that speak of the moment and not of the event: a timeout, too early, too many, and a proxy without its server.
_LATER = (408, 425, 429, 502, 503, 504)


@dataclass(frozen=True)
class Webhook:
    """Where events are sent. `secret` signs them; empty for no signature."""

    url: str
    secret: bytes = b""

    @classmethod
    def parse(cls, url: str) -> Webhook:
        """Checks an address, and takes the secret from the environment, or the file that it names. Raises InputError."""
        shown = redaction.address(url)
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.fragment
            # As it is when the name is looked up: UnicodeError, a ValueError, for an empty or too long part of it.
            (parts.hostname or "").encode("idna")
            has_user = "@" in parts.netloc
        except ValueError:
            good = has_user = False
        if has_user:
            raise InputError(
                f"{OPTION}: the address holds a user or password, which everybody on this machine could read; events are "
                f"signed with the secret in {SECRET} instead"
            )
        if not good or not url.isascii() or any(character <= " " for character in url):
            raise InputError(f"{OPTION}: {shown!r} is no address; give https://HOST/PATH, or http:// within your own network")
        return cls(url, _secret())

    def __str__(self) -> str:
        return redaction.address(self.url)

    def headers(self, body: bytes) -> Dict[str, str]:
        """The headers of a message."""
        headers = {"Content-Type": "application/json", "User-Agent": "edge-detection-kit", "Connection": "close"}
        if self.secret:
            headers[SIGNATURE] = f"sha256={hmac.new(self.secret, body, hashlib.sha256).hexdigest()}"
        return headers


def post(hook: Webhook, body: bytes, deadline: float = DEADLINE_SECONDS) -> int:
    """Sends one message, and gives the status of the answer. Redirects are not followed, and certificates are verified.

    Raises OSError.
    """
    # A run without a webhook starts without them.
    import http.client
    import ssl

    parts = urlsplit(hook.url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    # Always with a port: without one, the library takes the end of an IPv6 address for it.
    if parts.scheme == "https":
        port, context = parts.port or http.client.HTTPS_PORT, ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port or http.client.HTTP_PORT, timeout=TIMEOUT_SECONDS)
    late = threading.Timer(deadline, _hang_up, (connection,))
    late.daemon = True
    late.start()
    try:
        path = parts.path or "/"
        connection.request("POST", f"{path}?{parts.query}" if parts.query else path, body, hook.headers(body))
        # What the answer says besides its status is not read.
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(str(error) or type(error).__name__) from error
    finally:
        late.cancel()
        connection.close()


class Sender:
    """Sends the events that wait in the index of a folder, the oldest first, in a thread of its own.

    They wait in the index, so that a restart loses none; an event may come twice, and its id tells.
    """

    def __init__(
        self,
        folder: Path,
        hook: Webhook,
        *,
        send: Callable[[Webhook, bytes], int] = post,
        pause: float = FIRST_PAUSE,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts the thread. `told` is called in it whenever the counts have changed."""
        self.sent = 0
        self.given_up = 0
        self.waiting = 0
        self._folder = folder
        self._hook = hook
        self._send = send
        self._first_pause = pause
        self._told = told
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._ending = threading.Event()
        self._message = ""
        # The event that was answered last, and how often with an answer of each limit.
        self._answered = 0
        self._answers: Dict[int, int] = {}
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Says that an event may wait."""
        self._wake.set()

    def end(self, seconds: float, drain: bool = False) -> None:
        """Stops; an exchange that is under way gets up to `seconds`. What waits is sent by the next run.

        With `drain`, all that waits is sent within these `seconds`, until an attempt fails.
        """
        if not drain:
            self._stop.set()
        self._ending.set()
        self._wake.set()
        self._thread.join(seconds)
        self._stop.set()

    def _run(self) -> None:
        index: Optional[Index] = None
        pause = self._first_pause
        while not self._stop.is_set():
            self._wake.clear()
            try:
                index = index or Index(self._folder)
                self.given_up += index.give_up_oldest(MOST_WAITING)
                self.waiting = index.count_waiting()
                first = index.waiting()
                again = first is not None and self._deliver(index, first)
                self._told()
                if first is None:
                    if self._ending.is_set():
                        break
                    # An event whose place in the index was locked comes later, without being announced again.
                    self._wake.wait(_LOOK_SECONDS)
                    continue
                if not again:
                    pause = self._first_pause
                    continue
            except Exception as error:
                # Whatever it is, mostly the index: the thread is there for the next attempt.
                self._tell(str(error) or type(error).__name__)
            if self._ending.wait(pause):
                break
            pause = min(2 * pause, LONGEST_PAUSE)
        if index is not None:
            index.close()

    def _deliver(self, index: Index, listed: Listed) -> bool:
        """Sends an event; whether it must be sent again."""
        try:
            status = self._send(self._hook, f"{listed.event.line()}\n".encode())
        except (OSError, ValueError) as error:
            self._tell(f"{str(error) or type(error).__name__}; trying again")
            return True
        if 200 <= status < 300:
            self._settle(index, listed, SENT)
            self.sent += 1
            self.waiting -= 1
            if self._message:
                print(f"webhook: {self._hook} is back", file=sys.stderr)
                self._message = ""
            return False
        most = DELAYS if status in _LATER else FAILURES if status >= 500 else REFUSALS
        if self._answered != listed.number:
            self._answered, self._answers = listed.number, {}
        self._answers[most] = self._answers.get(most, 0) + 1
        moved = ", a redirect, which is not followed" if 300 <= status < 400 else ""
        self._tell(f"the answer is {status}{moved}; an event is given up after {most} of these")
        if self._answers[most] < most:
            return True
        self._settle(index, listed, GIVEN_UP)
        self.given_up += 1
        self.waiting -= 1
        return False

    def _settle(self, index: Index, listed: Listed, sent: int) -> None:
        index.mark(listed.number, sent)
        last_sent.note(self._folder, listed.event)

    def _tell(self, message: str) -> None:
        # Printed once, and again only if the reason changes.
        if message != self._message:
            self._message = message
            # It may hold what the server has sent, for a terminal or a log.
            shown = "".join(each if each.isprintable() else "?" for each in message[:_MOST_SHOWN])
            print(f"webhook: {self._hook}: {redaction.message(shown)}", file=sys.stderr)


def _secret() -> bytes:
    text, path = os.environ.get(SECRET, ""), os.environ.get(SECRET_FILE, "")
    if path and not text:
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{SECRET_FILE}: {path}: cannot be read: {error}") from error
        if not text:
            raise InputError(f"{SECRET_FILE}: {path}: is empty; put the secret into it")
    if text and len(text) < _LEAST_SECRET:
        raise InputError(f"{SECRET}: a secret has {_LEAST_SECRET} or more characters")
    return text.encode()


def _hang_up(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It is closed already.
            return

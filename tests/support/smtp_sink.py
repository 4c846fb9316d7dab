"""A mail server for tests, on loopback: it takes every message and delivers none."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes
from email.message import Message
from typing import List


class SmtpSink:
    """Keeps what it is sent in `messages`; use it in a `with` statement. Refuses messages while `refusing` is set."""

    def __init__(self) -> None:
        self.messages: List[Message] = []
        self.attempts = 0
        self.refusing = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return "{}:{}".format(*self._server.server_address)

    def __enter__(self) -> SmtpSink:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type:
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 sink")
                while line := self.rfile.readline():
                    verb = line.split()[0].upper() if line.split() else b""
                    if verb == b"MAIL":
                        sink.attempts += 1
                    if verb == b"MAIL" and sink.refusing.is_set():
                        self._say("451 try again later")
                    elif verb == b"DATA":
                        self._say("354 end with a dot")
                        sink.messages.append(self._message())
                        self._say("250 taken")
                    elif verb == b"QUIT":
                        self._say("221 bye")
                        return
                    else:
                        self._say("250 yes")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

            def _message(self) -> Message:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    # RFC 5321, section 4.5.2: a dot before a line that begins with one.
                    lines.append(line[1:] if line.startswith(b".") else line)
                return message_from_bytes(b"".join(lines))

        return Handler

"""Sends answers that take a while: each in a thread of its own with a socket of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Callable, Mapping, Set

from runtime.collect.archive import write_zip

# Bytes that are sent at once, and seconds until a viewer must have taken them.
CHUNK = 64 * 1024
_SECONDS = 30.0

# Writes a body with the function that it gets. An OSError leaves it without its end, which no client takes for whole.
Body = Callable[[Callable[[bytes], Any]], None]


class Downloads:
    """At most `most` answers at a time. The server's loop waits for none of them, and its limits of time are not theirs."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._sockets: Set[socket.socket] = set()

    @property
    def busy(self) -> bool:
        """Whether no more are taken now."""
        return len(self._sockets) >= self._most

    def start(self, connection: Any, status: HTTPStatus, headers: Mapping[str, str], body: Body) -> bool:
        """Answers over a `ServerConnection` of websockets, which is of no more use then. False where too many are under way."""
        with self._lock:
            if self.busy:
                return False
            # The library sends a body only from memory, and within the time of the handshake. So the answer is sent over a
            # copy of the socket, and the library's own is closed, which leaves the connection open.
            taken: socket.socket = connection.transport.get_extra_info("socket").dup()
            self._sockets.add(taken)
        taken.settimeout(_SECONDS)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        try:
            threading.Thread(target=self._send, args=(taken, head, body), name="download", daemon=True).start()
        except RuntimeError:
            # There is no memory for a thread.
            self._leave(taken)
            return False
        connection.transport.abort()
        return True

    def stop(self) -> None:
        """Ends those that are under way."""
        with self._lock:
            for taken in self._sockets:
                with contextlib.suppress(OSError):
                    taken.shutdown(socket.SHUT_RDWR)

    def _send(self, taken: socket.socket, head: bytes, body: Body) -> None:
        try:
            # A viewer that has gone, or a disk that fails.
            with contextlib.suppress(OSError):
                taken.sendall(head)
                body(taken.sendall)
        finally:
            self._leave(taken)

    def _leave(self, taken: socket.socket) -> None:
        with self._lock:
            taken.close()
            self._sockets.discard(taken)


def zip_body(folder: Path) -> Body:
    """The collected images of `folder` as a ZIP file, while more are collected; needs `Transfer-Encoding: chunked`."""

    def write(send: Callable[[bytes], Any]) -> None:
        chunks = _Chunks(send)
        write_zip(folder, chunks)
        chunks.end()

    return write


def file_body(opened: BinaryIO, size: int) -> Body:
    """The next `size` bytes of a file, which is closed at the end."""

    def write(send: Callable[[bytes], Any]) -> None:
        with opened:
            left = size
            while left:
                data = opened.read(min(CHUNK, left))
                if not data:
                    raise OSError("the file has become shorter")
                send(data)
                left -= len(data)

    return write


def bytes_body(data: bytes) -> Body:
    """What is in memory already."""

    def write(send: Callable[[bytes], Any]) -> None:
        for start in range(0, len(data), CHUNK):
            send(data[start : start + CHUNK])

    return write


class _Chunks:
    """A file that sends what is written as chunks of HTTP (RFC 9112, 7.1)."""

    def __init__(self, send: Callable[[bytes], Any]) -> None:
        self._send = send
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        """Sends whole chunks; the rest waits."""
        for start in range(0, len(data), CHUNK):
            self._waiting += data[start : start + CHUNK]
            while len(self._waiting) >= CHUNK:
                self._send_chunk(bytes(self._waiting[:CHUNK]))
                del self._waiting[:CHUNK]
        return len(data)

    def flush(self) -> None:
        """Does nothing: `end` sends the rest."""

    def end(self) -> None:
        """Sends the rest and the mark of the end."""
        if self._waiting:
            self._send_chunk(bytes(self._waiting))
        self._send(b"0\r\n\r\n")

    def _send_chunk(self, data: bytes) -> None:
        self._send(b"%x\r\n%b\r\n" % (len(data), data))

"""Sends the collected images as a ZIP file, while more are collected."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Callable, Mapping, Optional

from runtime.collect.archive import write_zip

# Bytes that are sent at once, and seconds until a viewer must have taken them.
_CHUNK = 64 * 1024
_SECONDS = 30.0


class Downloads:
    """One download at a time, in a thread of its own with a socket of its own: the server's loop never waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None

    @property
    def busy(self) -> bool:
        """Whether a download is under way."""
        return self._socket is not None

    def start(self, taken: socket.socket, folder: Path, headers: Mapping[str, str]) -> bool:
        """Sends `folder` over the connection `taken`, which it closes at the end. False where a download is under way."""
        with self._lock:
            if self._socket is not None:
                return False
            self._socket = taken
        taken.settimeout(_SECONDS)
        threading.Thread(target=self._send, args=(taken, folder, headers), name="download", daemon=True).start()
        return True

    def stop(self) -> None:
        """Ends a download that is under way."""
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def _send(self, taken: socket.socket, folder: Path, headers: Mapping[str, str]) -> None:
        lines = [
            "HTTP/1.1 200 OK",
            *(f"{name}: {value}" for name, value in headers.items()),
            "Transfer-Encoding: chunked",
        ]
        try:
            # A viewer that has gone, or a disk that fails, leaves a body without its end, which no client takes for whole.
            with contextlib.suppress(OSError):
                taken.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
                body = _Chunks(taken.sendall)
                write_zip(folder, body)
                body.end()
        finally:
            with self._lock:
                taken.close()
                self._socket = None


class _Chunks:
    """A file that sends what is written as chunks of HTTP (RFC 9112, 7.1)."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        """Sends whole chunks; the rest waits."""
        for start in range(0, len(data), _CHUNK):
            self._waiting += data[start : start + _CHUNK]
            while len(self._waiting) >= _CHUNK:
                self._send_chunk(bytes(self._waiting[:_CHUNK]))
                del self._waiting[:_CHUNK]
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

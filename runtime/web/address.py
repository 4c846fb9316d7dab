"""The address that a web server listens on: `8000`, `0.0.0.0:8000`, `[::1]:8000`."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import Iterator

from runtime.common.errors import InputError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """A host (a name, or an IP address without brackets) and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, where: str) -> Address:
        """Parses `[HOST:]PORT`. Without a host, only this machine can connect.

        Raises InputError, whose message begins with `where`.
        """
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise InputError(f"{where}: {text!r}: put an IPv6 address in brackets, as in [::1]:8000")
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise InputError(f"{where}: {text!r} names no port from 1 to 65535; give PORT or HOST:PORT")
        if colon and not host:
            raise InputError(
                f"{where}: {text!r} begins with a colon; give {port} for this machine, 0.0.0.0:{port} for all"
            )
        return cls(host or LOOPBACK, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen(self, where: str) -> socket.socket:
        """Opens a listening socket. Raises InputError, whose message begins with `where`."""
        with self.input_errors(where):
            family, _, _, _, place = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, socket.SOCK_STREAM)
            try:
                # Otherwise a port that was just closed cannot be reused for a minute.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(place)
                listener.listen()
            except OSError:
                listener.close()
                raise
        return listener

    @contextlib.contextmanager
    def input_errors(self, where: str) -> Iterator[None]:
        """Context manager that turns an OSError from listening into an InputError, which begins with `where`."""
        try:
            yield
        except socket.gaierror as error:
            raise InputError(f"{where}: {self.host}: no such host: {error.strerror}") from error
        except OSError as error:
            raise InputError(f"{where}: {self}: {_reason(error, self.port)}") from error


def _reason(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program; stop that or choose another port"
    if error.errno == errno.EACCES:
        return "this user may not listen there; ports below 1024 are for root: choose another"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; 0.0.0.0 means all of its own"
    return f"cannot listen there: {error.strerror}"

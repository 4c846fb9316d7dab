"""Ports on loopback."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A TCP port on loopback that nothing uses at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]

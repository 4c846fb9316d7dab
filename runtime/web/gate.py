"""Bounds the connections, so that clients cannot use up the descriptors that the run itself needs."""

from __future__ import annotations

from typing import Callable, Dict, Set

# Most connections, and among them those that have not been admitted: whose request has not come, is refused, or is
# being answered. Descriptors are limited to 1,024 by default.
MOST = 64
MOST_WAITING = 32


class Gate:
    """Counts connections, and closes some where there are too many. Used in the server's event loop only.

    Among those that wait, the oldest gives way: a browser has its answer in milliseconds, and a client that says
    nothing must not keep browsers out.
    """

    def __init__(self, most: int = MOST, most_waiting: int = MOST_WAITING) -> None:
        self._most = most
        self._most_waiting = most_waiting
        # With the functions that close the connections, the oldest first.
        self._waiting: Dict[object, Callable[[], None]] = {}
        self._admitted: Set[object] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._admitted)

    def enter(self, connection: object, close: Callable[[], None]) -> None:
        """Takes a new connection, which waits for admission."""
        self._waiting[connection] = close
        while len(self._waiting) > self._most_waiting or len(self) > self._most:
            self._waiting.pop(next(iter(self._waiting)))()

    def admit(self, connection: object) -> None:
        """Admits a connection that waits; nothing closes it from now on."""
        if self._waiting.pop(connection, None) is not None:
            self._admitted.add(connection)

    def leave(self, connection: object) -> None:
        """Notes that a connection is closed."""
        self._waiting.pop(connection, None)
        self._admitted.discard(connection)

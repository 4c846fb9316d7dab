"""Tells the service manager that a run is ready, that it is alive, and how it goes: sd_notify(3).

The manager names a socket in NOTIFY_SOCKET; without it nothing here does anything. A run counts as
alive when it gets on: frames are detected or left out as still, or a lost source is tried again. A
thread looks at these counts, and stays silent when they stand still, so that the manager restarts a
run that hangs anywhere, in an engine that cannot be replaced as well.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any, Dict, Mapping, Optional, Tuple

from runtime.telemetry.state import State

# Seconds between two looks; the manager waits for many times as long.
TICK = 1.0
# Seconds between two lines about how it goes.
STATUS_SECONDS = 5.0


class Notifier:
    """Sends messages to the manager's socket. Where that has gone, they are lost: a run goes on without."""

    def __init__(self, address: str) -> None:
        """`address` is a path, or begins with `@` for a name in Linux's abstract namespace."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0))

    def tell(self, **fields: Any) -> None:
        """`tell(READY=1, STATUS="3 frames")` is one message."""
        message = "\n".join(f"{name}={' '.join(str(value).split())}" for name, value in fields.items())
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            pass

    def close(self) -> None:
        self._socket.close()


def from_environment(environment: Mapping[str, str] = os.environ) -> Optional[Notifier]:
    """None where no manager listens, or where the system has no such sockets."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return None
    return Notifier(address)


class Announcer:
    """Speaks for a run from `watch` on, while its `with` block lasts."""

    def __init__(self, notifier: Optional[Notifier], tick: float = TICK) -> None:
        """Without a `notifier` it does nothing."""
        self._notifier = notifier
        self._tick = tick
        self._ended = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._ready = self._reloading = self._stopping = False
        self._alive: Optional[Tuple[Any, ...]] = None
        self._told_at = float("-inf")

    def watch(self, state: State) -> None:
        """Begins to look at `state`, in a thread of its own."""
        if self._notifier is not None:
            self._thread = threading.Thread(target=self._run, args=(state,), name="notify", daemon=True)
            self._thread.start()

    def __enter__(self) -> Announcer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._notifier is None:
            return
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._stop()
        self._notifier.close()

    def _run(self, state: State) -> None:
        while not state.wait_for_stop(self._tick):
            if self._ended.is_set():
                return
            self._look(state.snapshot())
        self._stop()

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._notifier.tell(STOPPING=1, STATUS="stopping")

    def _look(self, seen: Mapping[str, Any]) -> None:
        fields: Dict[str, Any] = {}
        reloading = seen["reload"]["under_way"]
        if self._ready and reloading and not self._reloading:
            fields.update(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
        elif (self._reloading and not reloading) or (not self._ready and seen["frames"]):
            self._ready = True
            fields.update(READY=1)
        self._reloading = self._ready and reloading
        alive = progress(seen)
        if alive != self._alive:
            self._alive = alive
            fields.update(WATCHDOG=1)
        if fields.keys() & {"READY", "RELOADING"} or time.monotonic() - self._told_at >= STATUS_SECONDS:
            self._told_at = time.monotonic()
            fields.update(STATUS=status(seen))
        if fields:
            self._notifier.tell(**fields)


def progress(seen: Mapping[str, Any]) -> Tuple[Any, ...]:
    """What of a snapshot (`State.snapshot`) changes for as long as a run gets on.

    Frames that were lost with an engine, and new engines, do not count: one that answers nothing is
    replaced again and again, and whoever looks for a frame finds none.
    """
    return seen["frames"], seen["still"], seen["gaps"], seen["source"]["state"], seen["source"]["retries"]


def status(seen: Mapping[str, Any]) -> str:
    """One line for `systemctl status`."""
    source, engine = seen["source"], seen["engine"]
    tries = f" (try {source['retries']})" if source["state"] == "reopening" else ""
    return (
        f"{seen['fps']:.1f} frames a second, {seen['frames']} frames, {seen['detections']} detections; "
        f"source {source['state']}{tries}, engine {engine['name']} {engine['state']}"
    )

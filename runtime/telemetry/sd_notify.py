"""Notifies the service manager of readiness, liveness and status, as sd_notify(3) does.

The manager names a socket in NOTIFY_SOCKET; without it, nothing is sent. A run is alive while it makes progress: frames
are detected or left out as still, or, while no camera runs, a lost source is tried again. A thread watches these counts and sends no watchdog
message when they do not change, so that the manager restarts a run that hangs anywhere. Of several cameras, each that has frames
must go on with them; one that waits for its source may wait for ever.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any, Dict, Mapping, Optional, Tuple

from runtime.telemetry.cameras import CamerasState
from runtime.telemetry.state import State

# Seconds between two checks; the timeout of the manager is many times as long.
TICK = 1.0
# Seconds between two status lines.
STATUS_SECONDS = 5.0


class Notifier:
    """Sends messages to the manager's socket. Messages are lost where the socket is gone; the run continues."""

    def __init__(self, address: str) -> None:
        """`address` is a path, or begins with `@` for a name in Linux's abstract namespace."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0))

    def notify(self, **fields: Any) -> None:
        """Sends one message with these fields, as in `notify(READY=1, STATUS="3 frames")`."""
        message = "\n".join(f"{name}={' '.join(str(value).split())}" for name, value in fields.items())
        with contextlib.suppress(OSError):
            self._socket.sendto(message.encode(), self._address)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


def from_environment(environment: Mapping[str, str] = os.environ) -> Optional[Notifier]:
    """The notifier for NOTIFY_SOCKET; None where it is not set, or the system has no Unix sockets."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return None
    return Notifier(address)


class Announcer:
    """Notifies the manager about a run, from `watch` to the end of its `with` block."""

    def __init__(self, notifier: Optional[Notifier], tick: float = TICK) -> None:
        """Watches nothing where `notifier` is None; `tick` is the seconds between two checks."""
        self._notifier = notifier
        self._tick = tick
        self._ended = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._ready = self._reloading = self._stopping = False
        self._alive: Optional[Tuple[Any, ...]] = None
        # What each of several cameras had done at the last watchdog message.
        self._done: Dict[str, Tuple[int, int]] = {}
        self._status_at = float("-inf")

    def watch(self, state: State) -> None:
        """Starts a thread that watches `state`."""
        if self._notifier is not None:
            arguments = (state, self._notifier)
            self._thread = threading.Thread(target=self._run, args=arguments, name="notify", daemon=True)
            self._thread.start()

    def __enter__(self) -> Announcer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._notifier is None:
            return
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._stop(self._notifier)
        self._notifier.close()

    def _run(self, state: State, notifier: Notifier) -> None:
        while not state.wait_for_stop(self._tick):
            if self._ended.is_set():
                return
            self.notify(state, notifier)
        self._stop(notifier)

    def _stop(self, notifier: Notifier) -> None:
        if not self._stopping:
            self._stopping = True
            notifier.notify(STOPPING=1, STATUS="stopping")

    def notify(self, state: State, notifier: Notifier) -> None:
        """Sends what is to be told of `state` now."""
        snapshot = state.snapshot()
        fields: Dict[str, Any] = {}
        reloading = snapshot["reload"]["under_way"]
        if self._ready and reloading and not self._reloading:
            fields.update(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
        elif (self._reloading and not reloading) or (not self._ready and snapshot["frames"]):
            self._ready = True
            fields.update(READY=1)
        self._reloading = self._ready and reloading
        alive, done = progress(snapshot), _done(snapshot)
        if alive != self._alive and not self._one_hangs(state, done):
            self._alive, self._done = alive, done
            fields.update(WATCHDOG=1)
        if fields.keys() & {"READY", "RELOADING"} or time.monotonic() - self._status_at >= STATUS_SECONDS:
            self._status_at = time.monotonic()
            fields.update(STATUS=status(snapshot))
        if fields:
            notifier.notify(**fields)


    def _one_hangs(self, state: State, done: Mapping[str, Tuple[int, int]]) -> bool:
        """Whether one of several cameras has a frame, and has finished none since the last watchdog message."""
        if not isinstance(state, CamerasState):
            return False
        return any(own.has_work() and self._done.get(name) == done[name] for name, own in state.cameras.items())


def _done(snapshot: Mapping[str, Any]) -> Dict[str, Tuple[int, int]]:
    return {name: (own["frames"], own["still"]) for name, own in snapshot.get("cameras", {}).items()}


def progress(snapshot: Mapping[str, Any]) -> Tuple[Any, ...]:
    """The values of a `State.snapshot` that change while the run makes progress.

    Frames lost with an engine, and new engines, are not among them: an engine that never answers is replaced again and
    again, and the run produces nothing. Of several cameras, the tries of a lost one say nothing while another one runs: its
    frames have to come.
    """
    work = snapshot["frames"], snapshot["still"]
    if any(own["source"]["state"] == "running" for own in snapshot.get("cameras", {}).values()):
        return work
    return *work, snapshot["gaps"], snapshot["source"]["state"], snapshot["source"]["retries"]


def status(snapshot: Mapping[str, Any]) -> str:
    """The status line for `systemctl status`; `snapshot` is a `State.snapshot`."""
    source, engine = snapshot["source"], snapshot["engine"]
    tries = f" (try {source['retries']})" if source["state"] == "reopening" else ""
    return (
        f"{snapshot['fps']:.1f} frames a second, {snapshot['frames']} frames, {snapshot['detections']} detections; "
        f"source {source['state']}{tries}, engine {engine['name']} {engine['state']}"
    )

"""A Mosquitto broker on loopback for tests, and a client that receives all its messages."""

from __future__ import annotations

import getpass
import queue
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterable, Optional, Sequence, Tuple

import pytest

from tests.support.ports import free_port


class Mosquitto:
    """A broker process. After a restart it has the same port and its persistent messages."""

    def __init__(self, folder: Path, settings: Sequence[str] = ("allow_anonymous true",)) -> None:
        self._program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/sbin")
        if self._program is None:
            pytest.skip("needs Debian's package mosquitto")
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", "log_dest none", "persistence true",
            f"persistence_location {folder}/", "max_queued_messages 0", *settings,
        ]  # fmt: skip
        self._config.write_text("".join(f"{line}\n" for line in lines))
        self._process: Optional[subprocess.Popen] = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end and self._process.poll() is None, "mosquitto does not start"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stops the broker with SIGTERM, so that it saves its state."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def pause(self) -> None:
        """Lets the broker hang: connections stay open, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.resume()
        self.stop()


class Listener:
    """A client that receives all messages, also those sent while it was disconnected; use it in a `with` statement."""

    def __init__(self, port: int, user: str = "", password: str = "") -> None:
        client = pytest.importorskip("paho.mqtt.client")
        self.heard: queue.Queue[Tuple[str, str, bool]] = queue.Queue()
        self._client = client.Client(client.CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
        if user:
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda made, *_: made.subscribe("#", qos=1)
        subscribed = queue.Queue()
        self._client.on_subscribe = lambda *_: subscribed.put(True)
        self._client.on_message = lambda _, __, message: self.heard.put(
            (message.topic, message.payload.decode(), message.retain)
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        subscribed.get(timeout=20)

    def next(self, fits: Callable[[str, str], bool], seconds: float = 30) -> Tuple[str, str, bool]:
        """The next message (topic, text, retained) for which `fits(topic, text)` is true; others are dropped."""
        end = time.monotonic() + seconds
        while True:
            topic, text, kept = self.heard.get(timeout=max(end - time.monotonic(), 0.01))
            if fits(topic, text):
                return topic, text, kept

    def all(self, wanted: Iterable[Tuple[str, str]], seconds: float = 30) -> None:
        """Waits until all messages `wanted`, as (topic, text), have been received, in any order."""
        missing = set(wanted)
        while missing:
            missing.discard(self.next(lambda topic, text: (topic, text) in missing, seconds)[:2])

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

"""Those who watch a soak over the network: viewers, scrapers, clients that say nothing, subscribers."""

from __future__ import annotations

import json
import queue
import selectors
import socket
import struct
import threading
import time
import urllib.request
from collections import deque
from typing import Callable, Deque, Dict, Iterator, List, Set

import numpy as np

from runtime.common.opencv import cv2
from tests.support.mosquitto import Listener, Mosquitto

# A viewer keeps so many images.
_MOST_IMAGES = 200


class Scraper(threading.Thread):
    """Reads the page's state and the metrics again and again; `failures` has what went wrong, `done` what went well."""

    def __init__(self, page: int, metrics: int, pause: float, camera: str = "") -> None:
        """`camera` is the name of the one that is looked at, where there are several."""
        super().__init__(daemon=True)
        self._urls = {"page": f"http://127.0.0.1:{page}{_below(camera)}/state.json", "metrics": f"http://127.0.0.1:{metrics}/metrics"}
        self._pause = pause
        self._ended = threading.Event()
        self.done: Dict[str, int] = dict.fromkeys(self._urls, 0)
        self.failures: List[str] = []

    def run(self) -> None:
        while not self._ended.wait(self._pause):
            for name, url in self._urls.items():
                try:
                    _check(name, _fetch(url))
                    self.done[name] += 1
                except (OSError, ValueError) as error:
                    # Before the server listens, and after it has ended, there is no answer.
                    if self.done[name] and not self._ended.wait(5):
                        self.failures.append(f"{name}: {type(error).__name__}: {error}")

    def end(self) -> None:
        self._ended.set()


def _below(camera: str) -> str:
    return f"/camera/{camera}" if camera else ""


def _fetch(url: str, tries: int = 10) -> bytes:
    """The answer; where many connect at once, the server closes the oldest that it has not answered, so it tries again."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            content: bytes = answer.read()
            return content
    except ConnectionResetError:
        if tries == 1:
            raise
    time.sleep(0.5)
    return _fetch(url, tries - 1)


def _check(name: str, content: bytes) -> None:
    """Raises ValueError where the answer makes no sense."""
    if name == "page":
        counts = json.loads(content)["counts"]
        rows = {len(row) for row in counts["classes"].values()}
        if len(rows) > 1 or 0 in rows or any(number < 0 for row in counts["classes"].values() for number in row):
            raise ValueError(f"counts by class of lengths {rows}")
    elif b"edge_detector_frames_total" not in content:
        raise ValueError("no metrics")


class Viewer(threading.Thread):
    """A viewer of the page that connects, takes ten messages and disconnects; `seen` counts its messages.

    It keeps the last image of some connections.
    """

    def __init__(self, port: int, camera: str = "") -> None:
        super().__init__(daemon=True)
        self._address = f"ws://127.0.0.1:{port}{_below(camera)}/live"
        self._ended = threading.Event()
        self.seen = 0
        self._kept: Deque[bytes] = deque(maxlen=_MOST_IMAGES)

    def images(self) -> Iterator[np.ndarray]:
        """The images that it has kept, uint8 [height, width, 3] in BGR."""
        for message in self._kept:
            (length,) = struct.unpack_from(">I", message)
            yield np.asarray(cv2.imdecode(np.frombuffer(message, np.uint8, offset=4 + length), cv2.IMREAD_COLOR))

    def run(self) -> None:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        while not self._ended.wait(0.5):
            try:
                with connect(self._address, compression=None, open_timeout=5, max_size=None) as live:
                    for _ in range(10):
                        message = live.recv(timeout=5)
                        live.send('{"next": true}')
                        self.seen += 1
                    if isinstance(message, bytes):
                        self._kept.append(message)
            except (OSError, WebSocketException, TimeoutError):
                continue

    def end(self) -> None:
        self._ended.set()


class Silent(threading.Thread):
    """Connections to a port that say nothing: `number` are made, and those that the server closes are not renewed."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._number = number
        self._ended = threading.Event()
        self.made = self.closed_by_server = 0

    def run(self) -> None:
        with selectors.DefaultSelector() as waiting:
            while not self._ended.is_set():
                for _ in range(50):
                    if self.made < self._number:
                        self._connect(waiting)
                for key, _ in waiting.select(0.01):
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
                    self.closed_by_server += 1
            for key in list(waiting.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]

    def _connect(self, waiting: selectors.BaseSelector) -> None:
        try:
            connection = socket.create_connection(("127.0.0.1", self._port), 5)
        except OSError:
            return
        self.made += 1
        waiting.register(connection, selectors.EVENT_READ)

    def end(self) -> None:
        self._ended.set()
        # A run that fails at its start has none.
        if self.is_alive():
            self.join()


class Subscriber:
    """A client that never misses a message: the numbers of the frames with objects whose detections came below `topic`."""

    def __init__(self, port: int, topic: str) -> None:
        self.frames: Set[int] = set()
        self._topic = f"{topic}/detections"
        self._listener = Listener(port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not (self._ended.is_set() and self._listener.heard.empty()):
            try:
                topic, text, _ = self._listener.heard.get(timeout=0.5)
            except queue.Empty:
                continue
            if topic == self._topic:
                message = json.loads(text)
                # Of frames without objects, only the first is published.
                if message["detections"]:
                    self.frames.add(message["frame"])

    def end(self) -> None:
        """Ends when nothing has come for two seconds."""
        before = -1
        while before != len(self.frames):
            before = len(self.frames)
            time.sleep(2)
        self._ended.set()
        self._thread.join()
        self._listener.__exit__()


def retained(broker: Mosquitto, enough: Callable[[Dict[str, str]], bool], seconds: float) -> Dict[str, str]:
    """The retained messages by topic, as a client that comes anew gets them; waits until they are `enough`."""
    import paho.mqtt.client as client

    found: Dict[str, str] = {}
    made = client.Client(client.CallbackAPIVersion.VERSION2)
    made.on_connect = lambda *_: made.subscribe("#", qos=1)
    made.on_message = lambda _, __, message: found.update({message.topic: message.payload.decode()})
    made.connect("127.0.0.1", broker.port)
    made.loop_start()
    end = time.monotonic() + seconds
    while not enough(dict(found)) and time.monotonic() < end:
        time.sleep(0.1)
    made.disconnect()
    made.loop_stop()
    return dict(found)

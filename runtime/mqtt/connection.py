"""A connection to a broker that comes back by itself, never blocks, and knows what was lost."""

from __future__ import annotations

import ssl
import sys
import threading
import time
from typing import Any, Callable, Dict, Optional, Set

from runtime.common.errors import InputError
from runtime.mqtt import client as clients
from runtime.mqtt.address import Broker

# Messages that wait for the broker; each is about as long as a line of JSON.
MOST_WAITING = 1000

FIRST_SECONDS = 2.0
CLOSE_SECONDS = 0.8


class Connection:
    """Publishes from any thread. `on_connect` is called, in a thread of its own, whenever the broker is
    there (again); `on_lost` with the number of counted messages that will not arrive.
    """

    def __init__(
        self,
        library: Any,
        broker: Broker,
        ca: Optional[str],
        qos: int,
        on_connect: Callable[[], None],
        on_lost: Callable[[int], None],
        option: str,
    ) -> None:
        """`library` is paho.mqtt.client; errors begin with `option`. Raises InputError where `ca` is no
        file of certificates.
        """
        self._library = library
        self._broker = broker
        self._qos = qos
        self._on_connect = on_connect
        self._on_lost = on_lost
        self._waiting: Dict[int, bool] = {}
        self._early: Set[int] = set()
        # Never held while the library is called: it calls back with locks of its own.
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._answer = ""
        self._told = ""
        self.connected = False
        self._option = option
        self._client = self._make_client(ca)

    def open(self, will_topic: str, will: str) -> None:
        """Connects, or goes on trying in the background; `will` is what the broker says if we vanish.

        Raises InputError where a broker answers and refuses: that does not mend itself.
        """
        self._client.will_set(will_topic, will, qos=1, retain=True)
        try:
            self._client.connect(self._broker.host, self._broker.port, clients.KEEP_ALIVE_SECONDS)
        except ssl.SSLError as error:
            raise InputError(f"{self._option}: {self._broker}: {clients.unsafe(error)}") from error
        except OSError as error:
            self._tell(f"{self._broker} cannot be reached ({clients.reason(error)}); it is tried again")
            self._client.connect_async(self._broker.host, self._broker.port, clients.KEEP_ALIVE_SECONDS)
            self._client.loop_start()
            return
        self._client.loop_start()
        if not self._answered.wait(FIRST_SECONDS):
            self._tell(f"{self._broker} does not answer; it is tried again")
        elif self._answer in clients.REFUSED:
            self._client.loop_stop()
            raise InputError(f"{self._option}: {self._broker}: {clients.refusal(self._answer)}")

    def publish(self, topic: str, text: str, *, retain: bool = False, counted: bool = False) -> None:
        """Hands a message over and returns at once; a `counted` one that cannot arrive is counted."""
        with self._lock:
            room = len(self._waiting) < MOST_WAITING
        if not room:
            self._lose(counted)
            return
        info = self._client.publish(topic, text, qos=self._qos, retain=retain)
        no_connection = info.rc == self._library.MQTT_ERR_NO_CONN
        # With a quality over 0 the library keeps what it cannot send, and sends it later.
        if info.rc != self._library.MQTT_ERR_SUCCESS and not (no_connection and self._qos):
            self._lose(counted)
            return
        with self._lock:
            if info.mid in self._early:
                self._early.discard(info.mid)
            else:
                self._waiting[info.mid] = counted

    def close(self, topic: str, text: str) -> None:
        """Publishes a last message, waits a little for what is under way, and counts the rest as lost."""
        end = time.monotonic() + CLOSE_SECONDS
        if self.connected:
            self.publish(topic, text, retain=True)
            while self._waiting and time.monotonic() < end:
                time.sleep(0.01)
        with self._lock:
            lost = sum(self._waiting.values())
            self._waiting.clear()
        if lost:
            self._on_lost(lost)
        self._client.disconnect()
        # The library waits for its thread, which may be busy with connecting.
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True)
        stopping.start()
        stopping.join(CLOSE_SECONDS)

    def _make_client(self, ca: Optional[str]) -> Any:
        client = clients.make(self._library, self._broker, ca, self._option)
        client.max_queued_messages_set(2 * MOST_WAITING)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        return client

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._answer = reason.getName() if reason.is_failure else ""
        first = not self._answered.is_set()
        self._answered.set()
        if reason.is_failure:
            if not first:
                self._tell(f"{self._broker}: {clients.refusal(self._answer)}; it is tried again")
            return
        self.connected = True
        if self._told:
            print(f"mqtt: {self._broker} is back", file=sys.stderr)
            self._told = ""
        self._on_connect()

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        was, self.connected = self.connected, False
        if was and reason.is_failure:
            self._tell(f"{self._broker} is lost; it is tried again")
        if self._qos == 0:
            # What was not yet written is thrown away with the connection.
            with self._lock:
                lost = sum(self._waiting.values())
                self._waiting.clear()
                self._early.clear()
            if lost:
                self._on_lost(lost)

    def _published(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        with self._lock:
            # The broker may be quicker than the thread that published.
            if self._waiting.pop(mid, None) is None:
                self._early.add(mid)

    def _lose(self, counted: bool) -> None:
        if counted:
            self._on_lost(1)

    def _tell(self, text: str) -> None:
        """Once, and again only when it is something else."""
        if text != self._told:
            self._told = text
            print(f"mqtt: {text}", file=sys.stderr)

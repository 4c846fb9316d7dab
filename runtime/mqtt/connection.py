"""A connection to a broker that reconnects by itself, never blocks, and counts lost messages."""

from __future__ import annotations

import ssl
import sys
import threading
import time
from typing import Any, Callable, Dict, Optional, Set

from runtime.common.errors import InputError
from runtime.mqtt import client as clients
from runtime.mqtt.address import Broker

# Most messages that wait for the broker; each is about as long as a line of JSON.
MOST_WAITING = 1000

FIRST_SECONDS = 2.0
CLOSE_SECONDS = 0.8


class Connection:
    """Publishes messages; may be used from any thread.

    `on_connect` is called in the client's thread after every connection and reconnection. `on_lost` is called
    with the number of counted messages that will not arrive.
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
        """`library` is paho.mqtt.client; messages of errors begin with `option`.

        Raises InputError if `ca` is not a file of certificates.
        """
        self._library = library
        self._broker = broker
        self._qos = qos
        self._on_connect = on_connect
        self._on_lost = on_lost
        self._waiting: Dict[int, bool] = {}
        self._early: Set[int] = set()
        # Not held while the library is called: its callbacks run under locks of its own.
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._answer = ""
        self._last_message = ""
        self.connected = False
        self._option = option
        self._client = self._make_client(ca)

    def open(self, will_topic: str, will: str) -> None:
        """Connects, or keeps trying in the background if the broker cannot be reached.

        `will` is the message that the broker publishes under `will_topic` if this connection is lost. Raises
        InputError if the broker refuses the connection, which a retry would not change.
        """
        self._client.will_set(will_topic, will, qos=1, retain=True)
        try:
            self._client.connect(self._broker.host, self._broker.port, clients.KEEP_ALIVE_SECONDS)
        except ssl.SSLError as error:
            raise InputError(f"{self._option}: {self._broker}: {clients.tls_error(error)}") from error
        except OSError as error:
            self._print_once(f"{self._broker} cannot be reached ({clients.connection_error(error)}); trying again")
            self._client.connect_async(self._broker.host, self._broker.port, clients.KEEP_ALIVE_SECONDS)
            self._client.loop_start()
            return
        self._client.loop_start()
        if not self._answered.wait(FIRST_SECONDS):
            self._print_once(f"{self._broker} does not answer; trying again")
        elif self._answer in clients.REFUSED:
            self._client.loop_stop()
            raise InputError(f"{self._option}: {self._broker}: {clients.refusal(self._answer)}")

    def publish(self, topic: str, text: str, *, retain: bool = False, counted: bool = False) -> None:
        """Queues a message and returns at once. If it is lost and `counted`, `on_lost` is called."""
        with self._lock:
            has_room = len(self._waiting) < MOST_WAITING
        if not has_room:
            self._lose(counted)
            return
        info = self._client.publish(topic, text, qos=self._qos, retain=retain)
        no_connection = info.rc == self._library.MQTT_ERR_NO_CONN
        # With QoS over 0, the library keeps messages that it cannot send, and sends them later.
        if info.rc != self._library.MQTT_ERR_SUCCESS and not (no_connection and self._qos):
            self._lose(counted)
            return
        with self._lock:
            if info.mid in self._early:
                self._early.discard(info.mid)
            else:
                self._waiting[info.mid] = counted

    def close(self, topic: str, text: str) -> None:
        """Publishes a last message, waits up to CLOSE_SECONDS for pending ones, and counts the rest as lost."""
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
        # loop_stop joins the library's thread, which may be connecting.
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
                self._print_once(f"{self._broker}: {clients.refusal(self._answer)}; trying again")
            return
        self.connected = True
        if self._last_message:
            print(f"mqtt: {self._broker} is back", file=sys.stderr)
            self._last_message = ""
        self._on_connect()

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        was, self.connected = self.connected, False
        if was and reason.is_failure:
            self._print_once(f"{self._broker} is lost; trying again")
        if self._qos == 0:
            # With QoS 0, messages that were not yet sent are lost with the connection.
            with self._lock:
                lost = sum(self._waiting.values())
                self._waiting.clear()
                self._early.clear()
            if lost:
                self._on_lost(lost)

    def _published(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        with self._lock:
            # The acknowledgment may arrive before `publish` has stored the message id.
            if self._waiting.pop(mid, None) is None:
                self._early.add(mid)

    def _lose(self, counted: bool) -> None:
        if counted:
            self._on_lost(1)

    def _print_once(self, text: str) -> None:
        """Prints `text`, unless it is the message printed last."""
        if text != self._last_message:
            self._last_message = text
            print(f"mqtt: {text}", file=sys.stderr)

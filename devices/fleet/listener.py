"""Receives the messages of all devices of a fleet from a broker, and reconnects when the broker was away."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

from devices.fleet.members import Fleet, filters
from devices.fleet.verdicts import Outage
from runtime.common.errors import InputError, KitError
from runtime.mqtt import client as clients
from runtime.mqtt import topics
from runtime.mqtt.address import Broker

# The most messages that MQTT 5 lets a client receive before it has confirmed the first. With fewer, and always with
# MQTT 3.1.1, Mosquitto drops retained messages beyond about a thousand.
RECEIVE_MAXIMUM = 65535

# Seconds between two attempts to connect. A person is waiting; the devices, which are many, reconnect more slowly.
LONGEST_PAUSE = 5

# After the broker has answered the request that follows the subscription, so many seconds without a retained message
# mean that there are no more: a busy broker answers before it has sent the first of them.
SILENCE_SECONDS = 1.0
_TICK = 0.05

# A topic that nobody publishes. Its unsubscription is requested after something else, and so answered after that.
_LAST = "edge-detector/fleet-was-read"


class Listener:
    """A connection to the broker, to be used with `with`. `outage` is the last outage of the broker, by `time.monotonic`."""

    def __init__(self, fleet: Fleet, broker: Broker, ca: Optional[str], option: str) -> None:
        """Prepares the connection. Raises InputError where the library is missing, or `ca` is no file of certificates."""
        self._fleet = fleet
        self._broker = broker
        self._option = option
        library = clients.load(option)
        self._asked = clients.receive_maximum(RECEIVE_MAXIMUM)
        self._client = clients.make(library, broker, ca, option, protocol=library.MQTTv5)
        self._client.reconnect_delay_set(1, LONGEST_PAUSE)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = lambda *_: self._lose("cannot be reached", is_retry=True)
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._received
        self._client.on_unsubscribe = self._answered
        self._lock = threading.Lock()
        self.outage: Optional[Outage] = None
        self._read = threading.Event()
        self._answer = threading.Event()
        self._refusal = ""
        self._kept_at = 0.0
        # The request that follows the subscription.
        self._asked_last: Optional[int] = None
        # By topic: the request that must be answered before a device counts as offline, the message, and when it came.
        self._farewells: Dict[str, Tuple[Optional[int], bytes, float]] = {}

    def open(self, wait: bool, seconds: float = 2 * clients.CONNECT_SECONDS) -> None:
        """Connects, and receives messages in a thread.

        With `wait`, it keeps trying where the broker is away. Without, the broker has `seconds` to answer, which it
        needs when many clients connect at once.

        Raises InputError where the broker refuses, KitError where it is away or does not support MQTT 5.
        """
        host, port = self._broker.host, self._broker.port
        try:
            self._client.connect(host, port, clients.KEEP_ALIVE_SECONDS, properties=self._asked)
        except OSError as error:
            if isinstance(error, ssl.SSLError) and clients.is_lasting(error):
                raise InputError(f"{self._option}: {self._broker}: {clients.tls_error(error)}") from error
            reason = f"cannot be reached ({clients.connection_error(error)})"
            if not wait:
                raise KitError(f"{self._option}: {self._broker} {reason}; is this the broker, and does it run?") from error
            self._lose(reason)
            self._client.connect_async(host, port, clients.KEEP_ALIVE_SECONDS, properties=self._asked)
        self._client.loop_start()
        if not self.is_away and not self._answer.wait(seconds) and not wait:
            raise KitError(f"{self._option}: {self._broker} does not answer as a broker of MQTT 5 does")
        if self._refusal in clients.REFUSED:
            raise InputError(f"{self._option}: {self._broker}: {clients.refusal(self._refusal)}")
        if self._refusal and not wait:
            raise KitError(f"{self._option}: {self._broker}: {clients.refusal(self._refusal)}")

    @property
    def is_away(self) -> bool:
        """Whether the broker is away."""
        return self.outage is not None and self.outage.end is None

    def read_all(self, seconds: float) -> bool:
        """Waits until all retained messages were received, for at most `seconds`; gives whether they were."""
        end = time.monotonic() + seconds
        while not (self._read.is_set() and time.monotonic() - self._kept_at > SILENCE_SECONDS):
            if time.monotonic() > end:
                return False
            time.sleep(_TICK)
        return True

    def close(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._refusal = reason.getName() if reason.is_failure else ""
        self._answer.set()
        if self._refusal:
            self._lose(clients.refusal(self._refusal))
            return
        with self._lock:
            if self.outage is not None and self.outage.end is None:
                self.outage = replace(self.outage, end=time.monotonic())
        self._read.clear()
        client.subscribe([(one, 1) for one in filters(self._broker.topic)])
        self._asked_last = client.unsubscribe(_LAST)[1]

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._farewells.clear()
        if reason.is_failure:
            self._lose("is lost")

    def _received(self, client: Any, userdata: Any, message: Any) -> None:
        now = time.monotonic()
        self._farewells.pop(message.topic, None)
        if message.retain:
            self._kept_at = now
        elif _is_farewell(message.topic, message.payload):
            # A broker that is stopped says this of all devices. Whether it is still there shows in an answer.
            self._farewells[message.topic] = client.unsubscribe(_LAST)[1], message.payload, now
            return
        self._take(message.topic, message.payload, message.retain, now)

    def _take(self, topic: str, payload: bytes, kept: bool, now: float) -> None:
        try:
            self._fleet.receive(topic, payload, kept, now, time.time())
        except Exception as error:
            # Whatever one device sends, the others are still shown; a kept message would come after each start.
            self._fleet.refuse(topic, error)

    def _answered(self, client: Any, userdata: Any, request: int, *_: Any) -> None:
        for topic, (number, payload, at) in list(self._farewells.items()):
            if number == request:
                del self._farewells[topic]
                self._take(topic, payload, False, at)
        if request == self._asked_last:
            self._kept_at = time.monotonic()
            self._read.set()

    def _lose(self, why: str, is_retry: bool = False) -> None:
        """Begins an outage, or continues the one that lasts.

        A failed retry keeps the reason with which the outage began: it says nothing new, and whoever reads `outage`
        from time to time would otherwise miss that reason.
        """
        with self._lock:
            outage = self.outage
            if outage is None or outage.end is not None:
                self.outage = Outage(time.monotonic(), None, why)
            elif not is_retry:
                self.outage = replace(outage, why=why)


def _is_farewell(topic: str, payload: bytes) -> bool:
    return topic.endswith(f"/{topics.STATUS}") and payload == topics.OFFLINE.encode()

"""Hears all devices of a fleet through a broker, and comes back by itself when that was away."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import replace
from typing import Any, Optional

from devices.fleet.members import Fleet, filters
from devices.fleet.verdicts import Outage
from runtime.common.errors import InputError, KitError
from runtime.mqtt import client as clients
from runtime.mqtt.address import Broker

# As many messages as MQTT 5 lets a client take before it has confirmed the first. With fewer, and with
# MQTT 3.1.1 always, Mosquitto throws kept messages beyond about a thousand away.
MOST_AT_ONCE = 65535

# Somebody looks on, and is alone: the devices, who are many, come back more slowly.
LONGEST_PAUSE = 5

# Once the broker has answered what was asked after the subscription, nothing kept for so long means that
# it was all: a busy one answers before it has sent the first message that it kept.
QUIET_SECONDS = 1.0
_TICK = 0.05

# Nobody publishes here: asked last, it is answered last.
_LAST = "edge-detector/fleet-was-read"


class Listener:
    """To be used with `with`. Times are those of `time.monotonic`. `outage` is the last of the broker's."""

    def __init__(self, fleet: Fleet, broker: Broker, ca: Optional[str], option: str) -> None:
        """Raises InputError where the library is missing, or `ca` no file of certificates."""
        self._fleet = fleet
        self._broker = broker
        self._option = option
        library = clients.load(option)
        self._asked = clients.receive_maximum(MOST_AT_ONCE)
        self._client = clients.make(library, broker, ca, option, protocol=library.MQTTv5)
        self._client.reconnect_delay_set(1, LONGEST_PAUSE)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = lambda *_: self._lose("cannot be reached")
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._heard
        self._client.on_unsubscribe = self._answered
        self._lock = threading.Lock()
        self.outage: Optional[Outage] = None
        self._read = threading.Event()
        self._answer = threading.Event()
        self._refusal = ""
        self._kept_at = 0.0

    def open(self, wait: bool, seconds: float = 2 * clients.CONNECT_SECONDS) -> None:
        """Connects and listens, in a thread of its own. With `wait`, a broker that is away is waited for;
        without, one that is there may take `seconds` to answer, as it does when many come at once.

        Raises InputError where the broker refuses, KitError where it's away or speaks no MQTT 5.
        """
        host, port = self._broker.host, self._broker.port
        try:
            self._client.connect(host, port, clients.KEEP_ALIVE_SECONDS, properties=self._asked)
        except ssl.SSLError as error:
            raise InputError(f"{self._option}: {self._broker}: {clients.tls_error(error)}") from error
        except OSError as error:
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
        return self.outage is not None and self.outage.end is None

    def read_all(self, seconds: float) -> bool:
        """Waits until everything that the broker has kept was heard, at most so long; whether it was."""
        end = time.monotonic() + seconds
        while not (self._read.is_set() and time.monotonic() - self._kept_at > QUIET_SECONDS):
            if time.monotonic() > end:
                return False
            time.sleep(_TICK)
        return True

    def close(self) -> None:
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
            if self.is_away:
                self.outage = replace(self.outage, end=time.monotonic())
        self._read.clear()
        client.subscribe([(one, 1) for one in filters(self._broker.topic)])
        client.unsubscribe(_LAST)

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._lose("is lost")

    def _heard(self, client: Any, userdata: Any, message: Any) -> None:
        now = time.monotonic()
        if message.retain:
            self._kept_at = now
        self._fleet.hear(message.topic, message.payload, message.retain, now, time.time())

    def _answered(self, *_: Any) -> None:
        self._kept_at = time.monotonic()
        self._read.set()

    def _lose(self, why: str) -> None:
        with self._lock:
            begin = self.outage.begin if self.is_away else time.monotonic()
            self.outage = Outage(begin, None, why)

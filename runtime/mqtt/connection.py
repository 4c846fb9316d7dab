"""A connection to a broker that reconnects by itself, never blocks, and counts lost messages.

`Outbox` decides what the library gets, and when; the library repeats what the broker has not acknowledged.
"""

from __future__ import annotations

import ssl
import sys
import threading
import time
from types import MappingProxyType
from typing import Any, Callable, Mapping, Optional

from runtime.common.errors import InputError
from runtime.mqtt import client as clients
from runtime.mqtt.address import Broker
from runtime.mqtt.outbox import Message, Outbox

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
        commands: Mapping[str, Callable[[], None]] = MappingProxyType({}),
    ) -> None:
        """`library` is paho.mqtt.client; messages of errors begin with `option`.

        `commands` are called, in the client's thread, where a message comes under their topics, whatever it says.

        Raises InputError if `ca` is not a file of certificates.
        """
        self._library = library
        self._broker = broker
        self._qos = qos
        self._on_connect = on_connect
        self._on_lost = on_lost
        # Its lock is not held while the library is called: callbacks run under locks of the library.
        self._outbox = Outbox()
        self._answered = threading.Event()
        self._answer = ""
        self._last_message = ""
        self._option = option
        self._commands = dict(commands)
        self._client = self._make_client(ca)

    def open(self, will_topic: str, will: str) -> None:
        """Connects, or keeps trying in the background if the broker cannot be reached.

        `will` is the message that the broker publishes under `will_topic` if this connection is lost. Raises
        InputError if the broker refuses the connection, which a retry would not change.
        """
        self._client.will_set(will_topic, will, qos=1, retain=True)
        try:
            self._client.connect(self._broker.host, self._broker.port, clients.KEEP_ALIVE_SECONDS)
        except OSError as error:
            if isinstance(error, ssl.SSLError) and clients.is_lasting(error):
                raise InputError(f"{self._option}: {self._broker}: {clients.tls_error(error)}") from error
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

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._outbox.is_open

    def publish(self, topic: str, text: str, *, counted: bool = False) -> None:
        """Queues a message and returns at once. If it is lost and `counted`, `on_lost` is called."""
        message = Message(topic, text, counted=counted)
        # Without quality of service, nothing waits for a broker that is away.
        if not (self._qos or self.connected) or not self._outbox.add(message):
            self._lose(message)
        self._send()

    def keep(self, topic: str, text: str) -> None:
        """Publishes `text` as the retained value of `topic` if it has changed, ahead of what waits, and returns at once.

        While the broker is away, the last value of each topic waits, and after each connection all are sent first.
        """
        self._outbox.keep(topic, text)
        self._send()

    def close(self, topic: str, text: str) -> None:
        """Publishes a last retained value, waits up to CLOSE_SECONDS for what is pending, and counts the rest as lost."""
        end = time.monotonic() + CLOSE_SECONDS
        self.keep(topic, text)
        while self.connected and not self._outbox.is_empty and time.monotonic() < end:
            time.sleep(0.01)
        self._lose_all()
        self._client.disconnect()
        # loop_stop joins the library's thread, which may be connecting.
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True)
        stopping.start()
        stopping.join(CLOSE_SECONDS)

    def _make_client(self, ca: Optional[str]) -> Any:
        client = clients.make(self._library, self._broker, ca, self._option)
        # No limits of the library's own: the outbox gives it little, and retained values must not wait behind that.
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(0)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_message = self._received
        return client

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._answer = reason.getName() if reason.is_failure else ""
        first = not self._answered.is_set()
        try:
            if not reason.is_failure:
                self._begin(client)
            elif not first:
                self._print_once(f"{self._broker}: {clients.refusal(self._answer)}; trying again")
        finally:
            # At last: whoever waits for it goes on with a connection that is ready.
            self._answered.set()

    def _begin(self, client: Any) -> None:
        if self._last_message:
            print(f"mqtt: {self._broker} is back", file=sys.stderr)
            self._last_message = ""
        for topic in self._commands:
            client.subscribe(topic, qos=self._qos)
        self._on_connect()
        self._outbox.connected()
        self._send()

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        was = self.connected
        self._outbox.disconnected()
        if was and reason.is_failure:
            self._print_once(f"{self._broker} is lost; trying again")
        if self._qos == 0:
            # With QoS 0, messages that were not yet sent are lost with the connection.
            self._lose_all()

    def _received(self, client: Any, userdata: Any, message: Any) -> None:
        # A retained one was meant for a moment that is long past, and would come after every connection.
        command = None if message.retain else self._commands.get(message.topic)
        if command is not None:
            command()

    def _published(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        self._outbox.acknowledged(mid)
        self._send()

    def _send(self) -> None:
        """Gives the library what it may have now."""
        if not self._outbox.begin():
            return
        try:
            message = self._outbox.take()
            while message is not None:
                self._hand_over(message)
                message = self._outbox.take()
        except BaseException:
            self._outbox.end()
            raise

    def _hand_over(self, message: Message) -> None:
        info = self._client.publish(message.topic, message.text, qos=self._qos, retain=message.retain)
        no_connection = info.rc == self._library.MQTT_ERR_NO_CONN
        # With QoS over 0, the library keeps messages that it cannot send, and sends them later.
        if info.rc == self._library.MQTT_ERR_SUCCESS or (no_connection and self._qos):
            self._outbox.sent(info.mid, message)
        else:
            self._lose(message)

    def _lose(self, message: Message) -> None:
        if message.counted:
            self._on_lost(1)

    def _lose_all(self) -> None:
        lost = self._outbox.clear()
        if lost:
            self._on_lost(lost)

    def _print_once(self, text: str) -> None:
        """Prints `text`, unless it is the message printed last."""
        if text != self._last_message:
            self._last_message = text
            print(f"mqtt: {text}", file=sys.stderr)

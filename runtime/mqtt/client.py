"""The library that speaks MQTT, and a client of it with the user's credentials."""

from __future__ import annotations

import os
import socket
from typing import Any, Optional

from runtime.common.errors import InputError
from runtime.mqtt.address import PASSWORD, USER, Broker, level

KEEP_ALIVE_SECONDS = 30
CONNECT_SECONDS = 2.0
# In the end between two tries to come back.
LONGEST_PAUSE = 30

# CONNACK of MQTT 3.1.1 and 5: bad user name or password, not authorised.
REFUSED = ("Bad user name or password", "Not authorized")


def load(option: str) -> Any:
    """paho.mqtt.client. Raises InputError, which names `option`, where it is missing or too old."""
    try:
        from paho.mqtt import client
    except ImportError as error:
        raise InputError(f"{option} needs the package paho-mqtt ({error}): pip install 'paho-mqtt>=2'") from error
    if not hasattr(client, "CallbackAPIVersion"):
        raise InputError(f"{option} needs paho-mqtt 2: pip install 'paho-mqtt>=2'")
    return client


def make(library: Any, broker: Broker, ca: Optional[str], option: str, **more: Any) -> Any:
    """A client of `library` that is not yet connected, with user and password from the environment.

    `more` goes to its constructor. Raises InputError where `ca` is no file of certificates.
    """
    name = f"edge-detector-{level(socket.gethostname())[:20]}-{os.urandom(4).hex()}"
    client = library.Client(library.CallbackAPIVersion.VERSION2, client_id=name, **more)
    user, password = os.environ.get(USER) or broker.user, os.environ.get(PASSWORD)
    if user or password:
        client.username_pw_set(user, password)
    if broker.tls:
        try:
            client.tls_set(ca_certs=ca)
        except (OSError, ValueError) as error:
            raise InputError(f"{option}: ca={ca}: cannot be read as certificates: {error}") from error
    client.connect_timeout = CONNECT_SECONDS
    client.reconnect_delay_set(1, LONGEST_PAUSE)
    return client


def taking(most: int) -> Any:
    """What a client of MQTT 5 says when it connects: the broker may send it so many messages at once."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    said = Properties(PacketTypes.CONNECT)
    said.ReceiveMaximum = most
    return said


def check(broker: Broker, ca: Optional[str], option: str) -> None:
    """Raises InputError for settings that do not go together."""
    if ca is not None and not broker.tls:
        raise InputError(f"{option}: ca={ca} is for TLS; the address must then begin with mqtts://")


def refusal(answer: str) -> str:
    """What a broker's refusal means, and what to do."""
    if answer in REFUSED:
        return f"the broker refuses ({answer.lower()}); set {USER} and {PASSWORD} to what it knows"
    return f"the broker refuses ({answer.lower()})"


def unsafe(error: Any) -> str:
    """What a failure of TLS, an `ssl.SSLError`, means, and what to do."""
    return (
        f"no safe connection: {error.reason or error}; is this its TLS port, and does "
        "ca=FILE hold the certificate of its authority?"
    )


def reason(error: OSError) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "no answer"
    return (error.strerror or str(error)).lower()

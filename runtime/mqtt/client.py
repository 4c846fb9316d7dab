"""Loads paho-mqtt and makes clients with the user's credentials."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any, Optional

from runtime.common.errors import InputError
from runtime.mqtt.address import PASSWORD, USER, Broker, level

KEEP_ALIVE_SECONDS = 30
CONNECT_SECONDS = 2.0
# Most seconds between two attempts to reconnect.
LONGEST_PAUSE = 30

# CONNACK reason codes of MQTT 3.1.1 and 5, by paho's names.
REFUSED = ("Bad user name or password", "Not authorized")

# X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_EMAIL_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL's x509_vfy.h.
_WRONG_NAME = (62, 63, 64)


def load(option: str) -> Any:
    """The module paho.mqtt.client. Raises InputError, which names `option`, if it is missing or too old."""
    try:
        from paho.mqtt import client
    except ImportError as error:
        raise InputError(f"{option} needs the package paho-mqtt ({error}): pip install 'paho-mqtt>=2'") from error
    if not hasattr(client, "CallbackAPIVersion"):
        raise InputError(f"{option} needs paho-mqtt 2: pip install 'paho-mqtt>=2'")
    return client


def make(library: Any, broker: Broker, ca: Optional[str], option: str, **more: Any) -> Any:
    """Makes a client that is not connected yet, with user and password from the environment.

    `library` is paho.mqtt.client; `more` is passed to its `Client`. Raises InputError, whose message begins
    with `option`, if `ca` is not a file of certificates.
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


def receive_maximum(messages: int) -> Any:
    """MQTT 5 CONNECT properties: the broker may send at most this many unacknowledged messages."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties: Any = Properties
    made = properties(PacketTypes.CONNECT)
    made.ReceiveMaximum = messages
    return made


def check(broker: Broker, ca: Optional[str], option: str) -> None:
    """Raises InputError if `ca` is given for a connection without TLS."""
    if ca is not None and not broker.tls:
        raise InputError(f"{option}: ca={ca} is for TLS; the address must then begin with mqtts://")


def refusal(answer: str) -> str:
    """A message for a connection that the broker refused with `answer`, and what to do."""
    if answer in REFUSED:
        return f"the broker refuses ({answer.lower()}); set {USER} and {PASSWORD} to what it knows"
    return f"the broker refuses ({answer.lower()})"


def tls_error(error: ssl.SSLError) -> str:
    """A message for a failure of TLS, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _WRONG_NAME:
        return f"no safe connection: {error.verify_message.rstrip('.')}; give the name that is in the certificate"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"no safe connection: {error.verify_message}; does ca=FILE hold the certificate of its authority?"
    return (
        f"no safe connection: {error.reason or error}; is this its TLS port, and does "
        "ca=FILE hold the certificate of its authority?"
    )


def is_lasting(error: OSError) -> bool:
    """Whether a connection failed for a reason that another attempt would not change.

    That is a failure of TLS, but not a handshake that is cut: a broker that restarts or is overloaded does that.
    """
    return isinstance(error, ssl.SSLError) and not _is_cut(error)


def _is_cut(error: OSError) -> bool:
    # Before Python 3.10, the ends that OpenSSL 3 reports are no SSLEOFError.
    cut = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    return isinstance(error, cut) or getattr(error, "reason", "") == "UNEXPECTED_EOF_WHILE_READING"


def connection_error(error: OSError) -> str:
    """A short message for a failed connection."""
    if _is_cut(error):
        return "it cut the TLS handshake; is this its TLS port?"
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "no answer"
    return (error.strerror or str(error)).lower()

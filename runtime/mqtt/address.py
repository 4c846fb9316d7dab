"""Which broker, and under which topic: `mqtt://user@broker.local:1883/edge/door`."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from runtime.common.errors import InputError

USER, PASSWORD = "EDGE_DETECTOR_MQTT_USER", "EDGE_DETECTOR_MQTT_PASSWORD"

# What topics begin with where nobody has said otherwise.
TOPIC = "edge-detector"

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """`topic` is what all topics of this detector begin with, without a slash at its end."""

    host: str
    port: int
    topic: str
    user: str = ""
    tls: bool = False

    @classmethod
    def parse(cls, text: str, where: str, topic: str = "") -> Broker:
        """Reads mqtt[s]://[USER@]HOST[:PORT][/TOPIC]; raises InputError, which begins with `where`.

        Without a topic it is `topic`, or else that of this machine.
        """
        try:
            parts = urlsplit(text)
            host, port, password = parts.hostname, parts.port, parts.password
        except ValueError:
            host, port, password = None, None, None
        # Before the text is shown in any other message.
        if password is not None:
            raise InputError(
                f"{where}: the address holds a password, which everybody on this machine could read; "
                f"put it into {PASSWORD}"
            )
        if not host or parts.scheme not in PORTS or port == 0 or parts.query or parts.fragment:
            raise InputError(f"{where}: {text!r} is no broker's address; give mqtt://HOST:PORT/TOPIC, or mqtts:// for TLS")
        topic = unquote(parts.path).strip("/") or topic or f"{TOPIC}/{level(socket.gethostname())}"
        if re.search(r"[+#\0]", topic) or topic.startswith("$") or "//" in topic:
            raise InputError(f"{where}: {topic!r} is no topic; it may hold no + and #, and begin with no $")
        return cls(host, port or PORTS[parts.scheme], topic, unquote(parts.username or ""), parts.scheme == "mqtts")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def level(name: str) -> str:
    """A name as one level of a topic."""
    return re.sub(r"[^\w-]+", "_", name.lower()).strip("_") or "unnamed"

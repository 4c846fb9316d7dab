"""The address of a broker and topic: `mqtt://user@broker.local:1883/edge/door`."""

from __future__ import annotations

import hashlib
import re
import socket
from dataclasses import dataclass
from typing import Iterable
from urllib.parse import unquote, urlsplit

from runtime.common import redaction
from runtime.common.errors import InputError

USER, PASSWORD = "EDGE_DETECTOR_MQTT_USER", "EDGE_DETECTOR_MQTT_PASSWORD"

# First level of the default topic.
TOPIC = "edge-detector"

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """A broker. `topic` is the prefix of all topics of this detector, without a slash at its end."""

    host: str
    port: int
    topic: str
    user: str = ""
    tls: bool = False

    @classmethod
    def parse(cls, text: str, where: str, topic: str = "") -> Broker:
        """Parses `mqtt[s]://[USER@]HOST[:PORT][/TOPIC]`.

        Without a topic in `text`, `topic` is used, or else a topic made of this machine's host name. Raises
        InputError, whose message begins with `where`.
        """
        try:
            parts = urlsplit(text)
            host, port, password = parts.hostname, parts.port, parts.password
            # As it is when the name is looked up: UnicodeError, a ValueError, for an empty or too long part of it.
            (host or "").encode("idna")
        except ValueError:
            host, port, password = None, None, None
        # Checked first: the other messages contain the text.
        if password is not None:
            raise InputError(
                f"{where}: the address holds a password, which everybody on this machine could read; "
                f"put it into {PASSWORD}"
            )
        if not host or parts.scheme not in PORTS or port == 0 or parts.query or parts.fragment:
            raise InputError(
                f"{where}: {redaction.address(text)!r} is no broker's address; give mqtt://HOST:PORT/TOPIC, or mqtts:// for TLS"
            )
        topic = unquote(parts.path).strip("/") or topic or f"{TOPIC}/{level(socket.gethostname())}"
        if re.search(r"[+#\0]", topic) or topic.startswith("$") or "//" in topic:
            raise InputError(f"{where}: {topic!r} is no topic; it may hold no + and #, and begin with no $")
        return cls(host, port or PORTS[parts.scheme], topic, unquote(parts.username or ""), parts.scheme == "mqtts")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def level(name: str) -> str:
    """`name` as one level of a topic: lower case, other characters replaced by `_`."""
    return re.sub(r"[^\w-]+", "_", name.lower()).strip("_") or "unnamed"


def node(topic: str) -> str:
    """A topic as one level for Home Assistant, which no other topic has: a to z, digits, `_` and `-`.

    A topic of lower case letters, digits and `-` only has `_` in place of each `/`, any other has a hash behind it.
    """
    plain = distinct_level(topic, ascii_only=True)
    if re.fullmatch(r"[a-z0-9-]+(?:/[a-z0-9-]+)*", topic) or plain != level(topic):
        return plain
    return f"{plain}_{_hash(topic)}"


def distinct_level(name: str, others: Iterable[str] = (), ascii_only: bool = False) -> str:
    """As `level`, but with a hash of `name` behind it where one of `others` would get the same, or nothing is left.

    With `ascii_only` it has only a to z, digits, `_` and `-`, all that Home Assistant takes in discovery topics; the
    hash then also stands for the letters that are lost.
    """
    plain = level(name)
    lost = re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_") if ascii_only else plain
    alone = re.search(r"\w", name) and all(other == name or level(other) != plain for other in others)
    if alone and lost == plain:
        return plain
    return f"{lost or 'unnamed'}_{_hash(name)}"


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]

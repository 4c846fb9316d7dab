"""Addresses of network streams."""

from __future__ import annotations

import re
from typing import Tuple
from urllib.parse import urlsplit

from runtime.common import redaction
from runtime.common.errors import InputError

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp")


def accepts(spec: str) -> bool:
    """Whether `spec` names a network stream."""
    return spec.partition("://")[0].lower() in SCHEMES and "://" in spec


def prepare(spec: str) -> Tuple[str, str]:
    """The address as FFmpeg wants it, and the name for messages. Raises InputError where no host is named."""
    scheme, separator, rest = spec.partition("://")
    # FFmpeg knows its protocols in lower case only.
    address = f"{scheme.lower()}{separator}{rest}"
    name = redaction.address(address)
    if not _host(address):
        raise InputError(f"{name}: names no host; an address is rtsp://HOST:PORT/PATH{hint(address)}")
    return address, name


def hint(address: str) -> str:
    """What to do where a user or password has characters that end it in an address; empty where none has."""
    user = address.partition("://")[2].rpartition("@")[0]
    if not re.search("[#?/@]|%(?![0-9A-Fa-f]{2})", user):
        return ""
    return "; in a user or password write # as %23, ? as %3F, / as %2F, @ as %40, % as %25"


def is_clear(address: str) -> bool:
    """Whether it is certain what of the address is the host.

    In `rtsp://admin:12#3@camera/` a password's characters end it, so that by the rules `admin` is the host and 12 the port.
    """
    try:
        return urlsplit(redaction.address(address)).netloc == urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return False


def names_user(address: str) -> bool:
    """Whether the address has a user."""
    return is_clear(address) and urlsplit(address).username is not None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""

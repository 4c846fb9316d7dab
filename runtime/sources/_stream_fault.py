"""Why a network stream cannot be opened: what OpenCV does not tell, asked of the sender itself."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
from typing import Dict, Optional, Tuple
from urllib.parse import SplitResult, unquote, urlsplit

SECONDS = 3.0

PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "http": 80, "https": 443}

# The sender describes a stream that OpenCV could not open.
ANSWERS = "the sender describes a stream, but its format or transport is not one that can be read"

_MOST_BYTES = 65536


def find(address: str) -> str:
    """The reason in words; empty where none is found. Takes up to about three times SECONDS."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return ""
    if not host or port is None or parts.scheme not in (*PORTS, "tcp"):
        return ""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return f"no host is called {host}, or this machine cannot look it up"
    try:
        with socket.create_connection((host, port), SECONDS):
            pass
    except ConnectionRefusedError:
        return f"nothing listens at port {port} there (connection refused)"
    except socket.timeout:
        return f"{host} does not answer at port {port}"
    except OSError as error:
        return f"{host} cannot be reached at port {port}: {(error.strerror or str(error)).lower()}"
    if parts.scheme not in ("rtsp", "http"):
        return ""
    with contextlib.suppress(OSError, ValueError):
        return _asked(parts, host, port)
    return f"what listens at port {port} does not speak {parts.scheme.upper()}"


def _asked(parts: SplitResult, host: str, port: int) -> str:
    status, headers = _answer(parts, host, port, "")
    given = parts.username is not None
    if status[:3] == "401" and given:
        status, headers = _answer(parts, host, port, _authorization(parts, host, port, headers))
    code = status[:3]
    if code in ("401", "403"):
        what = "the sender refuses this user and password" if given else "the sender wants a user and a password"
        return f"{what} ({status})"
    if code in ("404", "454"):
        return f"the sender has no stream at this path ({status})"
    if not code.startswith("2"):
        return f"the sender answers {status}"
    if "html" in headers.get("content-type", ""):
        return "there is a web page, not a stream; look in the camera's manual for the address of its stream"
    return ANSWERS


def _answer(parts: SplitResult, host: str, port: int, authorization: str) -> Tuple[str, Dict[str, str]]:
    """The status, such as `404 Not Found`, and the headers. Raises OSError or ValueError where there is none."""
    method, target = _request(parts, host, port)
    if parts.scheme == "rtsp":
        lines = [f"{method} {target} RTSP/1.0", "CSeq: 1", "Accept: application/sdp"]
    else:
        lines = [f"{method} {target} HTTP/1.0", f"Host: {host}:{port}"]
    lines += [f"Authorization: {authorization}"] if authorization else []
    with socket.create_connection((host, port), SECONDS) as connection:
        connection.settimeout(SECONDS)
        connection.sendall("\r\n".join([*lines, "", ""]).encode("utf-8"))
        data = b""
        while b"\r\n\r\n" not in data and len(data) < _MOST_BYTES:
            more = connection.recv(4096)
            if not more:
                break
            data += more
    head = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    match = re.fullmatch(r"(?:RTSP|HTTP)/\d\.\d (\d{3})(.{0,40}).*", head[0])
    if match is None:
        raise ValueError("no answer of this protocol")
    fields = [line.partition(":") for line in head[1:]]
    # A sender may offer several ways to log in.
    headers: Dict[str, str] = {}
    for name, _, value in fields:
        key = name.strip().lower()
        headers[key] = f"{headers[key]}\n{value.strip()}" if key in headers else value.strip()
    return f"{match[1]}{match[2]}".strip(), headers


def _request(parts: SplitResult, host: str, port: int) -> Tuple[str, str]:
    """Method and target of the request, without user and password."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    shown = f"[{host}]" if ":" in host else host
    return ("DESCRIBE", f"rtsp://{shown}:{port}{path}") if parts.scheme == "rtsp" else ("GET", path)


def _authorization(parts: SplitResult, host: str, port: int, headers: Dict[str, str]) -> str:
    """The answer to a request to log in, by RFC 7617 (Basic) or RFC 2617 (Digest with MD5)."""
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    asked = headers.get("www-authenticate", "")
    digest = next((line for line in asked.split("\n") if line.lower().startswith("digest")), "")
    realm, nonce = _field(digest, "realm"), _field(digest, "nonce")
    if realm is None or nonce is None:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    method, target = _request(parts, host, port)
    secret, request = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{target}")
    fields = f'username="{user}", realm="{realm}", nonce="{nonce}", uri="{target}"'
    if "auth" in (_field(digest, "qop") or ""):
        response = _md5(f"{secret}:{nonce}:00000001:0a4f113b:auth:{request}")
        return f'Digest {fields}, qop=auth, nc=00000001, cnonce="0a4f113b", response="{response}"'
    return f'Digest {fields}, response="{_md5(f"{secret}:{nonce}:{request}")}"'


def _field(text: str, name: str) -> Optional[str]:
    match = re.search(rf'\b{name}\s*=\s*"([^"]*)"', text, re.I)
    return match[1] if match else None


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()

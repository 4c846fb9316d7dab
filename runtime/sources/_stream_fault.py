"""Why a network stream cannot be opened: what the library does not tell, asked of the sender itself."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import time
from typing import Dict, Optional, Tuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from runtime.common import redaction
from runtime.sources import _stream_address

SECONDS = 3.0

MOST_REDIRECTS = 3
ASKED = ("rtsp", "rtsps", "http", "https")

PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "http": 80, "https": 443}

UNKNOWN = "is the address right, and can this machine reach it?"

# The sender describes a stream that could not be opened.
ANSWERS = "the sender describes a stream, but its format or transport is not one that can be read"

_MOST_BYTES = 65536


def find(address: str) -> str:
    """The reason in words; empty where none is found. Takes up to about three times SECONDS."""
    if not _stream_address.is_clear(address):
        # What is asked then may be another host, and what is said may show a part of the password.
        return "it is not certain where user and password end and the host begins"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, _port(parts)
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
    if parts.scheme not in ASKED:
        return ""
    try:
        return _asked(parts, host, port)
    except socket.timeout:
        return f"{host} takes connections at port {port}, but gives no answer"
    except (OSError, ValueError):
        return f"what listens at port {port} does not speak {parts.scheme.upper()}"


def refusal(status: str, user_given: bool) -> str:
    """In words, a status such as `404 Not Found` that is no success."""
    code = status[:3]
    if code in ("401", "403"):
        what = "the sender refuses this user and password" if user_given else "the sender wants a user and a password"
        return f"{what} ({status})"
    if code in ("404", "454"):
        return f"the sender has no stream at this path ({status})"
    return f"the sender answers {status}"


def _asked(parts: SplitResult, host: str, port: int) -> str:
    first, redirects = parts, 0
    while True:
        status, headers = _answer(parts, host, port, "")
        given = parts.username is not None
        if status.startswith("401") and given:
            status, headers = _answer(parts, host, port, _authorization(parts, host, port, headers))
        if not status.startswith("3") or not headers.get("location"):
            break
        parts = urlsplit(urljoin(parts.geturl(), headers["location"]))
        host, port, redirects = parts.hostname or "", _port(parts) or 0, redirects + 1
        if redirects > MOST_REDIRECTS:
            return f"the sender redirects {redirects} times, at last to {_shown(parts)}"
        if not host or parts.scheme not in ASKED:
            return f"the sender redirects to {_shown(parts)}, which is no address of a stream"
    where = "" if parts is first else f", at {_shown(parts)}, to which the sender redirects"
    if not status.startswith("2"):
        return refusal(status, given) + where
    if "html" in headers.get("content-type", ""):
        return f"there is a web page, not a stream{where}; look in the camera's manual for the address of its stream"
    return ANSWERS


def _shown(parts: SplitResult) -> str:
    return redaction.address(parts.geturl())


def _port(parts: SplitResult) -> Optional[int]:
    return PORTS.get(parts.scheme) if parts.port is None else parts.port


def _answer(parts: SplitResult, host: str, port: int, authorization: str) -> Tuple[str, Dict[str, str]]:
    """The status, such as `404 Not Found`, and the headers. Raises OSError or ValueError where there is none."""
    method, target = _request(parts, host, port)
    if parts.scheme.startswith("rtsp"):
        lines = [f"{method} {target} RTSP/1.0", "CSeq: 1", "Accept: application/sdp"]
    else:
        lines = [f"{method} {target} HTTP/1.0", f"Host: {host}:{port}"]
    lines += [f"Authorization: {authorization}"] if authorization else []
    with _connected(parts, host, port) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("utf-8"))
        data = b""
        until = time.monotonic() + SECONDS
        while b"\r\n\r\n" not in data and len(data) < _MOST_BYTES:
            # A limit for each part alone would let a slow sender take as long as it likes.
            connection.settimeout(max(until - time.monotonic(), 0.001))
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


def _connected(parts: SplitResult, host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), SECONDS)
    if parts.scheme not in ("rtsps", "https"):
        return connection
    # Takes a while to import, and few streams need it.
    import ssl

    # As FFmpeg does by default: cameras have certificates of their own making.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _request(parts: SplitResult, host: str, port: int) -> Tuple[str, str]:
    """Method and target of the request, without user and password."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    shown = f"[{host}]" if ":" in host else host
    return ("DESCRIBE", f"{parts.scheme}://{shown}:{port}{path}") if parts.scheme.startswith("rtsp") else ("GET", path)


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

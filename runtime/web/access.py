"""Access control of the web page."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Optional, Sequence
from urllib.parse import urlsplit

LEAST_TOKEN = 16


class Access:
    """Admits clients with the token; without a token, programs on this machine.

    A browser sends the token once, in the address, and gets a cookie. The cookie is derived from the token, so
    it stays valid after a restart with the same token.
    """

    def __init__(self, token: Optional[str], port: int) -> None:
        self._token = token
        # Cookies are shared between the ports of a host; the name keeps two detectors on one machine apart.
        self._cookie = f"edge_detector_{port}"
        self._session = hmac.new(token.encode(), b"page", hashlib.sha256).hexdigest() if token else ""

    @property
    def needs_token(self) -> bool:
        """Whether clients need a token."""
        return self._token is not None

    def is_valid(self, token: str) -> bool:
        """Whether `token` is correct, compared in constant time."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())

    def cookie(self) -> str:
        """The value of the Set-Cookie header. SameSite is Lax, so that links from other pages work."""
        return f"{self._cookie}={self._session}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"

    def admits(self, host: Sequence[str], cookies: Sequence[str], authorization: Sequence[str]) -> bool:
        """Whether a request is admitted, by the values of its Host, Cookie and Authorization headers."""
        if self._token is None:
            # Against DNS rebinding, where the name of another site resolves to this machine: the Host header
            # then has that name.
            return len(host) == 1 and _is_this_machine(host[0])
        if len(authorization) == 1 and authorization[0].startswith("Bearer "):
            return self.is_valid(authorization[0][len("Bearer ") :].strip())
        return any(hmac.compare_digest(value, self._session) for value in self._sessions(cookies))

    def _sessions(self, cookies: Sequence[str]) -> Sequence[str]:
        sessions = []
        for header in cookies:
            try:
                morsel = SimpleCookie(header).get(self._cookie)
            except CookieError:
                continue
            if morsel is not None and morsel.value.isascii():
                sessions.append(morsel.value)
        return sessions


def is_own_page(origin: Sequence[str], host: Sequence[str]) -> bool:
    """Whether a WebSocket request comes from this server's page, or from a program that is not a browser.

    Browsers let every page open WebSockets to any host, and name the page's site in the Origin header.
    """
    if not origin:
        return True
    return len(origin) == len(host) == 1 and urlsplit(origin[0]).netloc == host[0]


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"

"""Who may see the page."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Optional, Sequence
from urllib.parse import urlsplit

LEAST_TOKEN = 16


class Access:
    """With a token, whoever has it; without one, programs on this machine.

    A browser shows the token once, in the address, and gets a cookie for it. The cookie is made of
    the token, so that it outlives a restart with the same one.
    """

    def __init__(self, token: Optional[str], port: int) -> None:
        self._token = token
        # Cookies know hosts, not ports: two detectors on one machine must not share theirs.
        self._cookie = f"edge_detector_{port}"
        self._session = hmac.new(token.encode(), b"page", hashlib.sha256).hexdigest() if token else ""

    @property
    def needs_token(self) -> bool:
        return self._token is not None

    def knows(self, token: str) -> bool:
        """Whether `token` is the right one; takes the same time for any wrong one of its length."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())

    def cookie(self) -> str:
        """The header that lets a browser in. Lax, so that a link in a message works."""
        return f"{self._cookie}={self._session}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"

    def admits(self, host: Sequence[str], cookies: Sequence[str], authorization: Sequence[str]) -> bool:
        """Whether a request may have what it asks for, by its headers of these names."""
        if self._token is None:
            # A page elsewhere can have its own name point to this machine (DNS rebinding), but
            # then its name stands here.
            return len(host) == 1 and _is_this_machine(host[0])
        if len(authorization) == 1 and authorization[0].startswith("Bearer "):
            return self.knows(authorization[0][len("Bearer ") :].strip())
        return any(hmac.compare_digest(value, self._session) for value in self._sessions(cookies))

    def _sessions(self, cookies: Sequence[str]) -> Sequence[str]:
        found = []
        for header in cookies:
            try:
                morsel = SimpleCookie(header).get(self._cookie)
            except CookieError:
                continue
            if morsel is not None and morsel.value.isascii():
                found.append(morsel.value)
        return found


def is_own_page(origin: Sequence[str], host: Sequence[str]) -> bool:
    """Whether a WebSocket is opened by our own page, or by a program that is no browser.

    Browsers let any page open WebSockets to anywhere, and say in `Origin` which page it was.
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

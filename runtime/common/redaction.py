"""Takes user names and passwords out of addresses, for everything that is printed, logged, sent or shown.

People type a password as it is, with `#`, `?`, `/`, `:` and `@` in it, which in a correct address are written as %23 and
so on. So everything before the last `@` counts as user and password, unless it is certain to be a host and a path.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"\W*[A-Za-z][\w+.-]*:/+")
_DRIVE = re.compile(r"\W*[A-Za-z]:[\\/]")
# A host and what follows: an IP address or localhost, also with a port; a name with a dot without one, since
# `john.doe:1234/5` may be user and password. No colon may follow, as between user and password.
_HOST = re.compile(r"(?:(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-fA-F:.]+\]|localhost)(?::\d{1,5})?|\w[\w-]*(?:\.[\w-]+)+)/[^:]*")
_SECRET_SETTING = re.compile(r"([?&](?:token|auth|key|pass|pwd|secret|user)\w*=)[^&\s'\"]+", re.I)


def address(text: str) -> str:
    """An address without user, password and query; a path or another text without what looks like user and password.

    `rtsp://admin:Secret#1@10.0.0.5/live?x=1` gives `rtsp://10.0.0.5/live`.
    """
    scheme = _SCHEME.match(text)
    shown = _without_user(text)
    if scheme is None or _DRIVE.match(text):
        return shown
    return re.split(r"[?#]", shown, maxsplit=1)[0]


def message(text: str) -> str:
    """`text` with the user and password removed from every address in it, and the values of settings like `token=`."""
    if "@" in text:
        text = re.sub(r"\S*@\S*", lambda match: _without_user(match.group()), text)
    return _SECRET_SETTING.sub(r"\1...", text)


def _without_user(text: str) -> str:
    """`text`, one address, without anything between the scheme and the last `@`."""
    scheme = _SCHEME.match(text)
    start = scheme.end() if scheme else 0
    end = text.rfind("@", start)
    if end < 0 or _DRIVE.match(text) or _HOST.fullmatch(text[start:end]):
        return text
    # Without a scheme, `cat@home.jpg` is a name; only what has a colon can hold a password.
    if scheme is None and ":" not in text[:end]:
        return text
    return text[:start] + text[end + 1 :]

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
# The same in other texts: `EDGE_DETECTOR_MQTT_PASSWORD=...`, `user-pw="..."`.
_SECRET_VALUE = re.compile(r"(\b[\w-]*(?:token|passw|secret|pwd|user-pw)[\w-]*\s?=\s?)(?:\"[^\"]*\"|'[^']*'|[^\s&'\"]+)", re.I)
# Where an address may begin in a text, with the mistakes that people make in its beginning.
_BEGINNING = re.compile(r"(?<![^\s'\"(=])[A-Za-z][\w+.-]+(?::/+|;?//|;/+)")
_HOST_FOLLOWS = re.compile(r"@(?=[\w\[])")
# A user and the first letters of a password, which is not a port.
_USER = re.compile(r"[^\s/?#@:]+:(?!\d{1,5}(?:[^\w.%~!*+@-]|$))\S")


def address(text: str) -> str:
    """An address to be shown: as `base`, and without the values of settings like `password=` in its path.

    Recorders have them there: `rtsp://10.0.0.5/user=admin&password=Secret&channel=1`.
    """
    return _without_settings(base(text))


def base(text: str) -> str:
    """An address without user, password and query; a path or another text without what looks like user and password.

    `rtsp://admin:Secret#1@10.0.0.5/live?x=1` gives `rtsp://10.0.0.5/live`.
    """
    scheme = _SCHEME.match(text)
    shown = _without_user(text)
    if scheme is None or _DRIVE.match(text):
        return shown
    return re.split(r"[?#]", shown, maxsplit=1)[0]


def message(text: str) -> str:
    """`text` with the user and password removed from every address in it, and the values of settings like `token=`.

    Where a password has spaces, so that nobody can tell where it ends, everything up to the last `@` of the line goes.
    """
    if "@" in text:
        text = "".join(map(_line_without_users, text.splitlines(keepends=True)))
    return _without_settings(text)


def _without_settings(text: str) -> str:
    """`text` without the values of settings like `token=`."""
    return _SECRET_VALUE.sub(r"\1...", _SECRET_SETTING.sub(r"\1...", text))


def _line_without_users(line: str) -> str:
    shown, begin = "", 0
    for end in [*(found.start() for found in _BEGINNING.finditer(line)), len(line)]:
        part = line[begin:end]
        beginning = _BEGINNING.match(part)
        # What looks like an address may also stand in the middle of a password.
        if end < len(line) and beginning and _USER.match(part, beginning.end()) and not _HOST_FOLLOWS.search(part):
            continue
        # The character before an address tells whether it is quoted.
        shown += _without_users(part, line[max(begin - 1, 0) : begin])
        begin = end
    return shown


def _without_users(part: str, before: str) -> str:
    """`part`, which begins with an address if it has any with a scheme, without users and passwords."""
    beginning = _BEGINNING.match(part)
    quoted = part.rfind(before) if before in ("'", '"') else -1
    end = quoted if quoted > 0 else len(part)
    if beginning is not None and _has_user(part[:end], beginning.end()):
        hosts = [found.end() for found in _HOST_FOLLOWS.finditer(part[:end])]
        if hosts:
            return part[: beginning.end()] + part[hosts[-1] : end] + _without_users(part[end:], "")
    return re.sub(r"\S*@\S*", lambda match: _without_user(match.group()), part)


def _has_user(part: str, start: int) -> bool:
    """Whether user and password begin at `start` of `part`, an address and what follows it."""
    address = re.split(r"\s", part, maxsplit=1)[0]
    return _without_user(address) != address or _USER.match(part, start) is not None


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

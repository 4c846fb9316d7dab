"""Protocol buffer text format, such as `item { id: 1 name: 'cat' }`, read without the messages' definitions.

The grammar is that of https://protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Strings, comments, words and numbers, punctuation.
_TOKEN = re.compile(r"""\s*(?:\#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([\w.+-]+)|([{}<>:;,\[\]/]))""")
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_PLAIN = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}
_CLOSING = {"{": "}", "<": ">"}
# Messages inside messages; configurations have about ten.
_DEPTH = 64


@dataclass(frozen=True)
class Message:
    """The fields of a message in text format, by name: every value that the text gives a field, in its order.

    A value is a `Message` or a word: a number, `true` or a name as it is written, and the content of a string.
    """

    fields: dict[str, list[Message | str]] = field(default_factory=dict)

    def messages(self, name: str) -> list[Message]:
        """The values of the field `name` that are messages."""
        return [value for value in self.fields.get(name, []) if isinstance(value, Message)]

    def message(self, name: str) -> Message | None:
        """The message in the field `name`; None if the text has none. Of several, the last, as for all fields."""
        return next(reversed(self.messages(name)), None)

    def words(self, name: str) -> list[str]:
        """The values of the field `name` that are not messages."""
        return [value for value in self.fields.get(name, []) if isinstance(value, str)]

    def word(self, name: str) -> str | None:
        """The value of the field `name`; None if the text has none."""
        return next(reversed(self.words(name)), None)


def parse(source: str) -> Message:
    """The message in `source`. Raises ValueError, which says what is wrong, where it is not in text format."""
    every = list(tokens(source))
    message, end = _fields(every, 0, "", 0)
    if end != len(every):
        raise ValueError(f"{every[end][:20]!r} where a field is expected")
    return message


def tokens(source: str) -> Iterator[str]:
    """The strings, with their quotes, the words and the punctuation of `source`. Raises ValueError for the rest."""
    at, end = 0, len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if not match:
            raise ValueError(f"{source[at:].lstrip()[:20]!r} cannot be understood")
        at = match.end()
        if token := match[1] or match[2] or match[3]:
            yield token


def unquoted(token: str) -> str:
    """The content of a string, its escapes resolved; any other token as it is. Raises ValueError for no UTF-8."""
    if token[:1] not in ("'", '"'):
        return token
    # Escapes denote bytes; several bytes may make one character.
    return _ESCAPE.sub(_unescaped, token[1:-1]).encode("utf-8", "surrogateescape").decode("utf-8")


def _unescaped(match: re.Match[str]) -> str:
    octal, hexadecimal, short, long, other = match.groups()
    if octal or hexadecimal:
        byte = int(octal, 8) if octal else int(hexadecimal, 16)
        return bytes([byte & 0xFF]).decode("utf-8", "surrogateescape")
    if short or long:
        return chr(int(short or long, 16))
    return _PLAIN[other].decode() if other in _PLAIN else other


def _fields(every: list[str], at: int, closing: str, depth: int) -> tuple[Message, int]:
    """The fields from token `at` up to `closing`, "" for the end of the text; and the token after them."""
    if depth > _DEPTH:
        raise ValueError(f"more than {_DEPTH} messages inside each other")
    message = Message()
    while at < len(every):
        token = every[at]
        if token == closing:
            return message, at + 1
        if token in (",", ";"):
            at += 1
            continue
        name, at = _name(every, at)
        has_colon = _peek(every, at) == ":"
        at += has_colon
        values = message.fields.setdefault(name, [])
        if _peek(every, at) == "[":
            at = _list(every, at + 1, values, depth)
            continue
        if not has_colon and _peek(every, at) not in _CLOSING:
            raise ValueError(f"the field {name} has no value")
        value, at = _value(every, at, depth)
        values.append(value)
    if closing:
        raise ValueError(f"a message has no {closing!r}")
    return message, at


def _name(every: list[str], at: int) -> tuple[str, int]:
    """The name of a field, which for an extension stands in brackets."""
    if every[at] == "[":
        if "]" not in every[at:]:
            raise ValueError("'[' without ']'")
        end = every.index("]", at)
        return "".join(every[at : end + 1]), end + 1
    if not re.fullmatch(r"[A-Za-z_]\w*", every[at]):
        raise ValueError(f"{every[at][:20]!r} where a field is expected")
    return every[at], at + 1


def _list(every: list[str], at: int, values: list[Message | str], depth: int) -> int:
    while _peek(every, at) != "]":
        value, at = _value(every, at, depth)
        values.append(value)
        if _peek(every, at) == ",":
            at += 1
        elif _peek(every, at) != "]":
            raise ValueError("a list has no ']'")
    return at + 1


def _value(every: list[str], at: int, depth: int) -> tuple[Message | str, int]:
    token = _peek(every, at)
    if token in _CLOSING:
        return _fields(every, at + 1, _CLOSING[token], depth + 1)
    if token[:1] in ("'", '"'):
        # Strings that follow each other are one.
        text = ""
        while _peek(every, at)[:1] in ("'", '"'):
            text += unquoted(every[at])
            at += 1
        return text, at
    if not re.fullmatch(r"[\w.+-]+", token):
        found = repr(token[:20]) if token else "the text ends"
        raise ValueError(f"{found} where a value is expected")
    return token, at + 1


def _peek(every: list[str], at: int) -> str:
    return every[at] if at < len(every) else ""

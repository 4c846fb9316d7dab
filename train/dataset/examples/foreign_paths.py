"""Paths in annotations as other machines wrote them, and the files or folders of a data set that they refer to.

A path is only compared with the names of files in the data set's folder and never opened, so that no path can lead
out of it.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath
from typing import Generic, TypeVar
from urllib.parse import unquote

Found = TypeVar("Found")

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
# Label Studio's address of a file in its local storage: /data/local-files/?d=images/1.jpg
_LOCAL_FILE = re.compile(r"[?&]d=([^&#]*)")


def spellings(written: str) -> tuple[str, ...]:
    """Returns the paths that `written` may stand for, the most literal first.

    These are `written` itself; a URL (`file:///`, `gs://`, `https://`) without its scheme and its query; and each of
    them with `%20` and the like decoded.
    """
    found = [written]
    if _SCHEME.match(written) or "?" in written:
        local = _LOCAL_FILE.search(written)
        plain = _SCHEME.sub("", written).partition("?")[0].partition("#")[0]
        found += [local[1], plain] if local else [plain]
    if "%" in written:
        found += [unquote(path) for path in found]
    return tuple(dict.fromkeys(found))


def path_parts(written: str) -> tuple[str, ...]:
    """Returns the parts of a path in an annotation, with slashes or backslashes.

    Drive, root and `..` are dropped, since they refer to the machine that wrote the annotation.
    """
    parts = written.replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", "..") and not part.endswith(":"))


def alike(name: str) -> str:
    """Returns a name for comparison between systems: without case, with accents composed, and without spaces.

    Windows ignores case, macOS stores an accent as a character of its own, and uploads often write spaces as `_`.
    """
    return unicodedata.normalize("NFC", name).casefold().replace(" ", "_")


class PathEnds(Generic[Found]):
    """Files or folders of a data set, for lookup by the end of a path of another machine.

    `named` are the files or folders with their names relative to the data set. They are looked at when the first path
    is asked for: most data sets have none of another machine.
    """

    def __init__(self, named: Iterable[tuple[PurePath, Found]]) -> None:
        self._named = named

    @functools.cached_property
    def _by_last(self) -> dict[str, list[tuple[tuple[str, ...], Found]]]:
        found: dict[str, list[tuple[tuple[str, ...], Found]]] = defaultdict(list)
        for name, item in self._named:
            if name.parts:
                found[alike(name.name)].append((tuple(map(alike, name.parts)), item))
        return found

    def longest(self, written: str) -> list[Found]:
        """Returns the items whose names agree with the most parts at the end of `written`; several if they tie."""
        return self._agreeing(written)[1]

    def agreement(self, written: str) -> int:
        """Returns how many parts at the end of `written` the best item's name has."""
        return self._agreeing(written)[0]

    def _agreeing(self, written: str) -> tuple[int, list[Found]]:
        for spelling in spellings(written):
            parts = tuple(map(alike, path_parts(spelling)))
            found = self._by_last.get(parts[-1], ()) if parts else ()
            if found:
                lengths = [_common_end(name, parts) for name, _ in found]
                most = max(lengths)
                return most, [item for (_, item), length in zip(found, lengths) if length == most]
        return 0, []


def _common_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    length = 0
    for mine, theirs in zip(reversed(one), reversed(other)):
        if mine != theirs:
            break
        length += 1
    return length

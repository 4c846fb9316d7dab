"""Recognition of JSON files without parsing them, and values of parsed ones."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote

from train.dataset.examples.image_files import File, quoted
from train.dataset.examples.image_info import SUFFIXES

# Tools write their keys in different orders, so both ends of a file are looked at.
_ENDS = 32 << 10
_KEY = re.compile(rb'"([A-Za-z_][\w-]{0,40})"\s*:')
# A name begins after one of the characters that it cannot have: tried from every byte, long lists of numbers take minutes.
_NAME = re.compile(
    rb'(?<![^"/\\=])([^"/\\=]{1,255}\.(?:' + b"|".join(suffix[1:].encode() for suffix in SUFFIXES) + rb'))(?:[?#][^"]*)?"', re.IGNORECASE
)
_CHUNK = 16 << 20


def keys(file: File, suffixes: Collection[str] = (".json",)) -> frozenset[str]:
    """Returns the keys of objects at both ends of a file with one of `suffixes`; none of another. Parses nothing."""
    if file.suffix not in suffixes:
        return frozenset()
    try:
        status = file.path.stat()
        return _keys(str(file.path), status.st_mtime_ns, status.st_size)
    except OSError:
        return frozenset()


@functools.lru_cache(maxsize=1 << 17)
def _keys(path: str, changed: int, size: int) -> frozenset[str]:
    """Every format asks about every file, so the answer for a file that did not change is kept."""
    with open(path, "rb") as opened:
        data = opened.read(_ENDS)
        if size > _ENDS:
            opened.seek(max(_ENDS, size - _ENDS))
            data += b" " + opened.read(_ENDS)
    return frozenset(match.decode() for match in set(_KEY.findall(data)))


def image_names(file: File) -> set[str]:
    """Returns the names of image files at the ends of texts in a JSON file, without parsing it.

    A name with `%20` or the like is there as it is written and decoded.
    """
    found: set[bytes] = set()
    try:
        with file.path.open("rb") as opened:
            rest = b""
            while chunk := opened.read(_CHUNK):
                data = rest + chunk
                found.update(_NAME.findall(data))
                rest = data[-1024:]
    except OSError:
        return set()
    names = {name.decode("utf-8", "replace") for name in found}
    return names | {unquote(name).rpartition("/")[2] for name in names if "%" in name}


def number(value: Any, name: str) -> float:
    """Returns a value of JSON or XML as a number. Raises ValueError, which calls it `name`, if it is none."""
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            found = float(value)
        except (ValueError, OverflowError):
            found = math.nan
        if math.isfinite(found):
            return found
    raise ValueError(f"has {name}={quoted(value)}, which is not a number")


def text(value: Any) -> str:
    """Returns a value if it is text, else an empty text."""
    return value if isinstance(value, str) else ""


def dicts(value: Any) -> list[dict[str, Any]]:
    """Returns the objects in a list or in the values of an object; leaves out everything else."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]

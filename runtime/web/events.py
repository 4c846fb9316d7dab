"""What the server answers about events: their list, and their files."""

from __future__ import annotations

import os
import re
import sqlite3
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, Mapping, Optional, Sequence, Tuple

from runtime.common.opencv import cv2
from runtime.events.index import Index

PREFIX = "/events/"
# Events in an answer: by default and at most.
LIMIT, MOST = 20, 200
# Bytes of a file in an answer to a request with a range; a browser asks again for the rest.
MOST_BYTES = 2_000_000
# Pixels across of the small image.
SMALL = 320

_TYPES = {".jpg": "image/jpeg", ".mp4": "video/mp4", ".webm": "video/webm", ".json": "application/json"}
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._]*")
_QUALITY = 80


@dataclass(frozen=True)
class Answer:
    """An answer, for the server to send."""

    status: HTTPStatus
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: Tuple[Tuple[str, str], ...] = ()
    # In place of the body: the next `size` bytes of a file, which whoever sends the answer closes.
    file: Optional[BinaryIO] = None
    size: int = 0


def listed(folder: Path, query: Mapping[str, Sequence[str]]) -> Dict[str, Any]:
    """The newest events, and the number before which the next ones come, None where there are none.

    `query` may have `limit`, `before` (what an earlier answer gave as `next`) and `label`. Raises ValueError for a wrong
    one, and sqlite3.Error.
    """
    limit, before = _number(query, "limit"), _number(query, "before")
    wanted = min(LIMIT if limit is None else limit, MOST)
    index = Index(folder, read_only=True)
    try:
        found = index.page(before, wanted + 1, query["label"][-1] if "label" in query else None)
    finally:
        index.close()
    shown = found[:wanted]
    events: List[Dict[str, Any]] = [each.event.as_dict() for each in shown]
    return {"events": events, "next": shown[-1].number if len(found) > wanted else None}


def file(folder: Path, name: str, small: bool, ranges: Sequence[str]) -> Answer:
    """A file of an event. `small` asks for a small image, `ranges` are the values of the header Range."""
    path = folder / name
    kind = _TYPES.get(path.suffix)
    missing = Answer(HTTPStatus.NOT_FOUND, b"there is no such event; it may have been removed\n")
    # Names have no slashes, and files that are not complete begin with a dot.
    if kind is None or not _NAME.fullmatch(name):
        return missing
    try:
        # Raises for a name that is too long.
        if not path.is_file():
            return missing
        if small and path.suffix == ".jpg":
            return Answer(HTTPStatus.OK, _small(path), kind)
        opened = open(path, "rb")  # noqa: SIM115
    except OSError:
        return missing
    size = os.fstat(opened.fileno()).st_size
    wanted = _range(ranges, size)
    begin, end = wanted or (0, size)
    if wanted is not None and begin >= size:
        opened.close()
        return Answer(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"the file is shorter\n", headers=(("Content-Range", f"bytes */{size}"),)
        )
    opened.seek(begin)
    about: Tuple[Tuple[str, str], ...] = (("Accept-Ranges", "bytes"),)
    if wanted is None:
        return Answer(HTTPStatus.OK, b"", kind, about, opened, size)
    about += (("Content-Range", f"bytes {begin}-{end - 1}/{size}"),)
    return Answer(HTTPStatus.PARTIAL_CONTENT, b"", kind, about, opened, end - begin)


def answer(folder: str, path: str, query: Mapping[str, Sequence[str]], ranges: Sequence[str]) -> Answer:
    """The answer to a request for a file of an event, by its path below PREFIX; blocks while it reads."""
    if not folder:
        return Answer(HTTPStatus.NOT_FOUND, b"this run keeps no events; begin it with --events DIR\n")
    return file(Path(folder), path[len(PREFIX) :], "small" in query, ranges)


def answer_list(folder: str, query: Mapping[str, Sequence[str]]) -> Tuple[HTTPStatus, Any]:
    """The status of the answer to a request for the list, and its values for JSON or a text; blocks while it reads."""
    if not folder:
        return HTTPStatus.NOT_FOUND, "this run keeps no events; begin it with --events DIR"
    try:
        return HTTPStatus.OK, listed(Path(folder), query)
    except ValueError as error:
        return HTTPStatus.BAD_REQUEST, str(error)
    except sqlite3.Error as error:
        return HTTPStatus.SERVICE_UNAVAILABLE, f"the index cannot be read: {error}"


def _small(path: Path) -> bytes:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path}: no image")
    height, width = image.shape[:2]
    if width > SMALL:
        image = cv2.resize(image, (SMALL, max(1, round(height * SMALL / width))), interpolation=cv2.INTER_AREA)
    data: bytes = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    return data


def _range(values: Sequence[str], size: int) -> Optional[Tuple[int, int]]:
    """The first byte and that behind the last (RFC 9110, section 14); None for the whole file, as for what is no range."""
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", values[0].strip()) if len(values) == 1 else None
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    # A range that ends before it begins is ignored.
    return None if end <= begin < size else (begin, min(end, begin + MOST_BYTES))


def _number(query: Mapping[str, Sequence[str]], name: str) -> Optional[int]:
    if name not in query:
        return None
    text = query[name][-1]
    # Numbers in SQLite have 64 bits.
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not int(text):
        raise ValueError(f"{name}={text[:40]}: is not a whole number of 1 or more")
    return int(text)

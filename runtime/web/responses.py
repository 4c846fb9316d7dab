"""Answers of the server, with what keeps the page to itself."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Dict, Mapping, Optional

PAGE = Path(__file__).with_name("page")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

# The page loads everything from this server and runs no inline scripts or styles.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}


@dataclass(frozen=True)
class FileResponse:
    """An answer with the next `size` bytes of a file, which whoever sends it closes."""

    status: HTTPStatus
    headers: Mapping[str, str]
    file: BinaryIO
    size: int


def text(status: HTTPStatus, said: str) -> Any:
    """A line of text."""
    return response(status, f"{said}\n".encode(), "text/plain; charset=utf-8")


def response(status: HTTPStatus, body: bytes, kind: str, more: Optional[Mapping[str, str]] = None) -> Any:
    """An answer with this body; `more` are headers that are added."""
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    return Response(status.value, status.phrase, Headers(_headers(kind, len(body), more)), body)


def part(status: HTTPStatus, opened: BinaryIO, size: int, kind: str, more: Optional[Mapping[str, str]] = None) -> FileResponse:
    """An answer with the next `size` bytes of a file; `more` are headers that are added."""
    return FileResponse(status, _headers(kind, size, more), opened, size)


def taken() -> Any:
    """An answer that goes nowhere, for a connection that is no longer the library's."""
    return text(HTTPStatus.OK, "")


def file(name: str, status: HTTPStatus = HTTPStatus.OK) -> Any:
    """A file of the page, by its path such as /style.css; blocks while it reads."""
    path = _FILES.get(name)
    if path is None:
        return text(HTTPStatus.NOT_FOUND, "there is no such page")
    return response(status, path.read_bytes(), TYPES[path.suffix])


def _headers(kind: str, size: int, more: Optional[Mapping[str, str]]) -> Dict[str, str]:
    return {**HEADERS, "Content-Type": kind, "Content-Length": str(size), **(more or {})}


_FILES = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in TYPES}

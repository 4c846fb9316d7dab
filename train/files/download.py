"""One file over HTTP, with a progress bar."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

_TIMEOUT = 30.0
_ATTEMPTS = 5
_CHUNK = 1 << 16


def download(url: str, path: Path, *, timeout: float = _TIMEOUT) -> None:
    """Fetches `url` to `path`; the progress bar goes to standard error where that is a terminal.

    A connection that breaks on the way is taken up where it broke. `timeout` are the seconds to wait
    for a connection and for each piece. Raises OSError, its text fit to be shown, where the file does
    not come whole; `path` may then hold a part of it.
    """
    with path.open("wb") as sink:
        for _ in range(_ATTEMPTS):
            before = sink.tell()
            try:
                return _fetch(url, sink, path.name, timeout)
            except urllib.error.HTTPError as error:
                raise ConnectionError(f"the server answers {error.code} {error.reason}") from error
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                # What brought nothing is not asked again: offline, one answer is enough.
                if sink.tell() <= before:
                    break
    raise ConnectionError(str(getattr(reason, "strerror", None) or reason or type(reason).__name__)) from None


def _fetch(url: str, sink: BinaryIO, name: str, timeout: float) -> None:
    done = sink.tell()
    headers = {"User-Agent": "edge-detection-kit", **({"Range": f"bytes={done}-"} if done else {})}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as reply:
        if done and reply.status != http.client.PARTIAL_CONTENT:
            done = sink.seek(0)
            sink.truncate()
        length = reply.headers.get("Content-Length")
        total = done + int(length) if length else None
        with tqdm(
            total=total, initial=done, desc=name, unit="B", unit_scale=True, disable=None, file=sys.stderr
        ) as bar:
            while chunk := reply.read(_CHUNK):
                sink.write(chunk)
                bar.update(len(chunk))
    if total is not None and sink.tell() != total:
        raise ConnectionError(f"the connection broke after {sink.tell()} of {total} bytes")

"""Download of a file over HTTP, with a progress bar and resumption."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from tqdm.auto import tqdm

_TIMEOUT = 30.0
_ATTEMPTS = 5
_CHUNK = 1 << 16


def download(url: str, path: Path, *, timeout: float = _TIMEOUT) -> None:
    """Downloads `url` to `path`; shows a progress bar on standard error if that is a terminal.

    A broken connection is resumed where it broke, up to five times. `timeout` is the number of seconds
    to wait for the connection and for each block. Raises OSError with a message for the user if the
    download fails; `path` may then hold a part of the file.
    """
    reason: BaseException | str = "no attempt was made"
    with path.open("wb") as sink:
        for _ in range(_ATTEMPTS):
            before = sink.tell()
            try:
                return _fetch(url, sink, path.name, timeout)
            except urllib.error.HTTPError as error:
                raise ConnectionError(f"the server answers {error.code} {error.reason}") from error
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                # An attempt that brought no data is not repeated, so that being offline is reported at once.
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

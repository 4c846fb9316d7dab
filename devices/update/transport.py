"""Where a repository is read from: a web server, a folder, or a bundle. Nothing of it is trusted here.

An origin gives the bytes of a file by its name in the repository, from any byte on, so that a
download that was cut off goes on where it ended.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Dict, Iterator, Tuple
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface

from devices.releases.bundle import Bundle
from runtime.common.errors import InputError

# A server that sends nothing for so long is gone.
TIMEOUT_SECONDS = 30.0

# One that sends less than this for a minute only holds the connection, and with it the update, open.
LEAST_BYTES_A_SECOND = 64
PATIENCE_SECONDS = 60.0

_PIECE = 1 << 16


class Origin:
    """`where` is for messages."""

    where: str = ""

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        """The byte that the content begins at, which is `start` or 0, and the content in pieces.

        Raises TUF's DownloadError, also while it is read; DownloadHTTPError with 404 for a missing file.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of what is open."""


class Fetcher(FetcherInterface):
    """An origin as TUF's client wants it: its addresses are the names of files."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._origin.open(url)[1]


class Web(Origin):
    """Files below an address. Raises InputError for what is no http address."""

    def __init__(self, address: str, timeout: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"--repository {address}: is no address like https://models.example.com/fleet")
        self._base = address.split("?")[0].rstrip("/")
        self.where = self._base.replace(parts.netloc, parts.netloc.rpartition("@")[2])
        self._headers: Dict[str, str] = {"User-Agent": "edge-detection-kit", "Accept-Encoding": "identity"}
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers.update(urllib3.make_headers(basic_auth=user))
            self._base = self.where
        limits = urllib3.Timeout(connect=timeout, read=timeout)
        retries = urllib3.Retry(connect=2, read=0, redirect=3, status=0, backoff_factor=0.5)
        proxy = "" if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme, "")
        self._pool: urllib3.PoolManager = (
            urllib3.ProxyManager(proxy, timeout=limits, retries=retries)
            if proxy
            else urllib3.PoolManager(timeout=limits, retries=retries)
        )

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        headers = {**self._headers, "Range": f"bytes={start}-"} if start else self._headers
        try:
            answer = self._pool.request("GET", f"{self._base}/{quote(name)}", headers=headers, preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"{self.where}: cannot be reached: {_reason(error)}") from error
        if start and answer.status == 416:
            answer.release_conn()
            return self.open(name)
        if answer.status not in (200, 206):
            answer.release_conn()
            raise DownloadHTTPError(f"{self.where}/{name}: the server says {answer.status}", answer.status)
        begins = start if answer.status == 206 and _begins_at(answer, start) else 0
        if answer.status == 206 and begins != start:
            answer.release_conn()
            raise DownloadError(f"{self.where}/{name}: the server sends another part than was asked for")
        return begins, self._pieces(answer, name)

    def close(self) -> None:
        self._pool.clear()

    def _pieces(self, answer: urllib3.BaseHTTPResponse, name: str) -> Iterator[bytes]:
        begin, count = time.monotonic(), 0
        try:
            while True:
                # What has come, without waiting for more; urllib3 2.0 has no read1 yet.
                piece = answer.read1(_PIECE) if hasattr(answer, "read1") else answer.read(_PIECE)
                if not piece:
                    return
                count += len(piece)
                taken = time.monotonic() - begin
                if taken > PATIENCE_SECONDS and count < LEAST_BYTES_A_SECOND * taken:
                    raise SlowRetrievalError(f"{self.where}/{name}: {count} bytes in {taken:.0f} s; given up")
                yield piece
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"{self.where}/{name}: cut off after {count} bytes: {_reason(error)}") from error
        finally:
            answer.close()


class Folder(Origin):
    """Files in a folder: a mounted share or stick."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder.resolve()

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder):
            raise DownloadError(f"{self.where}: {name!r} would lead out of it")
        if not path.is_file():
            raise DownloadHTTPError(f"{path}: no such file", 404)
        return start, self._pieces(path, start)

    def _pieces(self, path: Path, start: int) -> Iterator[bytes]:
        try:
            with open(path, "rb") as file:
                file.seek(start)
                yield from iter(lambda: file.read(_PIECE), b"")
        except OSError as error:
            raise DownloadError(f"{path}: cannot be read: {error.strerror or error}") from error


class Archive(Origin):
    """The files of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self.where = str(bundle.path)
        self._bundle = bundle

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        if not self._bundle.has(name):
            raise DownloadHTTPError(f"{self.where}: has no {name} in it", 404)
        return start, self._bundle.open(name, start)

    def close(self) -> None:
        self._bundle.close()


def origin_of(repository: str) -> Origin:
    """That of an address or of a folder. Raises InputError for what is neither."""
    if "://" in repository and not repository.startswith("file://"):
        return Web(repository)
    folder = Path(unquote(urlsplit(repository).path) if repository.startswith("file://") else repository)
    if not (folder / "metadata").is_dir():
        raise InputError(f"--repository {repository}: is no address, and no folder with a repository in it")
    return Folder(folder)


def _begins_at(answer: urllib3.BaseHTTPResponse, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    text = str(reason)
    # urllib3 puts its own object in front.
    return text.rpartition(">: ")[2] or type(reason).__name__

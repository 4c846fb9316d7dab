"""Transports: where a repository is read from, a web server, a folder or a bundle. Nothing here is trusted.

A transport gives the bytes of a file by its name in the repository, from any byte on, so that an interrupted download
continues where it ended.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Dict, Iterator, Tuple
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

from devices.releases.bundle import Bundle
from runtime.common import redaction
from runtime.common.errors import InputError

# A server that sends nothing for so long is given up.
TIMEOUT_SECONDS = 30.0

# A server that is slower than this for PATIENCE_SECONDS would keep the update waiting for ever.
LEAST_BYTES_A_SECOND = 64
PATIENCE_SECONDS = 60.0

_CHUNK = 1 << 16

_OBJECT = re.compile(r"^(?:.*>|HTTPS?Connection\(.*?\)): ")


class Transport:
    """A way to read the files of a repository. `where` names the repository in messages."""

    where: str = ""

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        """Opens the file `name`: gives the byte at which the content begins, which is `start` or 0, and the content in chunks.

        Raises TUF's DownloadError, also while the chunks are read; DownloadHTTPError with 404 for a missing file.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Closes connections and files."""


class Fetcher(FetcherInterface):
    """A transport behind the interface of TUF's client; its addresses are the names of files."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._transport.open(url)[1]


class HttpTransport(Transport):
    """A web server: files below an http or https address. Raises InputError for any other address."""

    def __init__(self, address: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.where, self._base = redaction.address(address).rstrip("/"), redaction.base(address).rstrip("/")
        try:
            parts, shown = urlsplit(address), urlsplit(self.where)
        except ValueError:
            parts = shown = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"--repository {self.where}: is no address like https://models.example.com/fleet")
        if parts.hostname != shown.hostname:
            raise InputError(f"--repository {self.where}: in a user or password write # as %23, ? as %3F, / as %2F, @ as %40")
        self._headers: Dict[str, str] = {"User-Agent": "edge-detection-kit", "Accept-Encoding": "identity"}
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers.update(urllib3.make_headers(basic_auth=user))
        limits = urllib3.Timeout(connect=timeout, read=timeout)
        retries = urllib3.Retry(connect=2, read=0, redirect=3, status=0, backoff_factor=0.5)
        proxy = "" if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme, "")
        self._pool: urllib3.PoolManager = (
            urllib3.ProxyManager(proxy, timeout=limits, retries=retries)
            if proxy
            else urllib3.PoolManager(timeout=limits, retries=retries)
        )

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        """See `Transport.open`."""
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
            raise DownloadHTTPError(f"{self.where}/{name}: the server answers {answer.status}", answer.status)
        begins = start if answer.status == 206 and _begins_at(answer, start) else 0
        if answer.status == 206 and begins != start:
            answer.release_conn()
            raise DownloadError(f"{self.where}/{name}: the server sends another part than the one requested")
        return begins, self._chunks(answer, name)

    def close(self) -> None:
        """Closes what is open."""
        self._pool.clear()

    def _chunks(self, answer: urllib3.BaseHTTPResponse, name: str) -> Iterator[bytes]:
        begin, count = time.monotonic(), 0
        try:
            while True:
                # Data that is there, without waiting for more; urllib3 2.0 has no read1 yet.
                chunk = answer.read1(_CHUNK) if hasattr(answer, "read1") else answer.read(_CHUNK)
                if not chunk:
                    return
                count += len(chunk)
                taken = time.monotonic() - begin
                if taken > PATIENCE_SECONDS and count < LEAST_BYTES_A_SECOND * taken:
                    raise SlowRetrievalError(f"{self.where}/{name}: {count} bytes in {taken:.0f} s; given up")
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"{self.where}/{name}: cut off after {count} bytes: {_reason(error)}") from error
        finally:
            answer.close()


class FolderTransport(Transport):
    """A folder, such as a mounted share or stick."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder.resolve()

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        """See `Transport.open`."""
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder):
            raise DownloadError(f"{self.where}: {name!r} would lead out of it")
        if not path.is_file():
            raise DownloadHTTPError(f"{path}: no such file", 404)
        return start, self._chunks(path, start)

    def _chunks(self, path: Path, start: int) -> Iterator[bytes]:
        try:
            with open(path, "rb") as file:
                file.seek(start)
                yield from iter(lambda: file.read(_CHUNK), b"")
        except OSError as error:
            raise DownloadError(f"{path}: cannot be read: {error.strerror or error}") from error


class BundleTransport(Transport):
    """The files of a bundle, one tar file."""

    def __init__(self, bundle: Bundle) -> None:
        self.where = str(bundle.path)
        self._bundle = bundle

    def open(self, name: str, start: int = 0) -> Tuple[int, Iterator[bytes]]:
        """See `Transport.open`."""
        if not self._bundle.has(name):
            raise DownloadHTTPError(f"{self.where}: has no {name} in it", 404)
        return start, self._bundle.open(name, start)

    def close(self) -> None:
        """Closes what is open."""
        self._bundle.close()


def open_transport(repository: str) -> Transport:
    """The transport for an address or a folder. Raises InputError for anything else."""
    if "://" in repository and not repository.startswith("file://"):
        return HttpTransport(repository)
    folder = Path(unquote(urlsplit(repository).path) if repository.startswith("file://") else repository)
    if not (folder / "metadata").is_dir():
        raise InputError(f"--repository {repository}: is neither an address nor a folder with a repository")
    return FolderTransport(folder)


def _begins_at(answer: urllib3.BaseHTTPResponse, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    text = str(reason)
    # urllib3's messages begin with the repr of an object.
    return _OBJECT.sub("", text) or type(reason).__name__

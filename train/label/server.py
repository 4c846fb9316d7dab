"""The server of the page on which a person corrects boxes: the page's files, the images, and their annotations.

It listens for one person. Without a token only this machine's programs are answered, and only under this machine's own
names, against DNS rebinding; changes are taken from this page alone.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Optional
from urllib.parse import parse_qs, urlsplit

from runtime.common.errors import InputError
from runtime.web.access import Access, is_own_page
from train.label.folder import ConflictError, Correction, Folder

PAGE = Path(__file__).with_name("page")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

# The page loads everything from this server and runs no inline scripts or styles.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

# The boxes of an image, as JSON. With 2,000 of them it has 300 KB.
MOST_BYTES = 1 << 20
# Requests that are answered at once; a browser opens six connections.
MOST_REQUESTS = 32
# Seconds that a connection has to send its request.
OPEN_SECONDS = 10.0
# Seconds before the answer to a wrong token, against guessing.
WRONG_TOKEN_SECONDS = 1.0

_JSON = "application/json"


class Server:
    """Serves `folder` on `listener`, a listening socket, from `start` to `stop`."""

    def __init__(self, folder: Folder, access: Access, listener: socket.socket) -> None:
        files = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in TYPES}
        handler = type("Handler", (_Handler,), {"folder": folder, "access": access, "files": files})
        self._server = _Server(listener, handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="label page", daemon=True)

    def start(self) -> None:
        """Serves in a thread of its own."""
        self._thread.start()

    def wait(self) -> None:
        """Waits until the server ends; KeyboardInterrupt ends the wait."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Ends the server; what was taken is written already."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(listener.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._places = threading.BoundedSemaphore(MOST_REQUESTS)

    def process_request(self, request: Any, client_address: Any) -> None:
        # What waits here stays in the listener's backlog.
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Browsers close connections early.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    folder: Folder
    access: Access
    files: dict[str, Path]
    timeout = OPEN_SECONDS
    server_version = "label"
    sys_version = ""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if self.access.needs_token and address.path == "/" and "token" in query:
            self._log_in(query["token"][-1])
        elif self._is_admitted():
            self._get(address.path, query.get("image", [""])[-1])

    def do_PUT(self) -> None:
        address = urlsplit(self.path)
        name = parse_qs(address.query).get("image", [""])[-1]
        if not self._is_admitted():
            return
        # A form of another site can send no JSON, and names its site.
        if not is_own_page(self._all("Origin"), self._all("Host")):
            self._fail(HTTPStatus.FORBIDDEN, "another site's page may not change annotations")
        elif self.headers.get_content_type() != _JSON:
            self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_JSON}")
        elif address.path != "/annotation":
            self._fail(HTTPStatus.NOT_FOUND, "there is no such page")
        else:
            body = self._body()
            if body is not None:
                self._answer(lambda: self.folder.save(name, Correction.parse(_json(body))))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line for each image would hide what matters."""

    def _get(self, path: str, name: str) -> None:
        if path == "/images":
            self._answer(self.folder.listed)
        elif path == "/annotation":
            self._answer(lambda: self.folder.open(name))
        elif path == "/image":
            self._answer(lambda: self.folder.image(name))
        else:
            file = self.files.get("/index.html" if path == "/" else path)
            if file is None:
                self._fail(HTTPStatus.NOT_FOUND, "there is no such page")
            else:
                self._send(HTTPStatus.OK, file.read_bytes(), TYPES[file.suffix])

    def _answer(self, work: Any) -> None:
        """Sends what `work` returns, JSON or an image, or what went wrong."""
        try:
            found = work()
        except KeyError:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such image in the folder")
        except ConflictError as error:
            self._fail(HTTPStatus.CONFLICT, str(error))
        except InputError as error:
            self._fail(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except OSError as error:
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, f"cannot be written or read: {error.strerror}")
        else:
            if isinstance(found, tuple):
                self._send(HTTPStatus.OK, found[0], f"image/{found[1]}")
            else:
                self._send(HTTPStatus.OK, json.dumps(found).encode(), _JSON)

    def _is_admitted(self) -> bool:
        if self.access.admits(self._all("Host"), self._all("Cookie"), self._all("Authorization")):
            return True
        if self.access.needs_token:
            self._fail(HTTPStatus.UNAUTHORIZED, "a token is needed: open the address that the command has printed")
        else:
            self._fail(HTTPStatus.FORBIDDEN, "this page is for this machine; open it as http://localhost")
        return False

    def _log_in(self, token: str) -> None:
        if not self.access.is_valid(token):
            time.sleep(WRONG_TOKEN_SECONDS)
            self._fail(HTTPStatus.FORBIDDEN, "this is not the token; open the address that the command has printed")
            return
        # Redirects to the address without the token, so that the token does not stay in the browser's history.
        self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": "./", "Set-Cookie": self.access.cookie()})

    def _all(self, name: str) -> list[str]:
        return self.headers.get_all(name, [])

    def _body(self) -> Optional[bytes]:
        """The request's body; None, and an answer, where it has no length or is too long."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._fail(HTTPStatus.LENGTH_REQUIRED, "send Content-Length")
        elif len(length) > 9 or int(length) > MOST_BYTES:
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_BYTES} bytes")
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
            self._fail(HTTPStatus.BAD_REQUEST, "the body is cut off")
        return None

    def _fail(self, status: HTTPStatus, message: str) -> None:
        self._send(status, json.dumps({"error": message}).encode(), _JSON)

    def _send(self, status: HTTPStatus, body: bytes, kind: str, more: Optional[dict[str, str]] = None) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("the body is not JSON") from None

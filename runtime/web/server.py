"""The web server: serves the page, its files, snapshots, events and the live connection in its own thread."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Set, Tuple
from urllib.parse import parse_qs, urlsplit

from runtime.common.errors import InputError
from runtime.common.values import Detection, Frame
from runtime.telemetry.state import State
from runtime.web import events, messages
from runtime.web.access import Access, is_own_page
from runtime.web.download import Downloads
from runtime.web.gate import Gate
from runtime.web.viewers import Viewer, Viewers

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

MOST_VIEWERS = 32
# Seconds that a connection has until its request is read and answered.
OPEN_SECONDS = 10.0
# Most connections that are accepted at once, before those beyond the gate's limits are closed.
BACKLOG = 64
STATE_SECONDS = 1.0
# Most bytes of a viewer's message; a zone of many corners has some thousand.
MOST_MESSAGE = 4096
# Seconds before the answer to a wrong token, against guessing.
WRONG_TOKEN_SECONDS = 1.0
STOP_SECONDS = 1.0

FrameDetections = Tuple[Frame, Sequence[Detection]]


class Server:
    """Serves from `start` to `stop`. `offer` takes every frame and encodes it only if a viewer waits for one."""

    def __init__(self, state: State, access: Access, fps: float, widest: int) -> None:
        """Images are sent at most `fps` times a second, at most `widest` pixels wide."""
        self._state = state
        self._access = access
        self._pause = 1.0 / fps
        self._widest = widest
        self._newest: Optional[FrameDetections] = None
        self._next_at = 0.0
        self._viewers = Viewers(self._set_score, state.ask_for_image, self._set_area)
        # Changes that are under way: the event loop itself holds no reference to them.
        self._changes: Set[Any] = set()
        self._gate = Gate()
        self._downloads = Downloads()
        self._files = {f"/{path.name}": path for path in PAGE.iterdir() if path.suffix in TYPES}
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stop: Optional[asyncio.Event] = None
        self._thread: Optional[threading.Thread] = None

    def start(self, listener: socket.socket) -> None:
        """Starts to serve on `listener`, a listening socket."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name="web page", daemon=True
        )
        self._thread.start()
        ready.wait()

    def offer(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Sends a frame to the viewers that wait for one. Does nothing if there are none."""
        self._newest = (frame, detections)
        now = time.monotonic()
        if not self._viewers.waiting or now < self._next_at or self._loop is None:
            return
        self._next_at = now + self._pause
        image = messages.image(frame, detections, self._widest)
        self._loop.call_soon_threadsafe(self._viewers.show, image)

    def stop(self) -> None:
        """Closes the connections to the viewers. Takes about STOP_SECONDS at most."""
        self._downloads.stop()
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(2 * STOP_SECONDS)
        self._loop = None

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        from websockets.asyncio.server import ServerConnection, serve

        gate = self._gate

        class Connection(ServerConnection):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                gate.enter(self, transport.abort)

            def connection_lost(self, exc: Optional[Exception]) -> None:
                gate.leave(self)
                super().connection_lost(exc)

        # The library logs every connection that a browser closes early.
        logger = logging.getLogger("runtime.web")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        self._stop = asyncio.Event()
        async with serve(
            self._watch,
            sock=listener,
            process_request=self._answer,
            # JPEG data does not compress further, and zlib takes memory for each viewer.
            compression=None,
            max_size=MOST_MESSAGE,
            open_timeout=OPEN_SECONDS,
            create_connection=Connection,
            backlog=BACKLOG,
            close_timeout=STOP_SECONDS,
            logger=logger,
            server_header=None,
        ):
            self._loop = asyncio.get_running_loop()
            ready.set()
            updates = asyncio.ensure_future(self._send_states())
            await self._stop.wait()
            updates.cancel()

    async def _send_states(self) -> None:
        while True:
            await asyncio.sleep(STATE_SECONDS)
            if len(self._viewers):
                self._viewers.send_state(messages.state(self._state))

    async def _watch(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        self._gate.admit(connection)
        image: Optional[bytes] = None
        if self._newest is not None:
            frame, detections = self._newest
            loop = asyncio.get_running_loop()
            image = await loop.run_in_executor(None, messages.image, frame, detections, self._widest)
        try:
            await self._viewers.serve(connection, image, messages.state(self._state))
        except ConnectionClosed:
            return

    def _set_score(self, score: float) -> None:
        self._state.score = score
        self._viewers.send_state(messages.state(self._state))

    def _set_area(self, viewer: Viewer, kind: str, area: Mapping[str, Any]) -> None:
        change = asyncio.ensure_future(self._change_area(viewer, kind, area))
        self._changes.add(change)
        change.add_done_callback(self._changes.discard)

    async def _change_area(self, viewer: Viewer, kind: str, area: Mapping[str, Any]) -> None:
        areas, name, corners = self._state.areas, area.get("name"), area.get("corners")
        if areas is None or not isinstance(name, str) or not (corners is None or isinstance(corners, list)):
            viewer.tell(messages.note("no such zone or line"))
            return
        try:
            # In a thread, since it writes a file.
            error = await asyncio.get_running_loop().run_in_executor(None, areas.change, kind, name, corners)
        except InputError as refused:
            viewer.tell(messages.note(str(refused)))
            return
        viewer.tell(messages.note(f"not saved: {error}" if error else "", not error and bool(areas.snapshot()["saved"])))
        self._viewers.send_state(messages.state(self._state))

    async def _answer(self, connection: Any, request: Any) -> Any:
        """The response to an HTTP request; None to accept a viewer's WebSocket."""
        address = urlsplit(request.path)
        query = parse_qs(address.query)
        headers = request.headers
        host = headers.get_all("Host")
        if self._access.needs_token and address.path == "/" and "token" in query:
            return await self._log_in(query["token"][-1])
        if not self._access.admits(host, headers.get_all("Cookie"), headers.get_all("Authorization")):
            return self._refuse(address.path)
        if address.path == "/live":
            if not is_own_page(headers.get_all("Origin"), host):
                return _text(HTTPStatus.FORBIDDEN, "another site's page may not connect")
            if len(self._viewers) >= MOST_VIEWERS:
                return _text(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers")
            return None
        if address.path == "/snapshot.jpg":
            return await self._snapshot("boxes" in query)
        if address.path == "/state.json":
            return _response(HTTPStatus.OK, json.dumps(self._state.snapshot()).encode(), "application/json")
        if address.path == "/collected.zip":
            return self._download(connection)
        if address.path == "/events.json":
            return await self._events(query)
        if address.path.startswith(events.PREFIX):
            return await self._event_file(address.path, query, headers.get_all("Range"))
        return self._file("/index.html" if address.path == "/" else address.path)

    async def _events(self, query: Mapping[str, Sequence[str]]) -> Any:
        loop = asyncio.get_running_loop()
        status, found = await loop.run_in_executor(None, events.answer_list, self._state.events_folder, query)
        if isinstance(found, str):
            return _text(status, found)
        return _response(status, json.dumps(found).encode(), "application/json")

    async def _event_file(self, path: str, query: Mapping[str, Sequence[str]], ranges: Sequence[str]) -> Any:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, events.answer, self._state.events_folder, path, query, ranges)
        return _response(found.status, found.body, found.kind, dict(found.headers))

    async def _log_in(self, token: str) -> Any:
        if self._access.is_valid(token):
            # Redirects to the address without the token, so that the token does not stay in the browser's history.
            return _response(
                HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": "./", "Set-Cookie": self._access.cookie()}
            )
        await asyncio.sleep(WRONG_TOKEN_SECONDS)
        refused = self._file("/token.html", HTTPStatus.FORBIDDEN)
        body = refused.body.replace(b'<p id="wrong" hidden>', b'<p id="wrong">')
        return _response(HTTPStatus.FORBIDDEN, body, TYPES[".html"])

    def _refuse(self, path: str) -> Any:
        if not self._access.needs_token:
            return _text(HTTPStatus.FORBIDDEN, "this page is for this machine; open it as http://localhost")
        # The token form needs these files, which are not secret.
        if path in ("/style.css", "/icon.svg"):
            return self._file(path)
        if path == "/":
            return self._file("/token.html", HTTPStatus.UNAUTHORIZED)
        return _text(HTTPStatus.UNAUTHORIZED, "a token is needed: send Authorization: Bearer TOKEN")

    async def _snapshot(self, boxes: bool) -> Any:
        if self._newest is None:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, "there is no image yet")
        frame, detections = self._newest
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(None, messages.snapshot, frame, detections if boxes else None)
        name = time.strftime("snapshot_%Y%m%d_%H%M%S.jpg")
        return _response(HTTPStatus.OK, data, "image/jpeg", {"Content-Disposition": f'attachment; filename="{name}"'})

    def _download(self, connection: Any) -> Any:
        folder = self._state.collect_folder
        if folder is None:
            return _text(HTTPStatus.NOT_FOUND, "nothing is collected; start the run with --collect DIR")
        if self._downloads.busy:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, "another download is under way; try again when it has ended")
        # The library sends a body only from memory. So the download goes on in a copy of the socket, and the library's own
        # is closed, which leaves the connection open.
        name = time.strftime("collected_%Y%m%d_%H%M%S.zip")
        about = {**HEADERS, "Content-Type": "application/zip", "Content-Disposition": f'attachment; filename="{name}"'}
        self._downloads.start(connection.transport.get_extra_info("socket").dup(), folder, about)
        connection.transport.abort()
        return _text(HTTPStatus.OK, "")

    def _file(self, name: str, status: HTTPStatus = HTTPStatus.OK) -> Any:
        path = self._files.get(name)
        if path is None:
            return _text(HTTPStatus.NOT_FOUND, "there is no such page")
        return _response(status, path.read_bytes(), TYPES[path.suffix])


def _text(status: HTTPStatus, text: str) -> Any:
    return _response(status, f"{text}\n".encode(), "text/plain; charset=utf-8")


def _response(status: HTTPStatus, body: bytes, kind: str, more: Optional[Mapping[str, str]] = None) -> Any:
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    headers: Dict[str, str] = {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
    return Response(status.value, status.phrase, Headers(headers), body)

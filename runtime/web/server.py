"""The web server: serves the page, its files, snapshots, events and the live connection in its own thread.

Where several cameras run, each has its page below `/camera/NAME/`, and `/` shows all of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from functools import partial
from http import HTTPStatus
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

from runtime.telemetry.state import State
from runtime.web import responses
from runtime.web.access import Access, is_own_page
from runtime.web.download import CHUNK, Downloads, bytes_body, file_body
from runtime.web.gate import Gate
from runtime.web.view import View

# What the addresses of a camera begin with, where there are several.
PREFIX = "/camera/"

MOST_VIEWERS = 32
# Seconds that a connection has until its request is read and an answer of at most CHUNK bytes is sent.
OPEN_SECONDS = 10.0
# Most larger answers that are sent at a time, for as long as each takes.
MOST_DOWNLOADS = 32
# Most connections that are accepted at once, before those beyond the gate's limits are closed.
BACKLOG = 64
STATE_SECONDS = 1.0
# Most bytes of a viewer's message; a zone of many corners has some thousand.
MOST_MESSAGE = 4096
# Seconds before the answer to a wrong token, against guessing.
WRONG_TOKEN_SECONDS = 1.0
STOP_SECONDS = 1.0

_TOO_MANY = "too many downloads are under way; try again later"


class Server:
    """Serves from `start` to `stop`."""

    def __init__(self, states: Mapping[str, State], access: Access, fps: float, widest: int) -> None:
        """`states` are those of the cameras by name; that of a single camera may have an empty one.

        Images are sent at most `fps` times a second, at most `widest` pixels wide.
        """
        self._access = access
        self._has_several = list(states) != [""]
        self.views: Dict[str, View] = {
            name: View(state, fps, widest, partial(self._cameras, name)) for name, state in states.items()
        }
        self._gate = Gate()
        self._downloads = Downloads(MOST_DOWNLOADS)
        self._stop: Optional[asyncio.Event] = None
        self._thread: Optional[threading.Thread] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    def start(self, listener: socket.socket) -> None:
        """Starts to serve on `listener`, a listening socket."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name="web page", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Closes the connections to the viewers. Takes about STOP_SECONDS at most."""
        for view in self.views.values():
            view.stop()
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
            for view in self.views.values():
                view.loop = self._loop
            ready.set()
            updates = asyncio.ensure_future(self._send_states())
            await self._stop.wait()
            updates.cancel()

    async def _send_states(self) -> None:
        while True:
            await asyncio.sleep(STATE_SECONDS)
            for view in self.views.values():
                view.send_state()

    async def _watch(self, connection: Any) -> None:
        self._gate.admit(connection)
        view, _ = self._find(urlsplit(connection.request.path).path)
        if view is not None:
            await view.watch(connection)

    def _find(self, path: str) -> Tuple[Optional[View], str]:
        """The camera that an address is of, and the rest of the address; None for what is of none."""
        if not self._has_several:
            return self.views[""], path
        name, slash, rest = path[len(PREFIX) :].partition("/") if path.startswith(PREFIX) else ("", "", "")
        return (self.views.get(name) if slash else None), f"/{rest}"

    def _cameras(self, name: str) -> Dict[str, Any]:
        """What the viewers of a camera get of all cameras; nothing where there is only one."""
        if not self._has_several:
            return {}
        return {"camera": name, "cameras": {other: view.source for other, view in self.views.items()}}

    async def _answer(self, connection: Any, request: Any) -> Any:
        """The response to an HTTP request; None to accept a viewer's WebSocket. Large ones are sent by `Downloads`."""
        found = await self._respond(connection, request)
        if isinstance(found, responses.FileResponse):
            started = self._downloads.start(connection, found.status, found.headers, file_body(found.file, found.size))
            if not started:
                found.file.close()
        elif found is None or len(found.body) <= CHUNK:
            return found
        else:
            headers = dict(found.headers.raw_items())
            started = self._downloads.start(connection, HTTPStatus(found.status_code), headers, bytes_body(found.body))
        return responses.taken() if started else responses.text(HTTPStatus.SERVICE_UNAVAILABLE, _TOO_MANY)

    async def _respond(self, connection: Any, request: Any) -> Any:
        address = urlsplit(request.path)
        query = parse_qs(address.query)
        headers = request.headers
        host = headers.get_all("Host")
        view, path = self._find(address.path)
        is_page = address.path == "/" or (view is not None and path == "/")
        if self._access.needs_token and is_page and "token" in query:
            return await self._log_in(query["token"][-1])
        if not self._access.admits(host, headers.get_all("Cookie"), headers.get_all("Authorization")):
            return self._refuse(path if view is not None else address.path, is_page)
        if view is None:
            return self._of_all(address.path)
        if path == "/live":
            if not is_own_page(headers.get_all("Origin"), host):
                return responses.text(HTTPStatus.FORBIDDEN, "another site's page may not connect")
            if sum(map(len, self.views.values())) >= MOST_VIEWERS:
                return responses.text(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers")
            return None
        return await view.answer(connection, path, query, headers.get_all("Range"))

    def _of_all(self, path: str) -> Any:
        """The response to a request that concerns no single camera."""
        if path == "/state.json":
            found = {"cameras": {name: view.snapshot() for name, view in self.views.items()}}
            return responses.response(HTTPStatus.OK, json.dumps(found).encode(), "application/json")
        name = path[len(PREFIX) :]
        if path.startswith(PREFIX) and name in self.views:
            return responses.response(HTTPStatus.MOVED_PERMANENTLY, b"", "text/plain", {"Location": f"{path}/"})
        if path.startswith(PREFIX):
            return responses.text(HTTPStatus.NOT_FOUND, f"there is no such camera, but {', '.join(self.views)}")
        return responses.file("/overview.html" if path == "/" else path)

    async def _log_in(self, token: str) -> Any:
        if self._access.is_valid(token):
            # Redirects to the address without the token, so that the token does not stay in the browser's history.
            return responses.response(
                HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": "./", "Set-Cookie": self._access.cookie()}
            )
        await asyncio.sleep(WRONG_TOKEN_SECONDS)
        refused = responses.file("/token.html", HTTPStatus.FORBIDDEN)
        body = refused.body.replace(b'<p id="wrong" hidden>', b'<p id="wrong">')
        return responses.response(HTTPStatus.FORBIDDEN, body, responses.TYPES[".html"])

    def _refuse(self, path: str, is_page: bool) -> Any:
        if not self._access.needs_token:
            return responses.text(HTTPStatus.FORBIDDEN, "this page is for this machine; open it as http://localhost")
        # The token form needs these files, which are not secret.
        if path in ("/style.css", "/icon.svg"):
            return responses.file(path)
        if is_page:
            return responses.file("/token.html", HTTPStatus.UNAUTHORIZED)
        return responses.text(HTTPStatus.UNAUTHORIZED, "a token is needed: send Authorization: Bearer TOKEN")

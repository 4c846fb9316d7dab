"""A page that shows the run in a browser: the image with its boxes, speed, counts, a threshold to set."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sys
from typing import TYPE_CHECKING, Any, List, Optional, Sequence

from runtime.common import settings
from runtime.common.errors import InputError
from runtime.common.options import positive
from runtime.common.values import Detection, Frame
from runtime.sinks import Sink
from runtime.sinks._address import Address
from runtime.sources import Source
from runtime.telemetry.state import State
from runtime.web.access import LEAST_TOKEN, Access

if TYPE_CHECKING:
    from runtime.web.server import Server

KIND = "a page for browsers (serve:[HOST:]PORT)"

PREFIX = "serve:"
OPTION = "--serve"
TOKEN = "EDGE_DETECTOR_TOKEN"

# Smooth enough to watch, and little enough for a small board to spare.
FPS = 10
WIDEST = 960

_READERS = {"fps": positive, "width": positive}


def options(parser: Any) -> None:
    parser.add_argument(
        OPTION,
        metavar="[HOST:]PORT",
        help="show the run in a browser; without HOST to this machine only, else to whoever has the token in "
        f"{TOKEN} (made up and printed where that is not set); PORT,fps={FPS},width={WIDEST} limits the image",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    return [f"{PREFIX}{arguments.serve}"] if arguments.serve else []


def accepts(spec: str) -> bool:
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    text, found = settings.parse(spec[len(PREFIX) :], _READERS, OPTION)
    address = Address.parse(text, OPTION)
    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise InputError(
            f"{TOKEN}: a token has {LEAST_TOKEN} characters or more, letters, digits and the like; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    try:
        import websockets.asyncio.server  # noqa: F401
    except ImportError as error:
        raise InputError(f"{OPTION} needs the package websockets ({error}): pip install 'websockets>=15'") from error
    return WebPage(address, token, found.get("fps", FPS), found.get("width", WIDEST))


class WebPage(Sink):
    """Viewers get what is newest, each at a pace of its own; nobody looking, nothing is encoded."""

    lossless = False

    def __init__(self, address: Address, token: Optional[str], fps: int, widest: int) -> None:
        self._address = address
        self._made_up = token is None and not address.is_loopback
        self._token = secrets.token_urlsafe(24) if self._made_up else token
        self._fps = fps
        self._widest = widest
        self._server: Optional[Server] = None

    def attach(self, state: State) -> None:
        listener = self._address.listen(OPTION)
        # Its libraries cost a run without a page a tenth of a second and some megabytes.
        from runtime.web.server import Server

        self._server = Server(state, Access(self._token, self._address.port), self._fps, self._widest)
        self._server.start(listener)
        print(f"page: {self._link()}", file=sys.stderr)

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        if self._server is not None:
            self._server.offer(frame, detections)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def discard(self) -> None:
        self.close()

    def _link(self) -> str:
        """Where the page is; the token stands in it only where nobody else could know it."""
        everywhere = self._address.host in ("0.0.0.0", "::")
        place = Address(socket.gethostname() if everywhere else self._address.host, self._address.port)
        query = f"?token={self._token}" if self._made_up else ""
        return f"http://{place}/{query}"

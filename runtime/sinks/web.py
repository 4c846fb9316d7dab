"""A web page that shows the run: the image with boxes, speed, counts, and a slider for the threshold."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sys
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence

from runtime.common import settings
from runtime.common.errors import InputError
from runtime.common.options import positive
from runtime.common.values import Detection, Frame
from runtime.sinks import SharedSink, Sink
from runtime.sources import Source
from runtime.telemetry.state import State
from runtime.web.access import LEAST_TOKEN, Access
from runtime.web.address import Address

if TYPE_CHECKING:
    from runtime.web.server import Server

KIND = "a page for browsers (serve:[HOST:]PORT)"

PREFIX = "serve:"
OPTION = "--serve"
TOKEN = "EDGE_DETECTOR_TOKEN"

# Defaults: smooth enough to watch, and little work for a small board.
FPS = 10
WIDEST = 960

_READERS = {"fps": positive, "width": positive}


def options(parser: Any) -> None:
    """Adds `--serve`."""
    parser.add_argument(
        OPTION,
        metavar="[HOST:]PORT",
        help="show the run on a web page; without HOST to this machine only, else to clients with the token in "
        f"{TOKEN} (generated and printed if not set); settings follow after commas (fps={FPS}, width={WIDEST})",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--serve` asks for, if it was given."""
    return [f"{PREFIX}{arguments.serve}"] if arguments.serve else []


def accepts(spec: str) -> bool:
    """Whether `spec` names a web page."""
    return spec.startswith(PREFIX)


def connect(spec: str, source: Source) -> Sink:
    """Makes the web page. Raises InputError for a wrong address, settings or token, or if websockets is missing."""
    return WebPage(connect_shared(spec))


def connect_shared(spec: str) -> WebPages:
    """The same for several cameras."""
    text, found = settings.parse(spec[len(PREFIX) :], _READERS, OPTION)
    address = Address.parse(text, OPTION)
    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise InputError(
            f"{TOKEN}: a token has {LEAST_TOKEN} or more printable ASCII characters; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    try:
        import websockets.asyncio.server  # noqa: F401
    except ImportError as error:
        raise InputError(f"{OPTION} needs the package websockets ({error}): pip install 'websockets>=15'") from error
    return WebPages(address, token, found.get("fps", FPS), found.get("width", WIDEST))


class WebPages(SharedSink):
    """The server, with a page for each camera, and one of all where there are several."""

    def __init__(self, address: Address, token: Optional[str], fps: int, widest: int) -> None:
        self._address = address
        self._is_generated = token is None and not address.is_loopback
        self._token = secrets.token_urlsafe(24) if self._is_generated else token
        self._fps = fps
        self._widest = widest
        self._server: Optional[Server] = None

    def start(self, states: Mapping[str, State]) -> None:
        """Starts the server and prints its address. Raises InputError if it cannot listen."""
        listener = self._address.listen(OPTION)
        # Imported here: it costs 0.1 s and some megabytes, which a run without a page need not spend.
        from runtime.web.server import Server

        self._server = Server(states, Access(self._token, self._address.port), self._fps, self._widest)
        self._server.start(listener)
        print(f"page: {self._link()}", file=sys.stderr)

    def sink(self, camera: str) -> Sink:
        """Shows the frames of one camera."""
        return _CameraPage(self, camera)

    def offer(self, camera: str, frame: Frame, detections: Sequence[Detection]) -> None:
        """Offers a frame of a camera to its viewers."""
        if self._server is not None:
            self._server.views[camera].offer(frame, detections)

    def close(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _link(self) -> str:
        """The address of the page. Includes the token only if it was generated for this run."""
        everywhere = self._address.host in ("0.0.0.0", "::")
        shown = Address(socket.gethostname() if everywhere else self._address.host, self._address.port)
        query = f"?token={self._token}" if self._is_generated else ""
        return f"http://{shown}/{query}"


class _CameraPage(Sink):
    """Sends the newest frame to each viewer at the viewer's own rate. Without viewers, nothing is encoded."""

    name = "web"
    lossless = False

    def __init__(self, pages: WebPages, camera: str) -> None:
        self._pages = pages
        self._shown = camera

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Offers the frame to the viewers."""
        self._pages.offer(self._shown, frame, detections)


class WebPage(_CameraPage):
    """The page of a single camera, with the server."""

    def __init__(self, pages: WebPages) -> None:
        super().__init__(pages, "")

    def attach(self, state: State) -> None:
        """See `WebPages.start`."""
        self._pages.start({"": state})

    def close(self) -> None:
        """See `WebPages.close`."""
        self._pages.close()

    def discard(self) -> None:
        """Same as `close`."""
        self.close()

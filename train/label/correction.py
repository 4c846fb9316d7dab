"""Serves the page on which a person corrects the boxes of a folder."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from runtime.web.access import LEAST_TOKEN, Access
from runtime.web.address import Address
from train.label.folder import Folder, read_classes
from train.label.server import Server

PORT = "8008"
# As sure as not: a box below is rather to be taken than to be removed.
SCORE = 0.5
# As the page of the runtime has it.
TOKEN = "EDGE_DETECTOR_TOKEN"

_OPTION = "--serve"


def serve(path: str, address: str, classes: Optional[str], score: Optional[float]) -> int:
    """Serves the folder at `path` on `address`, `[HOST:]PORT`, until the user interrupts; returns the exit code.

    `classes` is a file with a class a line; boxes below `score` are suggestions. Raises InputError.
    """
    place = Address.parse(address, _OPTION)
    folder = Folder(Path(path), read_classes(Path(path), classes), SCORE if score is None else score)
    token = os.environ.get(TOKEN) or None
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise InputError(f"{TOKEN}: a token has {LEAST_TOKEN} or more printable ASCII characters")
    generated = secrets.token_urlsafe(24) if token is None and not place.is_loopback else None
    server = Server(folder, Access(token or generated, place.port), place.listen(_OPTION))
    server.start()
    everywhere = place.host in ("0.0.0.0", "::")
    shown = Address(socket.gethostname() if everywhere else place.host, place.port)
    print(f"page: http://{shown}/{f'?token={generated}' if generated else ''}", file=sys.stderr)
    print("each change is written at once; end with Ctrl+C", file=sys.stderr)
    try:
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
    return 0

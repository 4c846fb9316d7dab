"""A network camera for tests: an MJPEG stream over HTTP, on loopback."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Optional, Sequence

import numpy as np

from runtime.common.opencv import cv2

BOUNDARY = "frame"


def jpegs(values: Sequence[int], height: int = 96, width: int = 128) -> list:
    """A JPEG of one color for each gray value."""
    return [encode(np.full((height, width, 3), value, np.uint8)) for value in values]


def encode(image: np.ndarray) -> bytes:
    """The image, uint8 [height, width, 3] in BGR, as JPEG."""
    return cv2.imencode(".jpg", image)[1].tobytes()


class MjpegServer:
    """Sends `images` in a loop at `fps` to all clients; use it in a `with` statement.

    While `stalled` is set, connections stay open and nothing is sent. `stop` closes them; `start` opens the same
    port again. With a `password`, clients must log in as the user "camera".
    """

    def __init__(self, images: Sequence[bytes], fps: float = 50.0, password: Optional[str] = None) -> None:
        self.images = list(images)
        self.fps = fps
        self.password = password
        self.stalled = threading.Event()
        self.port = 0
        self.served = 0
        self.connections = 0
        self._server: Optional[ThreadingHTTPServer] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video.mjpg"

    def start(self) -> None:
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._stopped.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> MjpegServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handler(self) -> Callable:
        camera, stopped = self, self._stopped

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if camera.password is not None:
                    wanted = "Basic " + base64.b64encode(f"camera:{camera.password}".encode()).decode()
                    if self.headers.get("Authorization") != wanted:
                        self.send_response(401)
                        self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                        self.end_headers()
                        return
                camera.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self._send()

            def _send(self) -> None:
                place = 0
                while not stopped.wait(1 / camera.fps):
                    if camera.stalled.is_set():
                        continue
                    image = camera.images[place % len(camera.images)]
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
                    self.wfile.write(head.encode() + image + b"\r\n")
                    place += 1
                    camera.served += 1
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    # Connections are ended by `stop`; waiting for their threads would wait for their readers.
    block_on_close = False

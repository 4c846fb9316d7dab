"""The HTTP server of the metrics: a thread for each of a few connections, each of which has a time limit."""

from __future__ import annotations

import socket
import threading
from socketserver import ThreadingMixIn
from typing import Any, Optional
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

# Most connections, each of which takes a descriptor and a thread. Those beyond it are closed at once.
MOST = 8
# Seconds that a connection may say nothing. A scrape takes milliseconds.
SILENT_SECONDS = 5.0


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Serves a WSGI application on a listening socket, from its making until `close`."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, application: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST)
        host, port = listener.getsockname()[:2]
        super().__init__((host, port), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        # What WSGIServer sets when it binds, without its look-up of the host's name.
        self.server_name, self.server_port = host, port
        self.setup_environ()
        self.set_app(application)
        self._thread: Optional[threading.Thread] = threading.Thread(
            target=self.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for another connection."""
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handles a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing: the error is a client that went away or was silent."""

    def close(self) -> None:
        """Stops serving."""
        self.shutdown()
        self.server_close()


class _Handler(WSGIRequestHandler):
    timeout = SILENT_SECONDS

    def log_message(self, format: str, *arguments: Any) -> None:
        """Prints nothing."""

"""A network camera for tests: MPEG-4 video over RTSP (RFC 2326, RFC 6416), on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import socketserver
import struct
import tempfile
import threading
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.opencv import cv2
from runtime.media import fragmented_mp4

REALM, NONCE = "camera", "5ccc069c403ebaf9f0171e9517f40e41"
CLOCK = 90_000
_PAYLOAD = 1400


def encoded(values: Sequence[int], height: int = 96, width: int = 128) -> Tuple[bytes, Tuple[bytes, ...]]:
    """The decoder's configuration, and an encoded frame of one color for each gray value; the first depends on none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))
        for value in values:
            writer.write(np.full((height, width, 3), value, np.uint8))
        writer.release()
        video = fragmented_mp4.read(path)
    # The descriptor of the configuration (ISO/IEC 14496-1) has a length of four bytes of seven bits.
    begin = video.entry.index(b"\x05\x80\x80") + 5
    return video.entry[begin : begin + video.entry[begin - 1]], video.samples


class RtspServer:
    """Sends frames of the gray `values` in a loop at `fps` to all clients; use it in a `with` statement.

    `transports` are those that it agrees to, of "tcp" and "udp". With a `password`, clients log in as the user
    "camera". With a `status` such as "404 Not Found" each request gets this answer. While `stalled` is set, connections
    stay open and no frame is sent; `mute` answers nothing at all. `asked` has each request's first line and
    transport.
    """

    def __init__(
        self, values: Sequence[int] = (10, 100, 200), fps: float = 50.0, transports: Sequence[str] = ("tcp", "udp"),
        password: Optional[str] = None, status: str = "", mute: bool = False,
    ) -> None:  # fmt: skip
        self.config, self.samples = encoded(values)
        self.fps, self.transports, self.password = fps, tuple(transports), password
        self.status, self.mute = status, mute
        self.stalled, self._stopped = threading.Event(), threading.Event()
        self.asked: List[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def __enter__(self) -> RtspServer:
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    _Session(camera, self.connection, self.rfile).serve()

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> bool:
        """Whether the server has stopped, after at most `seconds`."""
        return self._stopped.wait(seconds)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False


class _Session:
    """One client's connection."""

    def __init__(self, camera: RtspServer, connection: socket.socket, lines) -> None:
        self._camera, self._connection, self._lines = camera, connection, lines
        self._channel = threading.Lock()
        self._udp: Optional[Tuple[str, int]] = None
        self._ended = threading.Event()

    def serve(self) -> None:
        try:
            while True:
                first, headers = self._request()
                if self._camera.mute:
                    self._camera.wait(60)
                    return
                self._answer(first, headers)
        finally:
            self._ended.set()

    def _request(self) -> Tuple[str, Dict[str, str]]:
        first = self._lines.readline()
        while first[:1] == b"$":
            # A receiver's report, which is framed and has no line end of its own.
            size = struct.unpack(">H", first[2:4])[0] + 4
            rest = self._lines.read(max(0, size - len(first)))
            first = (first + rest)[size:] or self._lines.readline()
        if not first.strip():
            raise ValueError("the client has gone")
        headers = {}
        while True:
            line = self._lines.readline().decode().strip()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self._camera.asked.append(f"{first.decode().strip()} {headers.get('transport', '')}".strip())
        return first.decode(), headers

    def _answer(self, first: str, headers: Dict[str, str]) -> None:
        method, target, _ = first.split()
        transport = headers.get("transport", "")
        kind = "tcp" if "TCP" in transport else "udp"
        if self._camera.status and method != "OPTIONS":
            self._say(headers, self._camera.status)
        elif method == "OPTIONS":
            self._say(headers, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        elif not self._may(method, target, headers):
            self._say(headers, "401 Unauthorized", f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}"')
        elif method == "DESCRIBE":
            self._say(headers, "200 OK", "Content-Type: application/sdp", f"Content-Base: {target}/", body=self._sdp())
        elif method == "SETUP" and kind not in self._camera.transports:
            self._say(headers, "461 Unsupported Transport")
        elif method == "SETUP":
            ports = re.search(r"client_port=(\d+)", transport)
            self._udp = (self._connection.getpeername()[0], int(ports[1])) if ports and kind == "udp" else None
            own = ";server_port=5000-5001" if self._udp else ""
            self._say(headers, "200 OK", f"Transport: {transport}{own};ssrc=0000002A", "Session: 1")
        elif method == "PLAY":
            self._say(headers, "200 OK", "Session: 1", "Range: npt=0.000-")
            threading.Thread(target=self._send, daemon=True).start()
        else:
            self._say(headers, "200 OK", "Session: 1")

    def _may(self, method: str, target: str, headers: Dict[str, str]) -> bool:
        if self._camera.password is None:
            return True

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        wanted = md5(f"{md5(f'camera:{REALM}:{self._camera.password}')}:{NONCE}:{md5(f'{method}:{target}')}")
        return f'response="{wanted}"' in headers.get("authorization", "")

    def _say(self, headers: Dict[str, str], status: str, *lines: str, body: str = "") -> None:
        head = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *lines, f"Content-Length: {len(body)}", "", body]
        with self._channel:
            self._connection.sendall("\r\n".join(head).encode())

    def _sdp(self) -> str:
        lines = [
            "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0", "m=video 0 RTP/AVP 96", "c=IN IP4 0.0.0.0",
            f"a=rtpmap:96 MP4V-ES/{CLOCK}", f"a=fmtp:96 profile-level-id=1; config={self._camera.config.hex().upper()}",
            f"a=framerate:{self._camera.fps:g}", "a=control:track1", "",
        ]  # fmt: skip
        return "\r\n".join(lines)

    def _send(self) -> None:
        place = number = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, contextlib.suppress(OSError):
            while not self._ended.is_set() and not self._camera.wait(1 / self._camera.fps):
                if self._camera.stalled.is_set():
                    continue
                sample = self._camera.samples[place % len(self._camera.samples)]
                stamp = round(place * CLOCK / self._camera.fps)
                for begin in range(0, len(sample), _PAYLOAD):
                    last = begin + _PAYLOAD >= len(sample)
                    packet = struct.pack(">BBHII", 0x80, last << 7 | 96, number & 0xFFFF, stamp & 0xFFFFFFFF, 42)
                    self._send_packet(datagrams, packet + sample[begin : begin + _PAYLOAD])
                    number += 1
                place += 1
            with self._channel:
                self._connection.shutdown(socket.SHUT_RDWR)

    def _send_packet(self, datagrams: socket.socket, packet: bytes) -> None:
        if self._udp is not None:
            datagrams.sendto(packet, self._udp)
            return
        with self._channel:
            self._connection.sendall(b"$" + struct.pack(">BH", 0, len(packet)) + packet)

"""One camera on the page: its newest image, its state, and who looks at it."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Set, Tuple

from runtime.common.values import Detection, Frame
from runtime.telemetry.state import State
from runtime.web import events, messages, responses
from runtime.web.download import Downloads, zip_body
from runtime.web.viewers import Viewer, Viewers

# Pixels across of a small image, as the overview of several cameras shows them.
SMALL = 480

FrameDetections = Tuple[Frame, Sequence[Detection]]


class View:
    """What the server shows of one camera. `offer` takes every frame and encodes it only if a viewer waits for one."""

    def __init__(
        self, state: State, fps: float, widest: int, cameras: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        """Images are sent at most `fps` times a second, at most `widest` pixels wide. `cameras` is what viewers get of others."""
        self._state = state
        self._pause = 1.0 / fps
        self._widest = widest
        self._cameras = cameras
        self._newest: Optional[FrameDetections] = None
        self._next_at = 0.0
        self._viewers = Viewers(self._set_score, state.ask_for_image, self._set_area)
        # Changes that are under way: the event loop itself holds no reference to them.
        self._changes: Set[Any] = set()
        self._downloads = Downloads()
        # That of the server, while it serves.
        self.loop: Optional[asyncio.AbstractEventLoop] = None

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def source(self) -> str:
        """The state of the source."""
        return self._state.source_state

    def snapshot(self) -> Dict[str, Any]:
        """The state, for JSON."""
        return self._state.snapshot()

    def offer(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Sends a frame to the viewers that wait for one. Does nothing if there are none."""
        self._newest = (frame, detections)
        now = time.monotonic()
        if not self._viewers.waiting or now < self._next_at or self.loop is None:
            return
        self._next_at = now + self._pause
        image = messages.image(frame, detections, self._widest)
        self.loop.call_soon_threadsafe(self._viewers.show, image)

    def send_state(self) -> None:
        """Sends the state to all viewers."""
        if len(self._viewers):
            self._viewers.send_state(self._message())

    def stop(self) -> None:
        """Ends a download that is under way."""
        self._downloads.stop()
        self.loop = None

    async def watch(self, connection: Any) -> None:
        """Serves a viewer until it goes."""
        from websockets.exceptions import ConnectionClosed

        image: Optional[bytes] = None
        if self._newest is not None:
            frame, detections = self._newest
            loop = asyncio.get_running_loop()
            image = await loop.run_in_executor(None, messages.image, frame, detections, self._widest)
        try:
            await self._viewers.serve(connection, image, self._message())
        except ConnectionClosed:
            return

    async def answer(self, connection: Any, path: str, query: Mapping[str, Sequence[str]], ranges: Sequence[str]) -> Any:
        """The response to a request for `path`, below the camera's own address."""
        if path == "/snapshot.jpg":
            return await self._snapshot("boxes" in query, "small" in query)
        if path == "/state.json":
            return responses.response(HTTPStatus.OK, json.dumps(self._state.snapshot()).encode(), "application/json")
        if path == "/collected.zip":
            return self._download(connection)
        if path == "/events.json":
            return await self._events(query)
        if path.startswith(events.PREFIX):
            return await self._event_file(path, query, ranges)
        return responses.file("/index.html" if path == "/" else path)

    def _set_score(self, score: float) -> None:
        self._state.score = score
        self._viewers.send_state(self._message())

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
        except Exception as refused:
            # Whatever it was: a task that ends with an error leaves the viewer without an answer.
            viewer.tell(messages.note(str(refused) or type(refused).__name__))
            return
        viewer.tell(messages.note(f"not saved: {error}" if error else "", not error and bool(areas.snapshot()["saved"])))
        self._viewers.send_state(self._message())

    async def _events(self, query: Mapping[str, Sequence[str]]) -> Any:
        loop = asyncio.get_running_loop()
        status, found = await loop.run_in_executor(None, events.answer_list, self._state.events_folder, query)
        if isinstance(found, str):
            return responses.text(status, found)
        return responses.response(status, json.dumps(found).encode(), "application/json")

    async def _event_file(self, path: str, query: Mapping[str, Sequence[str]], ranges: Sequence[str]) -> Any:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, events.answer, self._state.events_folder, path, query, ranges)
        if found.file is not None:
            return responses.part(found.status, found.file, found.size, found.kind, dict(found.headers))
        return responses.response(found.status, found.body, found.kind, dict(found.headers))

    async def _snapshot(self, boxes: bool, small: bool) -> Any:
        if self._newest is None:
            return responses.text(HTTPStatus.SERVICE_UNAVAILABLE, "there is no image yet")
        frame, detections = self._newest
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(None, messages.snapshot, frame, detections if boxes else None, SMALL if small else None)
        name = time.strftime("snapshot_%Y%m%d_%H%M%S.jpg")
        return responses.response(HTTPStatus.OK, data, "image/jpeg", {"Content-Disposition": f'attachment; filename="{name}"'})

    def _download(self, connection: Any) -> Any:
        folder = self._state.collect_folder
        if folder is None:
            return responses.text(HTTPStatus.NOT_FOUND, "nothing is collected; start the run with --collect DIR")
        name = time.strftime("collected_%Y%m%d_%H%M%S.zip")
        about = {
            **responses.HEADERS, "Content-Type": "application/zip", "Content-Disposition": f'attachment; filename="{name}"',
            "Transfer-Encoding": "chunked",
        }  # fmt: skip
        if not self._downloads.start(connection, HTTPStatus.OK, about, zip_body(folder)):
            return responses.text(HTTPStatus.SERVICE_UNAVAILABLE, "another download is under way; try again when it has ended")
        return responses.taken()

    def _message(self) -> str:
        return messages.state(self._state, self._cameras())

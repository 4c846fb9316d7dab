"""The connected viewers, each of which gets the newest image at its own rate."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable, Mapping, Optional, Set, Union


class Viewer:
    """One open page. The page requests each image, so a slow one skips frames and nothing queues up."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.wants_image = True
        self._image: Optional[bytes] = None
        self._state: Optional[str] = None
        self._note: Optional[str] = None
        self._news = asyncio.Event()

    def show(self, image: bytes) -> None:
        """Sends an image next, in place of one that was not sent yet."""
        self.wants_image = False
        self._image = image
        self._news.set()

    def send_state(self, state: str) -> None:
        """Sends a state next, in place of one that was not sent yet."""
        self._state = state
        self._news.set()

    def tell(self, note: str) -> None:
        """Sends a note next, in place of one that was not sent yet."""
        self._note = note
        self._news.set()

    async def feed(self) -> None:
        """Sends images and states as they come, until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            for message in (self._take_state(), self._take_note(), self._take_image()):
                if message is not None:
                    await self.socket.send(message)

    def _take_state(self) -> Optional[str]:
        state, self._state = self._state, None
        return state

    def _take_note(self) -> Optional[str]:
        note, self._note = self._note, None
        return note

    def _take_image(self) -> Optional[bytes]:
        image, self._image = self._image, None
        return image


class Viewers:
    """All viewers. Used in the server's event loop only, except `waiting`: the number that wait for an image."""

    def __init__(
        self,
        set_score: Callable[[float], None],
        ask_for_image: Callable[[], None] = lambda: None,
        set_area: Callable[[Viewer, str, Mapping[str, Any]], None] = lambda viewer, kind, area: None,
    ) -> None:
        """`set_score` is called with the threshold that a viewer sets; it raises ValueError if that is invalid.

        `ask_for_image` is called where a viewer wants the next frame to be collected, `set_area` where one draws or removes a
        zone or line.
        """
        self._viewers: Set[Viewer] = set()
        self._set_score = set_score
        self._ask_for_image = ask_for_image
        self._set_area = set_area
        self.waiting = 0

    def __len__(self) -> int:
        return len(self._viewers)

    def show(self, image: bytes) -> None:
        """Sends an image to every viewer that waits for one."""
        for viewer in self._viewers:
            if viewer.wants_image:
                viewer.show(image)
        self._count()

    def send_state(self, state: str) -> None:
        """Sends a state to every viewer."""
        for viewer in self._viewers:
            viewer.send_state(state)

    async def serve(self, socket: Any, image: Optional[bytes], state: str) -> None:
        """Serves one viewer until it disconnects, beginning with `state` and with `image`, the newest one."""
        viewer = Viewer(socket)
        viewer.send_state(state)
        if image is not None:
            viewer.show(image)
        self._viewers.add(viewer)
        self._count()
        feeding = asyncio.ensure_future(viewer.feed())
        try:
            async for message in socket:
                self._handle(viewer, message)
        finally:
            self._viewers.discard(viewer)
            self._count()
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    def _handle(self, viewer: Viewer, message: Union[str, bytes]) -> None:
        """Handles a message; those that are none are ignored.

        {"next": true} requests an image, {"score": 0.4} sets the threshold, {"collect": true} keeps the next frame,
        {"zone": {"name": "door", "corners": [[0.4, 0.5], ...]}} and {"line": ...} set a zone and a line, or remove it
        with null for corners.
        """
        try:
            request = json.loads(message)
        except (ValueError, RecursionError):
            return
        if not isinstance(request, dict):
            return
        if request.get("next") is True:
            viewer.wants_image = True
            self._count()
        if request.get("collect") is True:
            self._ask_for_image()
        for kind, area in (("zone", request.get("zone")), ("line", request.get("line"))):
            if isinstance(area, dict):
                self._set_area(viewer, kind, area)
        score = request.get("score")
        if isinstance(score, (int, float)) and not isinstance(score, bool):
            try:
                self._set_score(score)
            except ValueError:
                return

    def _count(self) -> None:
        self.waiting = sum(viewer.wants_image for viewer in self._viewers)

"""Who is looking, and how each gets the newest image at a pace of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable, Optional, Set, Union


class Viewer:
    """One open page. It asks for each image, so that a slow one skips frames and nothing piles up."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.wants_image = True
        self._image: Optional[bytes] = None
        self._state: Optional[str] = None
        self._news = asyncio.Event()

    def show(self, image: bytes) -> None:
        self.wants_image = False
        self._image = image
        self._news.set()

    def tell(self, state: str) -> None:
        self._state = state
        self._news.set()

    async def feed(self) -> None:
        """Sends what there is, for ever; of states only the last."""
        while True:
            await self._news.wait()
            self._news.clear()
            for message in (self._take_state(), self._take_image()):
                if message is not None:
                    await self.socket.send(message)

    def _take_state(self) -> Optional[str]:
        state, self._state = self._state, None
        return state

    def _take_image(self) -> Optional[bytes]:
        image, self._image = self._image, None
        return image


class Viewers:
    """All of them. Belongs to the server's event loop; `waiting` may be read from any thread."""

    def __init__(self, set_score: Callable[[float], None]) -> None:
        """`set_score` takes the threshold that a viewer chose; raises ValueError for what is none."""
        self._viewers: Set[Viewer] = set()
        self._set_score = set_score
        self.waiting = 0

    def __len__(self) -> int:
        return len(self._viewers)

    def show(self, image: bytes) -> None:
        """Gives an image to everybody who waits for one."""
        for viewer in self._viewers:
            if viewer.wants_image:
                viewer.show(image)
        self._count()

    def tell(self, state: str) -> None:
        for viewer in self._viewers:
            viewer.tell(state)

    async def serve(self, socket: Any, image: Optional[bytes], state: str) -> None:
        """Serves one viewer until it leaves; `image` is the last one, which it begins with."""
        viewer = Viewer(socket)
        viewer.tell(state)
        if image is not None:
            viewer.show(image)
        self._viewers.add(viewer)
        self._count()
        feeding = asyncio.ensure_future(viewer.feed())
        try:
            async for message in socket:
                self._heard(viewer, message)
        finally:
            self._viewers.discard(viewer)
            self._count()
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    def _heard(self, viewer: Viewer, message: Union[str, bytes]) -> None:
        """{"next": true} asks for an image, {"score": 0.4} sets the threshold; all else is let be."""
        try:
            wish = json.loads(message)
        except ValueError:
            return
        if not isinstance(wish, dict):
            return
        if wish.get("next") is True:
            viewer.wants_image = True
            self._count()
        score = wish.get("score")
        if isinstance(score, (int, float)) and not isinstance(score, bool):
            try:
                self._set_score(score)
            except ValueError:
                return

    def _count(self) -> None:
        self.waiting = sum(viewer.wants_image for viewer in self._viewers)

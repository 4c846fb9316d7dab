"""What waits for the broker: the newest value of each retained topic, and behind these the other messages."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Deque, Dict, List, Optional, Set

# Most messages that wait, without those of retained topics; each is about as long as a line of JSON.
MOST_WAITING = 1000

# Most messages without an acknowledgment, retained topics aside. The library sends these again before it takes others.
WINDOW = 20

# Most messages of one retained topic without an acknowledgment: one of a lost connection, and the newest.
MOST_OF_TOPIC = 2


@dataclass(frozen=True)
class Message:
    """A message. If it is lost and `counted`, that is told."""

    topic: str
    text: str
    retain: bool = False
    counted: bool = False


class Outbox:
    """Decides which message is sent next. May be used from any thread.

    A retained topic has one value, so older ones are not sent, and nothing is dropped. Its value is sent ahead of all
    other messages, again after each connection, and again if the broker has acknowledged an older one last: the
    library repeats unacknowledged messages of a lost connection, which then arrive behind newer ones.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Dict[str, str] = {}
        # Retained topics that are to be sent, in this order.
        self._due: Dict[str, None] = {}
        self._waiting: Deque[Message] = deque()
        self._sent: Dict[int, Message] = {}
        # Acknowledgments that arrived before `sent` was called.
        self._early: Set[int] = set()
        self._open = False
        self._taking = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._open

    @property
    def is_empty(self) -> bool:
        """Whether everything was sent and acknowledged."""
        with self._lock:
            return not (self._due or self._waiting or self._sent)

    def keep(self, topic: str, text: str) -> None:
        """Sets the value of a retained topic."""
        with self._lock:
            if self._values.get(topic) != text:
                self._values[topic] = text
                self._due[topic] = None

    def add(self, message: Message) -> bool:
        """Appends a message that is not retained; False if there is no room."""
        with self._lock:
            if len(self._waiting) + self._data_sent() >= MOST_WAITING:
                return False
            self._waiting.append(message)
            return True

    def connected(self) -> None:
        """Begins a connection: all retained topics are due, since a restarted broker may have lost them."""
        with self._lock:
            self._open = True
            self._due = dict.fromkeys(self._values)

    def disconnected(self) -> None:
        """Ends a connection. What was sent stays, since the library repeats it."""
        with self._lock:
            self._open = False

    def clear(self) -> int:
        """Forgets everything but the values of the retained topics; gives the number of counted messages among it."""
        with self._lock:
            lost = [*self._waiting, *self._sent.values()]
            self._waiting.clear()
            self._sent.clear()
            self._early.clear()
            return sum(message.counted for message in lost)

    def begin(self) -> bool:
        """Whether the caller is to send what `take` gives: one thread at a time does, which keeps the order."""
        with self._lock:
            taking, self._taking = self._taking, True
            return not taking

    def take(self) -> Optional[Message]:
        """The next message to be sent, after which `sent` or `failed` must follow; None ends the caller's turn."""
        with self._lock:
            message = self._next() if self._open else None
            self._taking = message is not None
            return message

    def end(self) -> None:
        """Ends the caller's turn after an error."""
        with self._lock:
            self._taking = False

    def sent(self, number: int, message: Message) -> None:
        """Notes that the library has taken `message`, and acknowledges it by `number`."""
        with self._lock:
            if number in self._early:
                self._early.discard(number)
                self._renew(message)
            else:
                self._sent[number] = message

    def acknowledged(self, number: int) -> None:
        """Notes an acknowledgment."""
        with self._lock:
            message = self._sent.pop(number, None)
            if message is None:
                self._early.add(number)
            else:
                self._renew(message)

    def _next(self) -> Optional[Message]:
        for topic in self._due:
            if len(self._sent_of(topic)) < MOST_OF_TOPIC:
                del self._due[topic]
                return Message(topic, self._values[topic], retain=True)
        if self._waiting and self._data_sent() < WINDOW:
            return self._waiting.popleft()
        return None

    def _renew(self, message: Message) -> None:
        """Makes a retained topic due if `message`, which the broker had last, is not its value."""
        if message.retain and message.text != self._values[message.topic] and not self._sent_of(message.topic):
            self._due[message.topic] = None

    def _sent_of(self, topic: str) -> List[Message]:
        return [message for message in self._sent.values() if message.retain and message.topic == topic]

    def _data_sent(self) -> int:
        return sum(not message.retain for message in self._sent.values())

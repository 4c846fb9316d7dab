"""A model in a process of its own, which can be replaced when it hangs or crashes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import asdict
from typing import IO, Any, Callable, Deque, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Request
from runtime.inference.process.child import BARE, COUNT, DONE, FAILED, HEAD, READY, port
from runtime.inference.process.launch import END_SECONDS, Launched, end, launch, take
from runtime.inference.process.scheduling import stand_back
from runtime.inference.process.shared_tensors import SLOTS, SharedTensors
from runtime.model.ports import Port

# Loading takes longer than a run: an accelerator gets its firmware, and libraries come from a slow SD card.
LOADING_SECONDS = 60.0

# Seconds between two checks of the watchdog.
_INTERVAL = 0.1


class EngineLost(KitError):
    """The process has hung or died; `restart` starts a new one."""


class EngineProcess:
    """Runs a model in another process: the interface of `Interpreter`, and runs that overlap.

    `submit` hands over an input and returns at once; `result` waits for the outputs of the oldest input. Up to SLOTS
    inputs may be in flight. One thread may submit while another waits for results. A context manager that ends the
    process.
    """

    inputs: Tuple[Port, ...] = ()
    outputs: Tuple[Port, ...] = ()
    engine: str = ""
    package: str = ""
    what: str = ""
    notes: Tuple[str, ...] = ()

    def __init__(
        self,
        path: Union[str, os.PathLike[str]],
        request: Request = Request(),
        hang: float = 10.0,
        background: bool = False,
    ) -> None:
        """Starts to load the model at `path`; `wait_until_ready` must follow.

        With `background` it gets only the processor time that nothing else wants. A process that takes longer than `hang` seconds for a run is ended. Raises KitError where the system has no
        memory, descriptors, processes or threads left.
        """
        self.path = str(path)
        self._job = (str(path), request)
        self._hang = hang
        self._background = background
        self._lock = threading.Lock()
        self._in_flight: Deque[int] = deque()
        self._free: List[int] = list(range(SLOTS))
        # When the process began its present work; None while it is idle.
        self._busy_since: Optional[float] = None
        self._limit = LOADING_SECONDS
        self._hung = False
        # When the process was killed; None while it is not.
        self._killed_at: Optional[float] = None
        # Whether the process was lost while it ran the oldest input in flight.
        self._lost = False
        self._closed = threading.Event()
        # None until the model is loaded, and after `close`.
        self._tensors: Optional[SharedTensors] = None
        launched = take()
        self._file = launched.tensor_file
        self._begin(launched)
        try:
            threading.Thread(target=self._watch, name="engine watchdog", daemon=True).start()
        except RuntimeError as error:
            self.close()
            raise KitError(f"no thread can be started for the engine: {error}") from error

    def wait_until_ready(self) -> None:
        """Waits until the model is loaded. Raises InputError or KitError where it cannot be loaded."""
        message = self._receive()
        if message.kind == FAILED:
            self._kill()
            raise _error(message.content)
        if message.kind != READY:
            raise EngineLost(self._exit_reason("while it loaded the model"))
        content = message.content
        for name in ("path", "engine", "package", "what"):
            setattr(self, name, content[name])
        self.notes = tuple(content["notes"])
        inputs = tuple(port(described) for described in content["inputs"])
        outputs = tuple(port(described) for described in content["outputs"])
        if self._tensors is not None and (inputs, outputs) != (self.inputs, self.outputs):
            raise KitError(f"{self.path}: has other inputs or outputs than the file that ran before it")
        if self._tensors is None:
            self.inputs, self.outputs = inputs, outputs
            self._tensors = SharedTensors(self._file.fileno(), inputs, outputs)
        with self._lock:
            self._limit = self._hang
            self._busy_since = time.monotonic() if self._in_flight else None

    @property
    def room(self) -> int:
        """The number of inputs that may be submitted now."""
        return len(self._free)

    @property
    def in_flight(self) -> int:
        """The number of inputs that were submitted and whose result has not been read."""
        return len(self._in_flight)

    def submit(self, tensor: np.ndarray) -> None:
        """Hands over an input. `room` must be at least 1."""
        with self._lock:
            slot = self._free.pop()
        self._shared_tensors().put_input(slot, tensor)
        with self._lock:
            self._in_flight.append(slot)
            if len(self._in_flight) == 1:
                self._busy_since = time.monotonic()
            self._send(bytes([slot]))

    def result(self) -> Tuple[List[np.ndarray], float]:
        """The outputs of the oldest input in flight, as the model stores them, and the milliseconds that it took.

        Raises EngineLost where the process has hung or died, KitError where the model failed on this input.
        """
        message = self._receive()
        if message.kind not in (DONE, FAILED):
            self._lost = True
            raise EngineLost(self._exit_reason("while it ran the model"))
        slot = self._in_flight[0]
        try:
            if message.kind == FAILED:
                raise _error(message.content)
            shapes = message.content if message.content is not None else [port.shape for port in self.outputs]
            stored = self._shared_tensors().outputs(slot, [tuple(shape) for shape in shapes])
        finally:
            self._release_oldest()
        return stored, message.milliseconds

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """As `Interpreter.invoke`; nothing else may be in flight."""
        self.submit(tensor)
        return self.result()[0]

    def bare_invoke(self, count: int = 1) -> List[float]:
        """As `Interpreter.bare_invoke`, timed inside the process; nothing else may be in flight."""
        with self._lock:
            self._busy_since = time.monotonic()
            self._send(bytes([BARE]) + COUNT.pack(count))
        message = self._receive()
        with self._lock:
            self._busy_since = None
        if message.kind != DONE:
            raise EngineLost(self._exit_reason("while it ran the model"))
        return [float(taken) for taken in message.content]

    def restart(self) -> None:
        """Ends the process and starts another one, which runs the inputs that waited behind the lost one.

        `wait_until_ready` must follow.
        """
        self._kill()
        with self._lock:
            if self._lost:
                self._free.append(self._in_flight.popleft())
                self._lost = False
            self._begin(launch(self._file))
            # The inputs are still in the shared tensors.
            for slot in self._in_flight:
                self._send(bytes([slot]))

    def interrupt(self) -> None:
        """Ends the process from any thread; a thread that waits for it gets EngineLost."""
        self._kill_soon()

    def close(self) -> None:
        """Ends the process; inputs in flight are lost."""
        self._closed.set()
        self._kill()
        if self._tensors is not None:
            self._tensors.close()
            self._tensors = None
        self._file.close()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._launched.process.pid

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, launched: Launched) -> None:
        self._hung, self._killed_at = False, None
        self._limit, self._busy_since = LOADING_SECONDS, time.monotonic()
        self._launched = launched
        if self._background:
            # Before it loads anything: threads that it starts later inherit this.
            stand_back(launched.process.pid)
        path, request = self._job
        job = json.dumps([path, asdict(request)]).encode()
        self._send(COUNT.pack(len(job)) + job)

    def _shared_tensors(self) -> SharedTensors:
        if self._tensors is None:
            raise RuntimeError("the model is not loaded; call wait_until_ready first")
        return self._tensors

    def _send(self, command: bytes) -> None:
        # Where the process has ended, the thread that waits for the result finds out.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._launched.commands.write(command)

    def _receive(self) -> _Message:
        replies = self._launched.replies
        head = _read(replies, HEAD.size, self._is_given_up)
        if head is None:
            return _ENDED
        kind, taken, size = HEAD.unpack(head)
        payload = _read(replies, size, self._is_given_up) if size else b""
        if payload is None:
            return _ENDED
        return _Message(kind, taken, json.loads(payload) if payload else None)

    def _release_oldest(self) -> None:
        with self._lock:
            self._free.append(self._in_flight.popleft())
            self._busy_since = time.monotonic() if self._in_flight else None

    def _watch(self) -> None:
        checked_at = time.monotonic()
        while not self._closed.wait(_INTERVAL):
            now = time.monotonic()
            # On an overloaded machine this process may have got no time either; that is no sign of a hang.
            overslept = max(0.0, now - checked_at - 2 * _INTERVAL)
            checked_at = now
            with self._lock:
                if self._busy_since is not None:
                    self._busy_since = min(now, self._busy_since + overslept)
                late = self._busy_since is not None and now - self._busy_since > self._limit
                launched = self._launched
            if late and launched.process.poll() is None and not _has_data(launched.replies):
                self._hung = True
                self._kill_soon()

    def _kill_soon(self) -> None:
        self._killed_at = time.monotonic()
        self._launched.process.kill()

    def _is_given_up(self) -> bool:
        """Whether the process was killed and still has not ended, since a driver holds it."""
        killed_at = self._killed_at
        return killed_at is not None and time.monotonic() - killed_at > END_SECONDS

    def _kill(self) -> None:
        end(self._launched)

    def _exit_reason(self, when: str) -> str:
        process = self._launched.process
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        code = process.poll()
        if self._hung:
            held = ", and its driver keeps the killed process" if code is None else ""
            return f"the engine gave no answer for {self._limit:g} s {when}{held}"
        if code is None:
            return f"the engine's process was killed {when}, and its driver keeps it"
        if code < 0:
            name = signal.Signals(-code).name
            # The most common cause; it leaves no other trace.
            advice = (
                "; a library for an accelerator that was built for another version of TFLite does that"
                if name in ("SIGSEGV", "SIGABRT", "SIGILL") and self.engine not in ("cpu", "plain")
                else ""
            )
            return f"the engine's process was ended by {name} {when}{advice}"
        return f"the engine's process ended with exit code {code} {when}"


class _Message(NamedTuple):
    """A message of the child. `kind` is READY, DONE or FAILED; None where the child has ended."""

    kind: Optional[bytes]
    milliseconds: float
    content: Any


_ENDED = _Message(None, 0.0, None)


def _has_data(stream: IO[bytes]) -> bool:
    """Whether an answer waits to be read: then the engine does not hang, but the reader is busy."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):
        # Closed by another thread.
        return False


def _read(stream: IO[bytes], size: int, is_given_up: Callable[[], bool]) -> Optional[bytes]:
    """Exactly `size` bytes; None where the stream ends before, or `is_given_up`."""
    data = b""
    try:
        waiting = select.poll()
        waiting.register(stream, select.POLLIN)
    except (OSError, ValueError):
        return None
    while len(data) < size:
        try:
            while not waiting.poll(1000 * _INTERVAL):
                if is_given_up():
                    return None
            more = stream.read(size - len(data))
        except (OSError, ValueError):
            return None
        if not more:
            return None
        data += more
    return data


def _error(content: Mapping[str, Any]) -> KitError:
    return (InputError if content["input"] else KitError)(content["message"])

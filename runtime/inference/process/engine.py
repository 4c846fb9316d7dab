"""A model in a process of its own, so that one that hangs or crashes can be replaced."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import deque
from dataclasses import asdict
from typing import IO, Deque, List, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Request
from runtime.inference.interpreter import Port
from runtime.inference.process.child import BARE, COUNT, DONE, FAILED, HEAD, READY, port
from runtime.inference.process.launch import Launched, end, launch, take
from runtime.inference.process.shared_tensors import SLOTS, Memory

# Loading takes longer than a run: a chip gets its firmware, libraries come from a slow card.
LOADING_SECONDS = 60.0

# How often the clock is looked at.
_TICK = 0.1


class EngineLost(KitError):
    """The process hung or died; `restart` gets a new one."""


class EngineProcess:
    """Runs a model in another process: the surface of `Interpreter`, and runs that overlap.

    `submit` hands over an input and returns; `result` waits for the outputs of the oldest one. Up to
    SLOTS may be under way. One thread may submit while another waits for results.
    """

    inputs: Tuple[Port, ...] = ()
    outputs: Tuple[Port, ...] = ()
    engine: str = ""
    package: str = ""
    what: str = ""
    notes: Tuple[str, ...] = ()

    def __init__(self, path: Union[str, os.PathLike], request: Request = Request(), hang: float = 10.0) -> None:
        """Starts to load; `wait_until_ready` ends that. A run of more than `hang` seconds is ended."""
        self.path = str(path)
        self._asked = (str(path), request)
        self._hang = hang
        self._lock = threading.Lock()
        self._under_way: Deque[int] = deque()
        self._free: List[int] = list(range(SLOTS))
        # When the process began with what it does now; None while it has nothing to do.
        self._busy_since: Optional[float] = None
        self._limit = LOADING_SECONDS
        self._hung = False
        # Whether the oldest input under way is the one that the process was lost with.
        self._lost = False
        self._closed = threading.Event()
        self._memory: Optional[Memory] = None
        launched = take()
        self._file = launched.memory
        self._begin(launched)
        threading.Thread(target=self._watch, name="engine watchdog", daemon=True).start()

    def wait_until_ready(self) -> None:
        """Raises InputError or KitError where the model cannot be loaded."""
        kind, _, content = self._receive()
        if kind == FAILED:
            self._kill()
            raise _error(content)
        if kind != READY:
            raise EngineLost(self._epitaph("while it loaded the model"))
        for name in ("path", "engine", "package", "what"):
            setattr(self, name, content[name])
        self.notes = tuple(content["notes"])
        ports = [tuple(port(described) for described in content[name]) for name in ("inputs", "outputs")]
        if self._memory is not None and ports != [self.inputs, self.outputs]:
            raise KitError(f"{self.path}: has other inputs or outputs than the file that ran before it")
        if self._memory is None:
            self.inputs, self.outputs = ports
            self._memory = Memory(self._file.fileno(), self.inputs, self.outputs)
        with self._lock:
            self._limit = self._hang
            self._busy_since = time.monotonic() if self._under_way else None

    @property
    def room(self) -> int:
        """How many more inputs may be submitted now."""
        return len(self._free)

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def submit(self, tensor: np.ndarray) -> None:
        """Hands over an input. There must be `room`."""
        with self._lock:
            slot = self._free.pop()
        self._memory.put_input(slot, tensor)
        with self._lock:
            self._under_way.append(slot)
            if len(self._under_way) == 1:
                self._busy_since = time.monotonic()
            self._command(bytes([slot]))

    def result(self) -> Tuple[List[np.ndarray], float]:
        """The outputs, as they are stored, of the oldest input under way, and the milliseconds that it took.

        Raises EngineLost where there will be none, KitError where the model failed on it.
        """
        kind, taken, content = self._receive()
        if kind not in (DONE, FAILED):
            self._lost = True
            raise EngineLost(self._epitaph("while it ran the model"))
        slot = self._under_way[0]
        try:
            if kind == FAILED:
                raise _error(content)
            shapes = content if content is not None else [port.shape for port in self.outputs]
            stored = self._memory.outputs(slot, [tuple(shape) for shape in shapes])
        finally:
            self._done()
        return stored, taken

    def invoke(self, tensor: np.ndarray) -> List[np.ndarray]:
        """As `Interpreter.invoke`, when nothing else is under way."""
        self.submit(tensor)
        return self.result()[0]

    def bare_invoke(self, count: int = 1) -> List[float]:
        """As `Interpreter.bare_invoke`, timed inside the process, when nothing is under way."""
        with self._lock:
            self._busy_since = time.monotonic()
            self._command(bytes([BARE]) + COUNT.pack(count))
        kind, _, taken = self._receive()
        with self._lock:
            self._busy_since = None
        if kind != DONE:
            raise EngineLost(self._epitaph("while it ran the model"))
        return taken

    def restart(self) -> None:
        """Ends the process, and starts another, which goes on with what waited behind the input that
        was lost. `wait_until_ready` follows.
        """
        self._kill()
        with self._lock:
            if self._lost:
                self._free.append(self._under_way.popleft())
                self._lost = False
            self._begin(launch(self._file))
            # They lie in the memory still, which the new process shares.
            for slot in self._under_way:
                self._command(bytes([slot]))

    def interrupt(self) -> None:
        """Ends the process, from another thread: whoever waits for it hears that it is lost."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process; what is under way is lost."""
        self._closed.set()
        self._kill()
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        self._file.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, launched: Launched) -> None:
        self._hung = False
        self._limit, self._busy_since = LOADING_SECONDS, time.monotonic()
        self._launched, self._process = launched, launched.process
        path, request = self._asked
        task = json.dumps([path, asdict(request)]).encode()
        self._command(COUNT.pack(len(task)) + task)

    def _command(self, command: bytes) -> None:
        try:
            self._process.stdin.write(command)
        except (BrokenPipeError, ValueError):
            # Whoever waits for the result hears of it.
            pass

    def _receive(self) -> tuple:
        head = _read(self._process.stdout, HEAD.size)
        if head is None:
            return None, 0.0, None
        kind, taken, size = HEAD.unpack(head)
        payload = _read(self._process.stdout, size) if size else b""
        if payload is None:
            return None, 0.0, None
        return kind, taken, json.loads(payload) if payload else None

    def _done(self) -> None:
        with self._lock:
            self._free.append(self._under_way.popleft())
            self._busy_since = time.monotonic() if self._under_way else None

    def _watch(self) -> None:
        while not self._closed.wait(_TICK):
            with self._lock:
                late = self._busy_since is not None and time.monotonic() - self._busy_since > self._limit
                process = self._process
            if late and process.poll() is None:
                self._hung = True
                process.kill()

    def _kill(self) -> None:
        end(self._launched)

    def _epitaph(self, when: str) -> str:
        code = self._process.wait()
        if self._hung:
            return f"the engine gave no answer for {self._limit:g} s {when}"
        if code < 0:
            name = signal.Signals(-code).name
            # The best known cause, whose traces are nowhere else.
            advice = (
                "; a library for an accelerator that was built for another version of TFLite does that"
                if name in ("SIGSEGV", "SIGABRT", "SIGILL") and self.engine not in ("cpu", "plain")
                else ""
            )
            return f"the engine's process was ended by {name} {when}{advice}"
        return f"the engine's process ended with exit code {code} {when}"


def _read(stream: IO[bytes], size: int) -> Optional[bytes]:
    """`size` bytes, or None where the other side is gone."""
    data = b""
    while len(data) < size:
        try:
            more = stream.read(size - len(data))
        except (OSError, ValueError):
            return None
        if not more:
            return None
        data += more
    return data


def _error(content: dict) -> KitError:
    return (InputError if content["input"] else KitError)(content["message"])

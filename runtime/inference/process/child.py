"""The process that an engine runs in: started by `launch`, never by hand.

It reads its task, a count of bytes and so many of JSON, and then one byte for each run, the number of
the slot that holds its input; it answers with a message (see `HEAD`). What it prints goes to standard
error.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import threading
import time
from dataclasses import asdict
from typing import List, Optional

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter, Port
from runtime.inference.process.shared_tensors import Memory
from runtime.machine.interpreter_packages import find_package

# Kind of message, milliseconds that the model took, bytes that follow.
HEAD = struct.Struct("<cdI")
READY, DONE, FAILED = b"R", b"D", b"F"

# Sent in place of a slot, with a count behind it: run so often on the same input, and read nothing.
BARE = 255
# Of runs, or of a task's bytes.
COUNT = struct.Struct("<I")


def main(arguments: List[str]) -> int:
    memory, life = json.loads(arguments[0])
    # Whatever prints must not get between the messages.
    commands, replies = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    # The parent ends this process, by closing the pipe; a service manager's TERM reaches both, and the
    # parent has frames to finish.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if life is not None:
        threading.Thread(target=_die_with_parent, args=(life,), daemon=True).start()
    # Before it is known what to do, for that takes long: nearly all engines need it.
    with contextlib.suppress(KitError):
        find_package()
    task = _task(commands)
    if task is None:
        return 0
    path, request = json.loads(task)
    try:
        interpreter = Interpreter(path, Request(**request))
    except KitError as error:
        _send(replies, FAILED, 0.0, {"input": isinstance(error, InputError), "message": str(error)})
        return 1
    _send(replies, READY, 0.0, description(interpreter))
    _serve(interpreter, commands, replies, memory)
    return 0


def description(interpreter: Interpreter) -> dict:
    """What the parent is to know of the model, for JSON."""
    ports = {
        name: [{**asdict(port), "dtype": port.dtype.name} for port in getattr(interpreter, name)]
        for name in ("inputs", "outputs")
    }
    names = ("path", "engine", "package", "what", "notes")
    return {**ports, **{name: getattr(interpreter, name) for name in names}}


def port(described: dict) -> Port:
    """The other way, for one port."""
    import numpy as np

    return Port(
        **{
            **described,
            "shape": tuple(described["shape"]),
            "signature": tuple(described["signature"]),
            "dtype": np.dtype(described["dtype"]),
        }
    )


def _task(commands: int) -> Optional[bytes]:
    """What the parent sends first; None where it has gone."""
    data, size = b"", COUNT.size
    while len(data) < size:
        more = os.read(commands, size - len(data))
        if not more:
            return None
        data += more
        if len(data) == COUNT.size:
            size += COUNT.unpack(data)[0]
    return data[COUNT.size :]


def _serve(interpreter: Interpreter, commands: int, replies: int, descriptor: int) -> None:
    memory: Optional[Memory] = None
    while True:
        command = os.read(commands, 1)
        if not command:
            return
        memory = memory or Memory(descriptor, interpreter.inputs, interpreter.outputs)
        slot = command[0]
        start = time.perf_counter()
        try:
            if slot == BARE:
                (count,) = COUNT.unpack(os.read(commands, COUNT.size))
                _send(replies, DONE, 0.0, interpreter.bare_invoke(count))
                continue
            shapes = memory.put_outputs(slot, interpreter.invoke(memory.input(slot)))
        except (KitError, ValueError) as error:
            _send(replies, FAILED, 0.0, {"input": False, "message": str(error)})
            continue
        taken = 1000 * (time.perf_counter() - start)
        declared = [port.shape for port in interpreter.outputs]
        _send(replies, DONE, taken, None if shapes == declared else shapes)


def _send(replies: int, kind: bytes, taken: float, content: Optional[object]) -> None:
    payload = b"" if content is None else json.dumps(content).encode()
    data = HEAD.pack(kind, taken, len(payload)) + payload
    while data:
        data = data[os.write(replies, data) :]


def _die_with_parent(life: int) -> None:
    """The other end is closed when the parent has gone, even while the model runs or hangs."""
    os.read(life, 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

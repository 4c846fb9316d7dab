"""The process that an engine runs in; started by `launch`, not by users.

The process reads from standard input first a COUNT and that many bytes of JSON, which name the model and the request,
and then one byte for each run: the slot that holds its input. It answers each with a message that begins with HEAD.
Whatever libraries print goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import sys
import threading
import time
from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Optional

from runtime.common.errors import InputError, KitError
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter
from runtime.inference.process.scheduling import take_turns
from runtime.inference.process.shared_tensors import SharedTensors
from runtime.machine.interpreter_packages import find_package
from runtime.model.ports import Port

# Kind of message, milliseconds that the model took, number of bytes that follow.
HEAD = struct.Struct("<cdI")
READY, DONE, FAILED = b"R", b"D", b"F"

# Sent in place of a slot, with a COUNT after it: run that often on the same input and return the times only.
BARE = 255
COUNT = struct.Struct("<I")


def main(arguments: List[str]) -> int:
    """Serves one engine until standard input ends; `arguments` has one JSON list of file descriptors."""
    tensor_file, lifeline = json.loads(arguments[0])
    take_turns()
    # Output of libraries must not get between the messages.
    commands, replies = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    # The parent ends this process by closing the lifeline. A service manager sends SIGTERM to both, but the parent
    # has frames to finish.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if lifeline is not None:
        _kill_with_parent(lifeline)
        threading.Thread(target=_exit_with_parent, args=(lifeline,), daemon=True).start()
    # Nearly all engines need this package, and it takes long to load: it is loaded before the model is known.
    with contextlib.suppress(KitError):
        find_package()
    job = _read_job(commands)
    if job is None:
        return 0
    path, request = json.loads(job)
    try:
        interpreter = Interpreter(path, Request(**request))
    except KitError as error:
        _send(replies, FAILED, 0.0, {"input": isinstance(error, InputError), "message": str(error)})
        return 1
    _send(replies, READY, 0.0, description(interpreter))
    _serve(interpreter, commands, replies, tensor_file)
    return 0


def description(interpreter: Interpreter) -> Dict[str, Any]:
    """What the parent needs to know about the loaded model, as values for JSON."""
    ports = {
        name: [{**asdict(port), "dtype": port.dtype.name} for port in getattr(interpreter, name)]
        for name in ("inputs", "outputs")
    }
    names = ("path", "engine", "package", "what", "notes")
    return {**ports, **{name: getattr(interpreter, name) for name in names}}


def port(described: Mapping[str, Any]) -> Port:
    """The `Port` that an entry of `inputs` or `outputs` in `description` stands for."""
    import numpy as np

    return Port(
        **{
            **described,
            "shape": tuple(described["shape"]),
            "signature": tuple(described["signature"]),
            "dtype": np.dtype(described["dtype"]),
        }
    )


def _read_job(commands: int) -> Optional[bytes]:
    """The JSON that the parent sends first; None where the parent has ended."""
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
    tensors: Optional[SharedTensors] = None
    while True:
        command = os.read(commands, 1)
        if not command:
            return
        tensors = tensors or SharedTensors(descriptor, interpreter.inputs, interpreter.outputs)
        slot = command[0]
        start = time.perf_counter()
        try:
            if slot == BARE:
                (count,) = COUNT.unpack(os.read(commands, COUNT.size))
                _send(replies, DONE, 0.0, interpreter.bare_invoke(count))
                continue
            shapes = tensors.put_outputs(slot, interpreter.invoke(tensors.input(slot)))
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


def _kill_with_parent(lifeline: int) -> None:
    """Has Linux kill this process when the parent ends, even while a library hangs that holds Python's lock.

    The kernel sends the signal when the other end of the pipe is closed. PR_SET_PDEATHSIG would send it when the thread
    ends that started this process.
    """
    if sys.platform != "linux":
        return
    import fcntl

    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    # For a parent that ended before; whatever happens to it later is noticed.
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(1)


def _exit_with_parent(lifeline: int) -> None:
    """Ends this process when the parent ends, even while the model runs or hangs."""
    os.read(lifeline, 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

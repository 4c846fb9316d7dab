"""Starts the processes that engines run in, one of them before the model is known.

Most of the time until the first detection goes into loading NumPy, OpenCV and the interpreter. A process that is
started first loads its libraries while this process loads its own. For that reason this module, and any caller of
`prelaunch`, must not import anything large.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, Iterator, Optional

from runtime import launcher
from runtime.common import command
from runtime.common.errors import KitError

_RAM = "/dev/shm"

# Isolated (-I), so that Python's own modules come before any file in the working directory, which others may write to.
_CHILD = """
import sys, json
sys.path[:] = json.loads(sys.argv[1])
from runtime.common import command
command.started_as_edk = json.loads(sys.argv[2])
from runtime.inference.process import child
sys.exit(child.main(sys.argv[3:]))
"""

# Seconds that a killed process has to end. One that waits inside a driver does not end before the driver returns.
END_SECONDS = 2.0


@dataclass(frozen=True)
class Launched:
    """A process that waits for its command on standard input.

    `commands` and `replies` are its standard input and output. `tensor_file` is the file for the shared tensors (see
    `shared_tensors`). `lifeline` is a pipe that ends the process when it is closed; None on Windows.
    """

    process: subprocess.Popen[bytes]
    commands: IO[bytes]
    replies: IO[bytes]
    tensor_file: IO[bytes]
    lifeline: Optional[IO[bytes]]


_spare: Optional[Launched] = None


def launch(tensor_file: IO[bytes]) -> Launched:
    """Starts `runtime.inference.process.child`, which inherits the open file `tensor_file`.

    Raises KitError where the system has no memory, descriptors or processes left; that may pass.
    """
    with contextlib.ExitStack() as opened:
        try:
            launched = _launch(tensor_file, opened)
        except OSError as error:
            raise _cannot_start(error) from error
        opened.pop_all()
    return launched


def _launch(tensor_file: IO[bytes], opened: contextlib.ExitStack) -> Launched:
    """As `launch`; what is in `opened` is to be closed after an error."""
    descriptors, lifeline, child_end = [tensor_file.fileno()], None, None
    if os.name == "posix":
        child_end, parent_end = os.pipe()
        lifeline = opened.enter_context(os.fdopen(parent_end, "wb", buffering=0))
        inherited_end = opened.enter_context(os.fdopen(child_end, "rb", buffering=0))
        descriptors.append(child_end)
    # The child must find the kit and its packages where this process has found them.
    path = launcher.kit_first([*filter(None, sys.path)])
    numbers = [tensor_file.fileno(), child_end]
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _CHILD, json.dumps(path), json.dumps(command.started_as_edk), json.dumps(numbers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=descriptors,
        bufsize=0,
        # Ctrl-C is for this process alone, which has frames to finish.
        start_new_session=True,
    )
    if child_end is not None:
        inherited_end.close()
    assert process.stdin is not None and process.stdout is not None
    return Launched(process, process.stdin, process.stdout, tensor_file, lifeline)


def anonymous_file() -> IO[bytes]:
    """An open file without a name, for the shared tensors; in memory where the system has /dev/shm.

    Raises KitError as `launch` does.
    """
    try:
        return tempfile.TemporaryFile(dir=_RAM if os.path.isdir(_RAM) else None)
    except OSError as error:
        raise _cannot_start(error) from error


@contextlib.contextmanager
def prelaunch() -> Iterator[None]:
    """Starts a process for the first caller of `take`; ends it with the block if nobody has taken it."""
    global _spare
    # The process inherits open files by number, which Windows does not support.
    if os.name == "posix" and _spare is None:
        # Whoever takes it later tries again, and has the error.
        with contextlib.suppress(KitError):
            _spare = _with_file()
    try:
        yield
    finally:
        discard()


def take() -> Launched:
    """The process that `prelaunch` has started, or else a new one."""
    global _spare
    found, _spare = _spare, None
    return found or _with_file()


def _with_file() -> Launched:
    file = anonymous_file()
    try:
        return launch(file)
    except BaseException:
        file.close()
        raise


def _cannot_start(error: OSError) -> KitError:
    return KitError(f"no process can be started for the engine: {error.strerror or error}")


def discard() -> None:
    """Ends the process that `prelaunch` has started, unless it was taken."""
    global _spare
    found, _spare = _spare, None
    if found is not None:
        end(found)
        found.tensor_file.close()


def end(launched: Launched) -> None:
    """Ends the process, in END_SECONDS at most; its tensor file stays open. May be called more than once.

    A process that a driver holds for longer is left to end by itself.
    """
    process = launched.process
    if process.poll() is None:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    for stream in (launched.commands, launched.replies, launched.lifeline):
        if stream is not None:
            stream.close()

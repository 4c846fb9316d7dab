"""OpenCV without its own messages.

OpenCV, FFmpeg and libjpeg write about damaged files to the process's standard error. The kit says
such things itself, in one line, so theirs are turned off; the environment variables below, set by
the user, bring them back.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Iterator

# Both are read when OpenCV is loaded or first used, hence before the import. -8 is AV_LOG_QUIET.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2  # noqa: E402

__all__ = ["cv2", "quiet"]

_lock = threading.Lock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends what native code writes to file descriptor 2 to nowhere while the block runs.

    For libraries without a switch of their own (libjpeg, the interpreter's first words). The
    descriptor belongs to the whole process: keep the block short.
    """
    with _lock:
        try:
            saved = os.dup(2)
        except OSError:
            yield
            return
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 2)
            os.close(sink)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)

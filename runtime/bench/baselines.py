"""What `runtime.bench` compares a file with, frame by frame in turns."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO, List, Sequence

import numpy as np

from runtime.bench.stages import Stages
from runtime.common.errors import InputError, KitError
from runtime.common.opencv import cv2
from runtime.common.values import Frame
from runtime.inference.detector import Detector
from runtime.inference.engines import Request
from runtime.inference.process.engine import EngineProcess

MEDIAPIPE = "mediapipe"
_SCRIPT = Path(__file__).with_name("mediapipe_process.py")

# How to get what is missing, for messages.
_ADVICE = "python3 -m venv mp && mp/bin/pip install mediapipe; then give --mediapipe-python mp/bin/python"


class Rival:
    """`name` is for the table. To be used with `with`."""

    name: str

    def times(self, count: int) -> List[float]:
        """Detects in the next `count` images; milliseconds for each."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends its process."""

    def __enter__(self) -> Rival:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileRival(Rival):
    """Another detector through this kit."""

    def __init__(self, file: str, request: Request, images: Sequence[Frame], hang: float) -> None:
        self.name = Path(file).name
        self._images = images
        self._process = EngineProcess(file, request, hang)
        try:
            self._process.wait_until_ready()
            self._detector = Detector(file, runner=self._process)
        except BaseException:
            self._process.close()
            raise
        self._done = 0

    def times(self, count: int) -> List[float]:
        stages = Stages()
        for _ in range(count):
            stages.detect(self._detector, self._images[self._done % len(self._images)])
            self._done += 1
        return stages.total

    def close(self) -> None:
        self._process.close()


class MediaPipe(Rival):
    """MediaPipe Tasks on the same file and images, in the environment of another Python."""

    def __init__(self, file: str, python: str, images: Sequence[Frame]) -> None:
        """Raises InputError where `python` is none or has no MediaPipe, KitError where that refuses
        the file.
        """
        self._folder = tempfile.TemporaryDirectory()
        archive = Path(self._folder.name) / "pictures.npz"
        np.savez(archive, **{f"{number:04d}": _rgb(frame) for number, frame in enumerate(images)})
        # The kit's own packages must not be found by another environment's Python.
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        self._errors: IO[str] = open(Path(self._folder.name) / "errors", "w+", encoding="utf-8", errors="replace")
        try:
            self._process = subprocess.Popen(
                [python, str(_SCRIPT), file, str(archive)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=clean,
                text=True,
            )
        except OSError as error:
            self._folder.cleanup()
            raise InputError(f"--mediapipe-python {python}: cannot be run: {error.strerror}; {_ADVICE}") from error
        self.name = f"mediapipe {self._answer(python)}"

    def times(self, count: int) -> List[float]:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{count}\n")
            self._process.stdin.flush()
        return self._answer("mediapipe")

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()
        self._folder.cleanup()

    def _answer(self, python: str):
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        said = [text for text in self._errors.read().splitlines() if text.strip()] or ["no message"]
        self.close()
        if "ModuleNotFoundError" in said[-1] or "ImportError" in said[-1]:
            raise InputError(f"--mediapipe-python {python}: {said[-1]}; {_ADVICE}")
        raise KitError(f"mediapipe: {said[-1]}")


def open_rival(
    name: str, file: str, python: str, request: Request, images: Sequence[Frame], hang: float
) -> Rival:
    """What `name` stands for: MEDIAPIPE on `file`, or another file. Raises InputError or KitError."""
    if name != MEDIAPIPE:
        return FileRival(name, request, images, hang)
    if not python:
        raise InputError(f"--against mediapipe needs an environment with it: {_ADVICE}")
    return MediaPipe(file, python, images)


def _rgb(frame: Frame) -> np.ndarray:
    return cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB) if frame.color == "BGR" else frame.image

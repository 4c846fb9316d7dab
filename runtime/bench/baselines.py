"""Baselines that `runtime.bench` compares a file with: another .tflite, or MediaPipe Tasks on the same file."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

import numpy as np

from runtime.bench.stages import Stages
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError, KitError
from runtime.common.opencv import cv2
from runtime.common.values import Frame
from runtime.inference.detector import Detector
from runtime.inference.engines import Request
from runtime.inference.process.engine import EngineProcess

MEDIAPIPE = "mediapipe"
_SCRIPT = Path(__file__).with_name("mediapipe_process.py")

# How to install MediaPipe, for error messages.
_ADVICE = "python3 -m venv mp && mp/bin/pip install mediapipe; then give --mediapipe-python mp/bin/python"


class Baseline:
    """A detector that is timed on the same images; a context manager that ends its process.

    `name` is its name in the table, `path` that of its file; empty for what is no file.
    """

    name: str
    path: str = ""

    def times(self, count: int) -> List[float]:
        """Detects in the next `count` images and returns the milliseconds of each."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the baseline's process."""

    def __enter__(self) -> Baseline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def name_apart(file: str, others: Sequence[Baseline]) -> None:
    """Gives baselines that have one name their whole path: files of several runs are all called `detector_int8.tflite`.

    `file` is what they are compared with.
    """
    names = Counter([Path(file).name, *(other.name for other in others)])
    for other in others:
        if names[other.name] > 1 and other.path:
            other.name = other.path


class FileBaseline(Baseline):
    """Another .tflite, run by this kit in a process of its own."""

    def __init__(
        self, file: str, request: Request, images: Sequence[Frame], timeout: float, tiles: Optional[Tiles] = None
    ) -> None:
        """Loads `file`, to look at images through `tiles`.

        Raises InputError where it is no detector, KitError where no engine works.
        """
        self.name, self.path = Path(file).name, str(file)
        self._images = images
        self._process = EngineProcess(file, request, timeout)
        try:
            self._process.wait_until_ready()
            self._detector = Detector(file, runner=self._process, tiles=tiles)
        except BaseException:
            self._process.close()
            raise
        self._done = 0

    def times(self, count: int) -> List[float]:
        """As `Baseline.times`."""
        stages = Stages()
        for _ in range(count):
            stages.detect(self._detector, self._images[self._done % len(self._images)])
            self._done += 1
        return stages.total

    def close(self) -> None:
        """As `Baseline.close`."""
        self._process.close()


class MediaPipe(Baseline):
    """MediaPipe Tasks on the same file and images, run by the Python of another environment."""

    def __init__(self, file: str, python: str, images: Sequence[Frame]) -> None:
        """Starts `python` and loads `file`.

        Raises InputError where `python` cannot be run or has no MediaPipe, KitError where MediaPipe refuses the file.
        """
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            archive = folder / "images.npz"
            arrays: Mapping[str, Any] = {f"{number:04d}": _rgb(frame) for number, frame in enumerate(images)}
            np.savez(archive, **arrays)
            # The other environment must not import this environment's packages.
            clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
            self._errors = stack.enter_context(open(folder / "errors", "w+", encoding="utf-8", errors="replace"))
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
                raise InputError(f"--mediapipe-python {python}: cannot be run: {error.strerror}; {_ADVICE}") from error
            assert self._process.stdin is not None and self._process.stdout is not None
            self._requests, self._answers = self._process.stdin, self._process.stdout
            stack.callback(self._end)
            self.name = f"mediapipe {self._answer(python)}"
            self._resources = stack.pop_all()

    def times(self, count: int) -> List[float]:
        """As `Baseline.times`."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(f"{count}\n")
            self._requests.flush()
        return [float(taken) for taken in self._answer("mediapipe")]

    def close(self) -> None:
        """As `Baseline.close`."""
        self._resources.close()

    def _end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self._process.kill()
        self._process.wait()
        self._answers.close()

    def _answer(self, python: str) -> Any:
        line = self._answers.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        message = ([text for text in self._errors.read().splitlines() if text.strip()] or ["no message"])[-1]
        if "ModuleNotFoundError" in message or "ImportError" in message:
            raise InputError(f"--mediapipe-python {python}: {message}; {_ADVICE}")
        raise KitError(f"mediapipe: {message}")


def open_baseline(
    name: str,
    file: str,
    python: str,
    request: Request,
    images: Sequence[Frame],
    timeout: float,
    tiles: Optional[Tiles] = None,
) -> Baseline:
    """The baseline called `name`: MEDIAPIPE, run on `file`, or the path of another .tflite.

    `python` is the interpreter of an environment with MediaPipe; a run of the model that takes longer than
    `timeout` seconds is ended. `tiles` are those of a file; MediaPipe takes none. Raises InputError or KitError where the baseline
    cannot be started.
    """
    if name != MEDIAPIPE:
        return FileBaseline(name, request, images, timeout, tiles)
    if tiles is not None:
        raise InputError(f"--baseline {MEDIAPIPE}: looks at whole images only; leave out --tiles {tiles}, or this baseline")
    if not python:
        raise InputError(f"--baseline mediapipe needs an environment with MediaPipe: {_ADVICE}")
    return MediaPipe(file, python, images)


def _rgb(frame: Frame) -> np.ndarray:
    return cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB) if frame.color == "BGR" else frame.image

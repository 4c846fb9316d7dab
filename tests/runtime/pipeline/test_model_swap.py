"""Swapping the model of a run: the source stays open, and every frame is processed once."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from runtime import InputError, KitError
from runtime.config import arguments
from runtime.pipeline import active_model
from runtime.pipeline.active_model import resolved_path
from runtime.pipeline.model_swap import Reloader
from runtime.telemetry.health import Health
from runtime.telemetry.state import State
from tests.support import tiny_detector
from tests.support.edgetpu_library import edgetpu_library
from tests.support.mjpeg_server import MjpegServer, jpegs
from tests.support.model_swap import scores_in_order
from tests.support.paths import ROOT
from tests.support.run_results import scores_in_order

CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")

if not hasattr(signal, "SIGHUP"):
    pytest.skip("there is no SIGHUP", allow_module_level=True)


def model(score: float, compiled: bool = False) -> bytes:
    """A model that detects one object with this score."""
    scores = np.array([[score, 0.1, 0.1]], np.float32)
    outputs = [(name, scores if name == "c" else array) for name, array in tiny_detector.OUTPUTS]
    return tiny_detector.build(outputs, compiled=compiled)


class Run:
    """`python -m runtime` on the link `current` in `place`, with a health file and a JSON file."""

    def __init__(self, place, source, *words, file="detector.tflite", **environment) -> None:
        self.place = place
        command = [sys.executable, "-m", "runtime", str(place / "current" / file), "--source", source]
        command += ["--threads", "1", "--json", str(place / "found.jsonl"), "--health", str(place / "health.json")]
        with open(place / "log", "w") as log:
            self.process = subprocess.Popen(
                [*command, *words], cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return (self.place / "log").read_text()

    @property
    def health(self) -> Health:
        return Health.read(self.place / "health.json")

    def until(self, condition) -> None:
        end = time.monotonic() + 120
        while True:
            health = self.health
            if health is not None and condition(health):
                return
            assert time.monotonic() < end and self.process.poll() is None, self.log
            time.sleep(0.02)

    def reload(self, release: str) -> None:
        temporary = self.place / "next"
        temporary.symlink_to(release)
        temporary.replace(self.place / "current")
        self.process.send_signal(signal.SIGHUP)

    def end(self) -> list:
        """(frame number, highest score) of each frame."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log
        lines = [json.loads(line) for line in (self.place / "found.jsonl").read_text().splitlines()]
        return [(line["frame"], round(line["detections"][0]["score"], 2)) for line in lines]


@pytest.fixture
def start(tmp_path):
    started = []
    for name, score in (("a", 0.9), ("b", 0.8)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "detector.tflite").write_bytes(model(score))
        (folder / "detector_edgetpu.tflite").write_bytes(model(score, compiled=True))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "detector.tflite").write_bytes(b"no model")
    (tmp_path / "bad" / "detector_edgetpu.tflite").write_bytes(b"no model")
    (tmp_path / "current").symlink_to("a")

    def start(*words, **options):
        started.append(Run(tmp_path, *words, **options))
        return started[-1]

    yield start
    for run in started:
        run.process.kill()
        run.process.wait()


def test_a_live_source_stays_open_and_no_frame_is_lost(start, tmp_path):
    with MjpegServer(jpegs([10, 100, 200]), fps=30) as camera:
        run = start(camera.url, "--policy", "block")
        run.until(lambda health: health.frames > 5)
        assert run.health.model == str(tmp_path / "a" / "detector.tflite")
        run.reload("b")
        run.until(lambda health: health.reloads == 1)
        assert run.health.model == str(tmp_path / "b" / "detector.tflite")
        frames = run.health.frames
        run.until(lambda health: health.frames > frames + 5)
        # What is no model is refused, and the one before goes on.
        run.reload("bad")
        run.until(lambda health: health.reload_error)
        assert "bad/detector.tflite" in run.health.reload_error and run.health.reloads == 1
        frames = run.health.frames
        run.until(lambda health: health.frames > frames + 5)
        assert run.health.model == str(tmp_path / "b" / "detector.tflite") and run.health.restarts == 0
        found = run.end()
        assert camera.connections == 1
    assert scores_in_order(found, run.log) == [0.9, 0.8]
    assert "the new model is refused: " in run.log and "Traceback" not in run.log
    assert not (tmp_path / "health.json").exists()


def test_a_model_that_hangs_can_be_swapped(start, tmp_path, edgetpu_library):
    """How a device recovers from a bad model, whose engine is restarted again and again."""
    fuse = tmp_path / "fuse"
    fuse.write_bytes(bytes(1000))
    hangs = {"EDGETPU_STANDIN": "hang", "EDGETPU_STANDIN_RUN": "2", "EDGETPU_STANDIN_FUSE": str(fuse)}
    with MjpegServer(jpegs([10, 100, 200]), fps=30) as camera:
        run = start(
            camera.url, "--watchdog", "0.5", file="detector_edgetpu.tflite",
            LD_LIBRARY_PATH=str(edgetpu_library.parent), **hangs,
        )  # fmt: skip
        run.until(lambda health: health.restarts >= 2)
        fuse.write_bytes(b"")
        run.reload("b")
        run.until(lambda health: health.reloads == 1)
        frames = run.health.frames
        run.until(lambda health: health.frames > frames + 5)
        assert camera.connections == 1
        assert run.end()[-1][1] == 0.8


def test_an_edge_tpu_is_closed_before_it_is_opened_again(start, edgetpu_library):
    with MjpegServer(jpegs([10, 100, 200]), fps=30) as camera:
        library = str(edgetpu_library.parent)
        run = start(camera.url, "--policy", "block", file="detector_edgetpu.tflite", LD_LIBRARY_PATH=library)
        run.until(lambda health: health.frames > 5 and health.engine == "edgetpu")
        run.reload("b")
        run.until(lambda health: health.reloads == 1)
        run.reload("bad")
        run.until(lambda health: health.reload_error)
        frames = run.health.frames
        run.until(lambda health: health.frames > frames + 5 and health.engine == "edgetpu")
        assert run.health.model.endswith("/b/detector_edgetpu.tflite")
        found = run.end()
        assert camera.connections == 1
    assert scores_in_order(found, run.log) == [0.9, 0.8]


def test_a_terminal_that_goes_ends_the_run(tmp_path):
    (tmp_path / "detector.tflite").write_bytes(model(0.9))
    with MjpegServer(jpegs([10]), fps=30) as camera:
        words = [sys.executable, "-m", "runtime", "detector.tflite", "--source", camera.url, "--health", "health.json"]
        pid, terminal = pty.fork()
        if not pid:
            os.chdir(tmp_path)
            os.environ["PYTHONPATH"] = str(ROOT)
            os.execv(sys.executable, [*words, "--json", "found.jsonl", "--watchdog", "0"])
        end = time.monotonic() + 120
        while (health := Health.read(tmp_path / "health.json")) is None or not health.frames:
            assert time.monotonic() < end
            time.sleep(0.02)
        os.close(terminal)
        # The end has a minute of its own: on a busy machine the start may take most of one.
        end = time.monotonic() + 60
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        assert time.monotonic() < end


def test_only_a_folder_reached_by_a_link_is_resolved(tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "detector_int8.tflite").touch()
    (tmp_path / "release" / "detector.tflite").symlink_to("detector_int8.tflite")
    (tmp_path / "current").symlink_to("release")
    real = str(tmp_path.resolve() / "release" / "detector_int8.tflite")
    assert resolved_path(str(tmp_path / "current" / "detector.tflite")) == real
    plain = os.path.join(os.path.realpath(tmp_path), "release", "detector.tflite")
    assert resolved_path(plain) == plain and resolved_path("model.tflite") == "model.tflite"


@pytest.mark.skipif(not CHILDREN.exists(), reason="this system does not list a process's children")
def test_only_the_last_pending_model_keeps_its_engines(start, tmp_path):
    """Two reloads before the loop takes one, for example while an engine hangs."""
    link = tmp_path / "current" / "detector.tflite"
    options = arguments.parse([str(link), "--source", str(tmp_path / "none.mp4"), "--threads", "1"])
    runners = active_model.start_engines(options, active_model.resolved_path(options.file))
    try:
        active_model.wait_until_loaded(runners)
        detector = active_model.make_detector(options, str(tmp_path / "a" / "detector.tflite"), runners[0])
        state, pending = State(detector.path, detector.labels, detector.score), active_model.PendingSwap()
        running = active_model.ActiveModel(detector, (), (), detector.score)
        before = children()
        with Reloader(options, state, pending, running):
            wait_for(lambda: pending.is_pending, state.ask_reload)
            (first,) = children() - before
            wait_for(lambda: children() - before and first not in children(), state.ask_reload)
            assert len(children() - before) == 1
            assert pending.take() is not None and pending.take() is None
        assert children() == before
    finally:
        active_model.close_engines(runners)


@pytest.mark.parametrize("error", [OSError(errno.ENOMEM, "Cannot allocate memory"), ValueError("odd"), KitError("bad")])
def test_a_reload_that_fails_is_told_and_the_next_one_works(tmp_path, monkeypatch, capsys, error):
    path = tmp_path / "detector.tflite"
    path.write_bytes(model(0.9))
    options = arguments.parse([str(path), "--source", str(tmp_path / "none.mp4"), "--threads", "1", "--watchdog", "0"])
    (runner,) = active_model.start_engines(options, str(path))
    detector = active_model.make_detector(options, str(path), runner)
    state, pending = State(str(path), detector.labels, detector.score), active_model.PendingSwap()
    running = active_model.ActiveModel(detector, (), (), detector.score)
    with Reloader(options, state, pending, running):
        with monkeypatch.context() as without:
            without.setattr(active_model, "start_engines", raising(error))
            wait_for(lambda: state.snapshot()["reload"]["failures"] == 1, state.ask_reload)
        wait_for(lambda: pending.is_pending, state.ask_reload)
    assert str(error) in state.snapshot()["reload"]["error"]
    assert f"{error}; {path} stays active" in capsys.readouterr().err


def test_an_exclusive_device_that_fails_is_opened_again(tmp_path, monkeypatch):
    path = tmp_path / "detector.tflite"
    path.write_bytes(model(0.9))
    options = arguments.parse([str(path), "--source", str(tmp_path / "none.mp4"), "--threads", "1", "--watchdog", "0"])
    (runner,) = active_model.start_engines(options, str(path))
    detector = active_model.make_detector(options, str(path), runner)
    state = State(str(path), detector.labels, detector.score)
    running = active_model.ActiveModel(detector, (), (), detector.score)
    reloader = Reloader(options, state, active_model.PendingSwap(), running)
    start, failures = active_model.start_engines, [OSError(errno.EMFILE, "Too many open files")]

    def start_engines(*given):
        if failures:
            raise failures.pop()
        return start(*given)

    monkeypatch.setattr(active_model, "start_engines", start_engines)
    drained = []
    after = reloader._swap_exclusive(str(path), lambda: drained.append(True))
    assert drained and after.detector.path == str(path) and state.snapshot()["reload"]["failures"] == 1


def raising(error):
    def fail(*_):
        raise error

    return fail


def children() -> set:
    """The ids of the running children of this process, over all its threads."""
    lists = Path("/proc/self/task").glob("*/children")
    return {number for found in lists for number in found.read_text().split() if runs(number)}


def runs(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition, ask) -> None:
    ask()
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_model_without_the_class_to_blur_is_refused(tmp_path):
    """It would show the faces that the model before it hid."""
    for name, labels in (("with", "face\ncat\n"), ("without", "dog\ncat\n")):
        (tmp_path / f"{name}.tflite").write_bytes(tiny_detector.build())
        (tmp_path / f"{name}.txt").write_text(labels)

    def detector(name):
        words = [str(tmp_path / f"{name}.tflite"), "--source", "x", "--blur", "face", "--watchdog", "0"]
        options = arguments.parse([*words, "--labels", str(tmp_path / f"{name}.txt")])
        runners = active_model.start_engines(options, options.file)
        return active_model.make_detector(options, options.file, runners[0])

    assert detector("with").labels[0] == "face"
    with pytest.raises(InputError, match="--blur: no class is called 'face'"):
        detector("without")

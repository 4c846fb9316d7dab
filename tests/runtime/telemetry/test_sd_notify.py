"""Messages of a run to the service manager, through real sockets and from the real command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from runtime.common.opencv import cv2
from runtime.common.values import Labels
from runtime.telemetry.cameras import CamerasState
from runtime.telemetry.sd_notify import Announcer, Notifier, from_environment, progress
from runtime.telemetry.state import State
from tests.support import tiny_detector
from tests.support.mjpeg_server import MjpegServer, jpegs
from tests.support.paths import ROOT

if not sys.platform.startswith("linux"):
    pytest.skip("service managers with such sockets are Linux's", allow_module_level=True)


class Listener:
    """The socket of a manager: messages as dictionaries, in the order of arrival."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.settimeout(60)
        self.heard = []

    def next(self):
        lines = self.socket.recv(4096).decode().split("\n")
        self.heard.append(dict(line.split("=", 1) for line in lines))
        return self.heard[-1]

    def until(self, field):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            message = self.next()
            if field in message:
                return message
        raise AssertionError(f"no {field} came, but {self.heard}")

    def silent(self, field, seconds):
        """Whether no message with `field` arrives within that time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if field in self.next():
                    return False
            except TimeoutError:
                pass
        self.socket.settimeout(60)
        return True


@pytest.fixture(params=["path", "abstract"])
def listener(request, tmp_path):
    made = Listener(str(tmp_path / "notify") if request.param == "path" else f"@kit-{uuid.uuid4()}")
    yield made
    made.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Listener(str(tmp_path / "notify"))
    yield made
    made.socket.close()


def test_without_a_manager_there_is_no_notifier():
    assert from_environment({}) is None
    assert from_environment({"NOTIFY_SOCKET": ""}) is None
    # systemd also has addresses that are no Unix sockets; those are not for local services.
    assert from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}) is None
    state = State()
    with Announcer(None) as announcer:
        announcer.watch(state)


def test_a_message_is_one_datagram(listener):
    notifier = from_environment({"NOTIFY_SOCKET": listener.address})
    notifier.notify(READY=1, STATUS="one line\nREADY=0")
    assert listener.next() == {"READY": "1", "STATUS": "one line READY=0"}
    listener.socket.close()
    notifier.notify(WATCHDOG=1)
    notifier.close()


def test_a_run_is_ready_at_its_first_frame_and_alive_while_it_progresses(manager):
    state = State("a.tflite")
    state.source(state="running")
    with Announcer(Notifier(manager.address), tick=0.01) as announcer:
        announcer.watch(state)
        manager.until("WATCHDOG")
        # The source is open but has no frame yet: neither ready nor alive.
        assert manager.silent("WATCHDOG", 0.1)
        assert not any("READY" in message for message in manager.heard)
        state.frame_done((), {})
        message = manager.until("READY")
        assert message["WATCHDOG"] == "1" and "1 frames" in message["STATUS"]
        assert manager.silent("WATCHDOG", 0.1)
        # Frames without motion count as progress, too.
        state.count("still")
        manager.until("WATCHDOG")
    assert manager.until("STOPPING")
    assert sum("READY" in message for message in manager.heard) == 1
    assert sum("STOPPING" in message for message in manager.heard) == 1


def test_a_source_that_is_tried_again_is_alive_and_an_engine_that_is_lost_again_is_not(manager):
    state = State("a.tflite")
    state.frame_done((), {})
    with Announcer(Notifier(manager.address), tick=0.01) as announcer:
        announcer.watch(state)
        manager.until("READY")
        for number in (1, 2, 3):
            state.source(state="reopening", retries=number)
            manager.until("WATCHDOG")
            assert manager.silent("WATCHDOG", 0.05)
        state.dropped_by_engine()
        state.dropped_by_source(7)
        state.engine_restarted("cpu")
        assert manager.silent("WATCHDOG", 0.1)


def test_tries_of_a_lost_camera_are_no_progress_while_another_one_runs():
    state = CamerasState(("door", "yard"))
    door, yard = state.cameras.values()

    def moves(change):
        before = progress(state.snapshot())
        change()
        return progress(state.snapshot()) != before

    door.source(state="running")
    yard.source(state="reopening", retries=1)
    # The engine is lost: no frame of the camera that runs comes.
    assert not moves(lambda: yard.source(retries=2)) and not moves(lambda: yard.count("gaps"))
    assert not moves(lambda: yard.source(state="running"))
    assert moves(lambda: door.frame_done((), {})) and moves(lambda: door.count("still"))
    yard.source(state="reopening")
    for other in ("reopening", "ended"):
        door.source(state=other)
        assert moves(lambda: yard.source(retries=yard.snapshot()["source"]["retries"] + 1)) and moves(lambda: yard.count("gaps"))


class Told:
    """A notifier that keeps what it is told."""

    def __init__(self):
        self.fields = {}

    def notify(self, **fields):
        self.fields = fields


def test_of_several_cameras_each_that_has_frames_must_go_on(manager):
    state, told, announcer = CamerasState(("door", "yard")), Told(), Announcer(None)
    door, yard = state.cameras.values()

    def is_alive():
        told.fields = {}
        door.frame_done((), {})
        announcer.notify(state, told)
        return "WATCHDOG" in told.fields

    door.source(state="running")
    # It waits for its source, however long.
    assert is_alive() and is_alive() and is_alive()
    yard.has_work = lambda: True
    assert not is_alive() and not is_alive()
    for work in (lambda: yard.frame_done((), {}), lambda: yard.count("still")):
        work()
        assert is_alive() and not is_alive()
    # What was lost with an engine is nothing done.
    yard.dropped_by_engine()
    assert not is_alive()
    yard.has_work = lambda: False
    assert is_alive()


def test_a_new_model_is_a_reload(manager):
    state = State("a.tflite")
    state.frame_done((), {})
    with Announcer(Notifier(manager.address), tick=0.01) as announcer:
        announcer.watch(state)
        manager.until("READY")
        for end in (lambda: state.reloaded("b.tflite", Labels(())), lambda: state.reload_failed("no such file")):
            state.ask_reload()
            message = manager.until("RELOADING")
            assert abs(int(message["MONOTONIC_USEC"]) / 1e6 - time.monotonic()) < 30
            assert manager.silent("READY", 0.05)
            end()
            manager.until("READY")


@pytest.fixture
def start(tmp_path, manager):
    """Starts a run that sends its messages to the manager."""
    started = []

    def start(*words, **environment):
        command = [sys.executable, "-m", "runtime", "tiny.tflite", "--threads", "1", "--json", os.devnull, *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": manager.address, **environment}
        started.append(
            subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_command_notifies_its_manager(start, manager, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, 64, 3), 40 * number, np.uint8))
    process = start("--source", ".", "--loop")
    assert "frames a second" in manager.until("READY")["STATUS"]
    for _ in range(2):
        manager.until("WATCHDOG")
    process.send_signal(signal.SIGTERM)
    manager.until("STOPPING")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert sum("STOPPING" in message for message in manager.heard) == 1


def test_a_camera_that_is_away_keeps_the_command_alive_and_a_stopped_command_is_silent(start, manager):
    with MjpegServer(jpegs([10, 100, 200]), fps=20) as camera:
        process = start("--source", camera.url)
        manager.until("READY")
        camera.stop()
        while "reopening (try " not in manager.until("STATUS")["STATUS"]:
            pass
        manager.until("WATCHDOG")
        # A process whose threads all hang.
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        manager.silent("WATCHDOG", 0.2)
        assert manager.silent("WATCHDOG", 2.0)
        process.send_signal(signal.SIGCONT)
        manager.until("WATCHDOG")


def test_wrong_usage_is_no_readiness(start, manager):
    process = start("--source", "nowhere.jpg")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2 and errors.startswith("error: nowhere.jpg")
    manager.until("STOPPING")
    assert not any("READY" in message for message in manager.heard)

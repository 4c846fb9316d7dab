"""A long run on a camera with every sink at once, as a service would run it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from runtime.sources import open_source
from tests.support import tiny_detector
from tests.support.mjpeg_server import MjpegServer, jpegs
from tests.support.mosquitto import Listener, Mosquitto
from tests.support.paths import ROOT
from tests.support.ports import free_port

for package in ("websockets", "paho.mqtt.client", "prometheus_client", "edgefirst.tracker"):
    pytest.importorskip(package)


def fetched(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def until(condition, process):
    end = time.monotonic() + 60
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < end and process.poll() is None, "it never came to that"
        time.sleep(0.05)


def test_a_camera_that_goes_and_comes_with_every_sink(tmp_path):
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    page, metrics = free_port(), free_port()
    camera, broker = MjpegServer(jpegs([10, 100, 200]), fps=20), Mosquitto(tmp_path)
    with camera, broker, Listener(broker.port) as listener:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "runtime", str(tmp_path / "tiny.tflite"), "--source", camera.url, "--track",
                "--serve", str(page), "--metrics", str(metrics), "--mqtt", f"mqtt://{broker.address}/eye",
                "--json", str(tmp_path / "found.jsonl"), "--crops", f"{tmp_path / 'crops'},limit=7",
                "--out", str(tmp_path / "found.mp4"),
            ],
            cwd=ROOT, env={**os.environ, "EDGE_DETECTOR_TOKEN": ""}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

        def state():
            return json.loads(fetched(f"http://127.0.0.1:{page}/state.json"))

        try:
            until(lambda: state()["frames"] > 10, process)
            assert "track" in json.loads(listener.next(lambda topic, _: topic == "eye/detections")[1])["detections"][0]
            camera.stop()
            until(lambda: state()["source"]["state"] == "reopening", process)
            listener.all([("eye/source", "reopening")])
            assert re.search(r"^edge_detector_source_running 0", fetched(f"http://127.0.0.1:{metrics}/metrics"), re.M)
            frames = state()["frames"]
            camera.start()
            until(lambda: state()["frames"] > frames + 5, process)
            listener.all([("eye/source", "running")])
            said = state()
            assert said["gaps"] == 1 and said["dropped"]["sinks"]["crops"] > 0
            metered = fetched(f"http://127.0.0.1:{metrics}/metrics")
            assert re.search(r"^edge_detector_gaps_total 1", metered, re.M)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
        last, heard = {}, ("", "")
        while heard != ("eye/status", "offline"):
            heard = listener.next(lambda *_: True)[:2]
            last = json.loads(heard[1]) if heard[0] == "eye/state" else last
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    times = [line["time"] for line in lines]
    assert times == sorted(times) and abs(times[-1] - time.time()) < 120
    # The same object before and after the gap, or a new number: never two of one frame alike.
    assert all(len({found["track"] for found in line["detections"]}) == 2 for line in lines)
    assert len(list((tmp_path / "crops").rglob("*.jpg"))) == 7
    with open_source(str(tmp_path / "found.mp4")) as video:
        shown = [frame.image.shape for frame in video]
    assert set(shown) == {(96, 128, 3)}
    # A sink that is behind misses frames of a camera, which are counted but for one that it writes when the run ends.
    dropped = last["dropped"]["sinks"]
    for name, written in (("JsonLines", lines), ("video", shown)):
        assert len(written) + dropped[name] in (last["frames"], last["frames"] - 1), (name, dropped)
    assert last["frames"] > frames + 5, "those after the gap too"


@pytest.mark.parametrize("option", ["--serve", "--metrics"])
def test_a_port_in_use_ends_the_command_before_anything_is_written(tmp_path, option):
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    (tmp_path / "a.jpg").write_bytes(jpegs([9])[0])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [
                sys.executable, "-m", "runtime", "tiny.tflite", "--source", "a.jpg", "--json", "found.jsonl",
                option, str(port),
            ],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: {option}: 127.0.0.1:{port}: port {port} is in use by another program")
    assert not (tmp_path / "found.jsonl").exists() and "Traceback" not in done.stderr

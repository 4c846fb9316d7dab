"""From keys to a camera that runs another model, through the commands, with the real interpreter: signed, served,
downloaded, tried, taken over by a run that goes on, and given back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from runtime.common.command import exit_code
from runtime.telemetry.health import Health
from runtime.telemetry.release_status import ReleasesFile
from tests.support import tiny_detector
from tests.support.mjpeg_server import MjpegServer, encode
from tests.support.model_swap import scores_in_order
from tests.support.paths import ROOT
from tests.support.run_results import scores_in_order

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

from devices.keys import __main__ as keys
from devices.publish import __main__ as publish
from devices.update import __main__ as update
from devices.update.release_store import ReleaseStore
from devices.update.updater import Device

if not hasattr(signal, "SIGHUP"):
    pytest.skip("there is no SIGHUP", allow_module_level=True)


def export(run: Path, score: float, class_id: int = 1) -> Path:
    """A run with an export, whose model finds one thing of this class with this score, and a validation image."""
    folder = run / "export"
    folder.mkdir(parents=True)
    scores = np.array([[score, 0.1, 0.1]], np.float32)
    changed = {"b": np.array([[class_id, 0, 0]], np.float32), "c": scores}
    data = tiny_detector.build([(name, changed.get(name, array)) for name, array in tiny_detector.OUTPUTS])
    (folder / "detector_int8.tflite").write_bytes(data)
    (folder / "labels.txt").write_text("cat\ndog\nbird\n")
    entry = {"kind": "int8", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "AP": score}
    (folder / "manifest.json").write_text(json.dumps({"kit": "0", "files": {"detector_int8.tflite": entry}}))
    (run / "street.jpg").write_bytes(encode(np.full((60, 80, 3), 90, np.uint8)))
    (run / "dataset.json").write_text(json.dumps({"validation": [{"picture": str(run / "street.jpg")}]}))
    return run


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DETECTOR_PASSPHRASE", "correct horse battery")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def address(place):
    (place / "repository").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place / "repository")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def updated(address, *words) -> int:
    options = ["--repository", address, "--root", "keys/root.json", "--state", "device", "--health", "health.json"]
    return exit_code(update.main, [*options, *words])


def until(condition, process, log) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end and process.poll() is None, log.read_text()
        time.sleep(0.05)


def test_a_fleet_of_one(place, address, capsys, monkeypatch):
    assert keys.main(["keys"]) == 0
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in Path("keys").rglob("*.pem"))
    assert b"ENCRYPTED" in next(Path("keys/root").iterdir()).read_bytes()
    # The root's keys are not needed to publish.
    shutil.move("keys/root", "safe")
    assert publish.main([str(export(place / "a", 0.9)), "--repository", "repository", "--release", "a"]) == 0
    assert updated(address) == 0
    assert "on probation: a" in capsys.readouterr().out

    log, found = place / "log", place / "found.jsonl"
    with MjpegServer([encode(np.full((60, 80, 3), 90, np.uint8))], fps=20) as camera:
        command = [
            sys.executable, "-m", "runtime", "device/models/current/detector.tflite", "--source", camera.url,
            "--health", "health.json", "--json", str(found), "--policy", "block", "--threads", "1",
        ]  # fmt: skip
        with open(log, "w") as errors:
            process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=errors)
        try:
            until(lambda: (health := Health.read("health.json")) and health.frames, process, log)
            assert updated(address, "--probation", "1") == 0
            assert "updated: a" in capsys.readouterr().out
            assert publish.main([str(export(place / "b", 0.8)), "--repository", "repository", "--release", "b"]) == 0
            assert updated(address, "--probation", "1") == 0
            assert "updated: b" in capsys.readouterr().out
            assert Health.read("health.json").model == str(place / "device" / "models" / "b" / "detector_int8.tflite")
            # One that the runtime does not get to run: the file changes after its self-test.
            assert publish.main([str(export(place / "c", 0.7)), "--repository", "repository", "--release", "c"]) == 0
            switch = Device.switch

            def spoil(self, name):
                (self.layout.models / name / "detector_int8.tflite").write_bytes(b"spoilt")
                return switch(self, name)

            with monkeypatch.context() as spoiling:
                spoiling.setattr(Device, "switch", spoil)
                assert updated(address, "--probation", "1") == 1
            said = capsys.readouterr().out
            assert "returned: b (c: the runtime does not take it: " in said
            assert os.readlink("device/models/current") == "b"
            # The publisher takes b back too, from wherever it is.
            assert publish.main(["--repository", "repository", "--withdraw", "b", "--reason", "too slow"]) == 0
            assert updated(address, "--probation", "1") == 0
            assert "updated: a" in capsys.readouterr().out
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
            assert camera.connections == 1
        finally:
            process.kill()
            process.wait()
    lines = [json.loads(line) for line in found.read_text().splitlines()]
    scores = [(line["frame"], round(line["detections"][0]["score"], 1)) for line in lines]
    assert scores_in_order(scores, log.read_text()) == [0.9, 0.8, 0.9]


def test_releases_that_are_held_in_the_shadow(place, address, capsys, monkeypatch):
    """One that agrees, one that does not, and one that the runtime cannot load."""
    assert keys.main(["keys"]) == 0
    assert publish.main([str(export(place / "a", 0.9)), "--repository", "repository", "--release", "a"]) == 0
    assert updated(address) == 0
    log = place / "log"
    hold = ["--probation", "1", "--shadow-for", "1s", "--shadow-frames", "25"]

    def shadow():
        health = Health.read("health.json")
        return health.shadow if health is not None else None

    with MjpegServer([encode(np.full((60, 80, 3), 90, np.uint8))], fps=20) as camera:
        command = [
            sys.executable, "-m", "runtime", "device/models/current/detector.tflite", "--source", camera.url,
            "--health", "health.json", "--json", str(place / "found.jsonl"), "--policy", "block", "--threads", "1",
            "--shadow", "device/shadow/detector.tflite,follow=on,share=1",
        ]  # fmt: skip

        def started():
            with open(log, "a") as errors:
                return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=errors)

        process = started()
        try:
            until(lambda: (health := Health.read("health.json")) and health.frames, process, log)
            assert shadow() is None and updated(address, "--probation", "1") == 0
            for name, score, class_id in (("b", 0.8, 1), ("c", 0.9, 2)):
                run = str(export(place / name, score, class_id))
                assert publish.main([run, "--repository", "repository", "--release", name]) == 0
                capsys.readouterr()
                assert updated(address, *hold) == 0
                assert f"held: {'a' if name == 'b' else 'b'} ({name} is compared with it first: 0 s of 1 s" in capsys.readouterr().out
                if name == "b":
                    # The run ends in the middle; the next one goes on with what it has compared.
                    until(lambda: (found := shadow()) and found.frames >= 5, process, log)
                    before = shadow()
                    process.send_signal(signal.SIGTERM)
                    assert process.wait(30) == 0, log.read_text()
                    process = started()
                    until(shadow, process, log)
                    assert shadow().id == before.id and shadow().frames >= before.frames
                until(lambda: (found := shadow()) and found.frames >= 25 and found.seconds >= 1, process, log)
                assert Path(shadow().model).parent.name == name
                code = updated(address, *hold)
                said = capsys.readouterr()
                if name == "b":
                    assert code == 0 and "updated: b" in said.out and "b: good: compared with a for" in said.err
                else:
                    assert code == 1 and "refused: b (c: in the shadow: compared with b for" in said.out
                    assert "dog not once (" in said.out and not os.path.lexists("device/shadow")
                assert os.readlink("device/models/current") == "b"
                told = {each.release: each.state for each in ReleasesFile().read(Health.read("health.json").model)}
                assert told == ({"b": "taken"} if name == "b" else {"c": "refused"})
                until(lambda: shadow() is None, process, log)
            # One whose file changes after its self-test.
            assert publish.main([str(export(place / "d", 0.7)), "--repository", "repository", "--release", "d"]) == 0
            set_shadow = ReleaseStore.set_shadow

            def spoil(self, name):
                if name:
                    (self.folder(name) / "detector_int8.tflite").write_bytes(b"spoilt")
                set_shadow(self, name)

            with monkeypatch.context() as spoiling:
                spoiling.setattr(ReleaseStore, "set_shadow", spoil)
                assert updated(address, *hold) == 0
            until(lambda: (found := shadow()) and found.error, process, log)
            assert updated(address, *hold) == 1
            assert "refused: b (d: in the shadow: the runtime cannot run it beside b: " in capsys.readouterr().out
            assert Health.read("health.json").reloads == 1, "only for b: the run was never disturbed else"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
            assert camera.connections == 2
        finally:
            process.kill()
            process.wait()


def test_a_stick_for_a_device_without_a_network(place, capsys):
    assert keys.main(["keys", "--root-count", "3", "--threshold", "2"]) == 0
    words = [str(export(place / "a", 0.9)), "--repository", "repository", "--release", "a", "--bundle", "stick.tar"]
    assert publish.main(words) == 0
    assert "stick.tar: " in capsys.readouterr().out
    options = ["--file", "stick.tar", "--root", "keys/root.json", "--state", "device", "--health", "health.json"]
    assert update.main([*options, "--probation", "0"]) == 0
    assert "updated: a (self-test passed)" in capsys.readouterr().out
    # A key was lost: two of the three that are left sign for a new one.
    lost = sorted(Path("keys/root").iterdir())[0]
    name = lost.stem
    lost.unlink()
    assert keys.main(["keys", "--rotate", "root", "--key", name]) == 0
    assert keys.main(["keys", "--rotate", "targets"]) == 0
    assert publish.main(["--repository", "repository", "--refresh"]) == 0
    assert publish.main(["--repository", "repository", "--bundle", "stick.tar"]) == 0
    assert update.main([*options, "--probation", "0"]) == 0
    assert "up to date: a" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing", "--repository", "r"], "or, for a model without its run, see docs/how-to/updates.md"),
        (["--repository", "r"], "give a RUN to publish, or one of --percent, --withdraw, --refresh"),
        (["--repository", "r", "--withdraw", "x"], "r: offers devices no release yet"),
        (["a", "--repository", "r", "--release", "../x"], "--release '../x': give a name of up to 64"),
    ],
)
def test_wrong_usage_of_publish(place, capsys, words, said):
    assert keys.main(["keys"]) == 0
    export(place / "a", 0.9)
    capsys.readouterr()
    assert exit_code(publish.main, words) == 2
    assert said in capsys.readouterr().err and not Path("r").exists()


def test_what_is_not_as_the_manifest_says_is_not_published(place, capsys):
    assert keys.main(["keys"]) == 0
    run = export(place / "a", 0.9)
    path = run / "export" / "detector_int8.tflite"
    path.write_bytes(path.read_bytes() + b"!")
    assert exit_code(publish.main, ["a", "--repository", "r"]) == 2
    assert "is not the file that manifest.json lists; run python -m convert again" in capsys.readouterr().err


def test_a_model_that_finds_nothing_is_not_published(place, capsys):
    assert keys.main(["keys"]) == 0
    export(place / "a", 0.3)
    assert exit_code(publish.main, ["a", "--repository", "r"]) == 2
    said = capsys.readouterr().err
    assert "none of 1 images shows a device whether the model works" in said
    assert "nothing is found in it with a score of 0.5" in said


def test_passphrases(place, capsys, monkeypatch):
    monkeypatch.setenv("EDGE_DETECTOR_PASSPHRASE", "short")
    assert exit_code(keys.main, ["keys"]) == 2
    assert "the passphrase has 5 characters; take 12 or more" in capsys.readouterr().err
    monkeypatch.delenv("EDGE_DETECTOR_PASSPHRASE")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert exit_code(keys.main, ["keys"]) == 2
    assert "set EDGE_DETECTOR_PASSPHRASE, or give --passphrase-file FILE" in capsys.readouterr().err
    Path("phrase").write_text("correct horse battery\n")
    assert keys.main(["keys", "--passphrase-file", "phrase"]) == 0
    assert exit_code(keys.main, ["keys", "--passphrase-file", "phrase"]) == 2
    assert "there are keys already" in capsys.readouterr().err
    Path("phrase").write_text("incorrect horse battery\n")
    export(place / "a", 0.9)
    assert exit_code(publish.main, ["a", "--repository", "r", "--passphrase-file", "phrase"]) == 2
    assert "the passphrase is wrong, or the file damaged" in capsys.readouterr().err

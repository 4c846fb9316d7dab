"""The doctor on recorded machines, one for each Linux profile, and on this one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Tuple

import pytest

from tests.support.paths import TESTS

pytest.importorskip("yaml")
pytest.importorskip("pydantic")

from devices.boards import catalogue
from devices.doctor import __main__ as doctor
from devices.doctor import checks
from devices.doctor.checks import FAILURE, OK, WARNING, Finding, HostUnderTest
from devices.host import systemd_service, time_limit
from devices.host.host import Host, recorded_name
from runtime.common import plugins
from runtime.telemetry import release_status
from runtime.telemetry.health import CameraHealth, Health
from runtime.telemetry.release_status import ReleaseStatus
from tests.support import tiny_detector
from tests.support.edgetpu_library import edgetpu_library

TREES = TESTS / "device_trees"
NAMES = sorted(path.name for path in TREES.iterdir() if path.is_dir())

# What is not well in each: check, level, and some words of it.
ILL = {
    "coral-dev-board": [("system", FAILURE, "Python 3.7: the kit runs on 3.9 to 3.13")],
    "coral-dev-board-mini": [
        ("system", FAILURE, "Python 3.7"),
        ("cameras", WARNING, "no camera"),
    ],
    "coral-usb-on-pi": [],
    "coral-usb-on-x86": [
        ("cameras", WARNING, "no camera"),
        ("edgetpu", WARNING, "the Edge TPU at /dev/bus/usb/001/007 is on USB 2 (480 Mbit/s)"),
        ("edgetpu", WARNING, "no udev rule"),
        ("edgetpu", FAILURE, "libedgetpu.so.1 is not installed"),
    ],
    "generic-arm64": [
        ("pycoral", WARNING, "/usr/local/lib/python3.11/dist-packages/pycoral: the package pycoral that pip finds"),
        ("clock", WARNING, "held below the 2400 MHz"),
    ],
    "generic-x86-64": [],
    "raspberry-pi-3b-plus": [
        ("temperature", WARNING, "62 °C: from 60 on"),
        ("power", WARNING, "the soft limit of temperature at this moment (0x80008)"),
    ],
    "raspberry-pi-3b-plus-32": [("cameras", WARNING, "not in the group video")],
    "raspberry-pi-4": [
        ("temperature", WARNING, "81 °C: from 80 on"),
        ("power", FAILURE, "under-voltage and throttling at this moment (0x50005)"),
        ("disk", WARNING, "302 MB free"),
    ],
    "raspberry-pi-4-32": [
        ("system", FAILURE, "no interpreter has a wheel for Python 3.13 on 32-bit ARM"),
        ("cameras", WARNING, "no camera"),
    ],
    "raspberry-pi-5": [],
    "raspberry-pi-zero-2-w": [
        ("cameras", WARNING, "no camera"),
        ("cameras", WARNING, "start_x=1"),
        ("power", WARNING, "under-voltage and throttling since the last start"),
        ("time", WARNING, "not set by the network"),
    ],
    "raspberry-pi-zero-2-w-32": [
        ("board", WARNING, "366 MB of memory"),
        ("disk", FAILURE, "cannot be written"),
    ],
}
WELL = {
    "coral-dev-board": ["Edge TPU on PCIe, driver 1.1.4, 58 °C", "libedgetpu1-std 16.0", "i.MX6S_CSI"],
    "coral-dev-board-mini": ["Edge TPU on USB, 480 Mbit/s; waiting for its firmware"],
    "coral-usb-on-pi": [
        "Edge TPU on USB, 5000 Mbit/s; its firmware is loaded",
        "udev rule in /lib/udev/rules.d/60-libedgetpu1-std.rules",
    ],
    "raspberry-pi-5": [
        "Raspberry Pi 5 Model B Rev 1.0 (aarch64): raspberry-pi-5",
        "4 cores, with dot products",
        "runs files with ai-edge-litert 2.3.0",
        "libcamera has imx708 (4608x2592); --source picamera",
        "no under-voltage",
    ],
    "raspberry-pi-4": ["4 cores, without dot products"],
    "raspberry-pi-3b-plus-32": ["tflite-runtime 2.14.0", "/dev/video4, HD Pro Webcam C920"],
    "generic-x86-64": ["ASUSTeK COMPUTER INC. MINIPC PN42", "governor powersave"],
}


def examined(root: Path, **under_test) -> List[Tuple[str, Finding]]:
    """What the checks find, without a process for each."""
    machine = Host(root)
    under_test = HostUnderTest(machine, under_test.pop("profile", None) or catalogue.identify(machine), **under_test)
    return [
        (plugins.name_of(module), finding)
        for module in checks.modules()
        if not module.LIVE
        for finding in module.check(under_test)
    ]


@pytest.fixture
def tree(tmp_path):
    """A copy of a recorded machine, to change."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(TREES / name, tmp_path / name))

    return copy


def test_every_linux_profile_has_its_machine():
    assert sorted(profile.name for profile in catalogue.profiles() if profile.kind == "linux") == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_machine_is_recognised(name):
    assert catalogue.identify(Host(TREES / name)).name == name


@pytest.mark.parametrize("name", NAMES)
def test_what_ails_a_recorded_machine_is_found(name):
    findings = examined(TREES / name)
    ill = [(check, finding) for check, finding in findings if finding.level != OK]
    assert [(check, finding.level) for check, finding in ill] == [entry[:2] for entry in ILL[name]]
    for (_, finding), (_, _, words) in zip(ill, ILL[name]):
        assert words in finding.text
        assert finding.fix
    said = [finding.text for _, finding in findings if finding.level == OK]
    for words in WELL.get(name, ()):
        assert any(words in text for text in said), words
    # What a person reads has the machine's own paths.
    assert not any(str(TREES) in finding.text + finding.fix for _, finding in findings)


def test_a_device_that_it_is_not():
    first = examined(TREES / "raspberry-pi-4", profile=catalogue.find("raspberry-pi-5"))[0][1]
    said = "Raspberry Pi 4 Model B Rev 1.4 (aarch64): is no Raspberry Pi 5"
    assert first == checks.failure(said, "--device raspberry-pi-4")


def test_the_right_board_with_the_other_system():
    profile = catalogue.find("raspberry-pi-4")
    ill = [finding for _, finding in examined(TREES / "raspberry-pi-4-32", profile=profile)]
    assert ill[0].level == FAILURE and ill[0].fix == "--device raspberry-pi-4-32"


def test_an_accelerator_that_should_be_there():
    findings = dict(examined(TREES / "raspberry-pi-5", profile=catalogue.find("coral-usb-on-pi")))
    assert findings["edgetpu"].level == FAILURE and "no Edge TPU on USB" in findings["edgetpu"].text


def test_an_unknown_board(tree):
    root = tree("raspberry-pi-5")
    (root / "commands/uname_-m").write_text("riscv64\n")
    assert catalogue.identify(Host(root)) is None
    first = examined(root)[0][1]
    assert first.level == WARNING and "(riscv64): the kit has no profile of it" in first.text


def test_a_chip_that_lost_its_driver(tree):
    root = tree("coral-dev-board")
    (root / "dev/apex_0").unlink()
    ill = [finding for name, finding in examined(root) if name == "edgetpu" and finding.level == FAILURE]
    assert ill and "/dev/apex_0 is missing" in ill[0].text + ill[0].fix and str(root) not in ill[0].text


def test_a_hot_chip(tree):
    root = tree("coral-dev-board")
    (root / "sys/class/apex/apex_0/temp").write_text("92000\n")
    assert any(finding.level == WARNING and "92 °C" in finding.text for _, finding in examined(root))


def test_voltage_by_the_kernels_own_watch(tree):
    root = tree("raspberry-pi-5")
    (root / "commands/vcgencmd_get_throttled").unlink()
    monitor = root / "sys/class/hwmon/hwmon2"
    monitor.mkdir(parents=True)
    (monitor / "name").write_text("rpi_volt\n")
    (monitor / "in0_lcrit_alarm").write_text("0\n")
    assert dict(examined(root))["power"].level == OK
    (monitor / "in0_lcrit_alarm").write_text("1\n")
    assert dict(examined(root))["power"].level == FAILURE


@pytest.mark.parametrize(
    ("flags", "level", "words"),
    [
        ("0x0", [OK], "no under-voltage"),
        ("0x1", [FAILURE], "under-voltage at this moment"),
        ("0x2", [WARNING], "a capped clock at this moment"),
        ("0x20000", [WARNING], "a capped clock since the last start"),
        ("0xf0000", [WARNING], "under-voltage and a capped clock and throttling and the soft limit"),
        ("0xe0008", [WARNING, WARNING], "the soft limit of temperature at this moment"),
    ],
)
def test_each_flag_of_the_supply(tree, flags, level, words):
    root = tree("raspberry-pi-5")
    (root / "commands/vcgencmd_get_throttled").write_text(f"throttled={flags}\n")
    said = [finding for name, finding in examined(root) if name == "power"]
    assert [finding.level for finding in said] == level and words in said[0].text


def test_libcameras_own_lister(tree):
    root = tree("raspberry-pi-5")
    (root / "commands/rpicam-hello_--list-cameras").unlink()
    (root / "commands/cam_--list").write_text("Available cameras:\n1: 'imx219' (/base/axi/pcie@120000/rp1/imx219@10)\n")
    assert dict(examined(root))["cameras"].text == "libcamera has imx219; --source picamera"


def test_a_disk_that_is_full(tree):
    root = tree("raspberry-pi-5")
    place = root / "commands/df_-Pk"
    place.write_text(place.read_text().replace("22000000", "51200"))
    said = dict(examined(root))["disk"]
    assert said.level == FAILURE and "50 MB free" in said.text


UPDATE_FILE = f"commands/{recorded_name(['systemctl', 'show', 'edge-detector-update.service', systemd_service.PROPERTIES])}"


def test_updates(tree):
    root = tree("raspberry-pi-5")

    def said():
        return [(found.level, found.text) for name, found in examined(root) if name == "updates"]

    assert not said(), "they are not switched on"
    config, releases = root / "etc/edge-detector", root / "var/lib/edge-detector/update/releases.json"
    config.mkdir(parents=True)
    (config / "update.yaml").touch()
    assert said() == [(WARNING, "no update is taken: there is no /etc/edge-detector/root.json")]
    (config / "root.json").touch()
    assert not said()
    (root / UPDATE_FILE).write_text(SERVICE.format("failed", "failed", 0))
    assert said() == [(FAILURE, "the last update failed")]
    states = [
        ReleaseStatus("41", "refused", reason="self-test: finds nothing; mend it"), ReleaseStatus("42", "held", reason="no runtime.yaml"),
        ReleaseStatus("43", "held"), ReleaseStatus("44", "postponed", reason="no memory"),
    ]  # fmt: skip
    release_status.write(releases, states)
    assert said() == [
        (WARNING, "release 41 was refused: self-test: finds nothing"),
        (WARNING, "release 42 is held, and nothing is compared: no runtime.yaml"),
        (OK, "release 43: held"),
        (WARNING, "release 44 was put off: no memory"),
    ]


SERVICE = "LoadState=loaded\nActiveState={}\nSubState={}\nNRestarts={}\nMainPID=812\n"
SERVICE_FILE = f"commands/{recorded_name(['systemctl', 'show', systemd_service.UNIT, systemd_service.PROPERTIES])}"


@pytest.mark.parametrize(
    ("state", "fps", "level", "words"),
    [
        (("active", "running", 0), 9.8, OK, "runs /srv/detector.tflite with cpu, 9.8 frames a second"),
        (("active", "running", 3), 9.8, OK, "frames a second, started again 3 times"),
        (("active", "running", 0), 0.0, WARNING, "nothing comes from its source (reopening)"),
        (("active", "running", 0), None, WARNING, "says nothing of how it is doing"),
        (("activating", "auto-restart", 7), None, FAILURE, "does not stay up, started again 7 times"),
        (("failed", "failed", 0), None, FAILURE, "does not stay up"),
        (("inactive", "dead", 0), None, WARNING, "is installed, and does not run"),
    ],
)
def test_the_kits_service(tree, state, fps, level, words):
    root = tree("raspberry-pi-5")
    assert "service" not in dict(examined(root))
    (root / SERVICE_FILE).write_text(SERVICE.format(*state))
    if fps is not None:
        health = Health(1.0, 0.0, 812, "/srv/detector.tflite", "", 90, fps, "cpu", "running", 0, "reopening")
        place = root / "run/edge-detector/health.json"
        place.parent.mkdir(parents=True)
        place.write_text(health.text())
    said = dict(examined(root))["service"]
    assert said.level == level and words in said.text


def test_cameras_of_the_kits_service_that_are_down(tree):
    root = tree("raspberry-pi-5")
    (root / SERVICE_FILE).write_text(SERVICE.format("active", "running", 0))
    cameras = {"door": CameraHealth("running", 90, 9.0), "yard": CameraHealth("reopening", 0, 0.0), "hall": CameraHealth("ended", 5, 0.0)}
    health = Health(1.0, 0.0, 812, "/srv/detector.tflite", "", 90, 9.0, "cpu", "running", 0, "reopening", cameras=cameras)
    place = root / "run/edge-detector/health.json"
    place.parent.mkdir(parents=True)
    place.write_text(health.text())
    assert Health.read(place) == health
    said = dict(examined(root))["service"]
    assert said.level == WARNING and said.text.endswith("of its cameras, there is nothing from yard")


def test_a_chip_that_the_kits_service_has(tree):
    root = tree("coral-usb-on-pi")
    holder = root / "proc/812/fd"
    holder.mkdir(parents=True)
    (holder.parent / "comm").write_text("python3\n")
    (holder / "9").symlink_to(root / "dev/bus/usb/002/003")
    ill = [finding for _, finding in examined(root) if finding.level == FAILURE]
    assert len(ill) == 1 and "is in use by process 812 (python3)" in ill[0].text
    (root / SERVICE_FILE).write_text(SERVICE.format("active", "running", 0))
    assert not [finding for _, finding in examined(root) if finding.level == FAILURE]


def test_an_empty_machine_is_no_crash(tmp_path):
    levels = {finding.level for _, finding in examined(tmp_path)}
    assert levels == {WARNING, FAILURE, OK}


def test_what_only_the_machine_itself_can_try_is_said():
    report = doctor.examine(HostUnderTest(Host(TREES / "raspberry-pi-5")), ["board", "interpreter", "frame"])
    assert report.untried == ("interpreter", "frame") and report.exit_code == 0
    assert "not tried on a recorded machine: interpreter, frame" in doctor.table(report)


def command(capsys, *arguments: str) -> Tuple[int, str]:
    code = doctor.main(list(arguments))
    return code, capsys.readouterr().out


def test_the_command_for_programs(capsys):
    code, out = command(capsys, "--root", str(TREES / "raspberry-pi-4"), "--json")
    said = json.loads(out)
    assert code == 1 and said["device"] == "raspberry-pi-4" and said["ok"] is False
    assert said["counts"] == {"ok": 8, "warning": 2, "failure": 1}
    assert {"check": "board", "level": "ok", "text": "3,793 MB of memory", "mend": ""} in said["findings"]


def test_the_command_for_people(capsys):
    code, out = command(capsys, "--root", str(TREES / "raspberry-pi-3b-plus"), "--only", "board,power")
    assert code == 0
    assert out.splitlines() == [
        "Raspberry Pi 3 Model B Plus Rev 1.3 (raspberry-pi-3b-plus)",
        "",
        "  board  ok       Raspberry Pi 3 Model B Plus Rev 1.3 (aarch64): raspberry-pi-3b-plus",
        "         ok       4 cores, without dot products of bytes, which make int8 files fast",
        "         ok       909 MB of memory",
        "  power  warning  the soft limit of temperature at this moment (0x80008)",
        "                  > a heat sink or a fan, then restart, which clears the flags",
        "",
        "1 warning",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "cheese"], "--only cheese: there is no such check; there are board, system"),
        (["--root", "no-such-folder"], "--root no-such-folder: no such folder"),
        (["--device", "raspberry-pi-55"], "did you mean raspberry-pi-5"),
        (["--device", "iphone-a12"], "--device iphone-a12: runs an app"),
        (["--golden", "here"], "--golden: is for the file that --model names"),
    ],
)
def test_wrong_usage_ends_with_2(capsys, arguments, words):
    from runtime.common.command import exit_code

    assert exit_code(doctor.main, arguments) == 2
    assert words in capsys.readouterr().err


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a check has a process of its own where there is fork")


@needs_fork
def test_a_call_that_hangs_is_ended_with_what_it_started(tmp_path):
    def hang() -> None:
        started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        (tmp_path / "pid").write_text(str(started.pid))
        started.wait()

    began = time.monotonic()
    assert time_limit.call_with_timeout(hang, 1.0) == time_limit.Result(problem="gave no answer for 1 s")
    assert time.monotonic() - began < 30
    gone = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    if Path("/proc/self").exists():
        deadline = time.monotonic() + 10
        while gone.exists() and " Z " not in gone.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not gone.exists() or " Z " in gone.read_text()


@needs_fork
def test_a_call_that_crashes():
    assert time_limit.call_with_timeout(lambda: os.kill(os.getpid(), signal.SIGKILL), 10) == time_limit.Result(problem="crashed (SIGKILL)")
    assert time_limit.call_with_timeout(lambda: os._exit(3), 10) == time_limit.Result(problem="ended without an answer")


@needs_fork
def test_a_call_that_ends_well_or_raises(capfd):
    assert time_limit.call_with_timeout(lambda: [print("noise"), 7][1:], 10) == time_limit.Result([7])
    assert time_limit.call_with_timeout(lambda: 1 / 0, 10) == time_limit.Result(problem="ZeroDivisionError: division by zero")
    assert time_limit.call_with_timeout(lambda: "x" * 1_000_000, 10).value == "x" * 1_000_000
    assert capfd.readouterr().out == ""


@needs_fork
def test_a_check_that_hangs_does_not_hang_the_doctor(monkeypatch):
    from devices.doctor.checks import disk, power

    monkeypatch.setattr(power, "SECONDS", 0.3)
    monkeypatch.setattr(power, "check", lambda under_test: [time.sleep(60)])
    monkeypatch.setattr(disk, "check", lambda under_test: [os.kill(os.getpid(), signal.SIGKILL)])
    report = doctor.examine(HostUnderTest(Host(TREES / "raspberry-pi-5")), ["power", "disk", "time"])
    assert [(name, finding.level, finding.text) for name, finding in report.findings] == [
        ("power", FAILURE, "the check gave no answer for 0.3 s"),
        ("disk", FAILURE, "the check crashed (SIGKILL)"),
        ("time", OK, "the clock is set by the network"),
    ]
    assert report.exit_code == 1


def test_what_needs_a_missing_package_says_so(monkeypatch):
    from devices.doctor.checks import disk

    def check(under_test: HostUnderTest) -> list:
        import no_such_package

        return [no_such_package]

    monkeypatch.setattr(disk, "check", check)
    ((_, finding),) = doctor.examine(HostUnderTest(Host(TREES / "raspberry-pi-5")), ["disk"]).findings
    assert finding == Finding(FAILURE, "cannot be tried: No module named 'no_such_package'", doctor.INSTALL)


def test_this_machine(capsys):
    """Whatever it is, with the kit's own image: the one inference of these tests."""
    code, out = command(capsys, "--json", "--only", "board,system,interpreter,selftest,disk")
    said = json.loads(out)
    found = {finding["check"]: finding for finding in said["findings"]}
    assert found["selftest"]["level"] == "ok" and "finds what it should" in found["selftest"]["text"]
    assert found["interpreter"]["level"] in ("ok", "warning")
    assert code == (0 if said["ok"] else 1)


@pytest.fixture
def compiled(tmp_path, edgetpu_library, monkeypatch):
    """A file for the Edge TPU, and the stand-in for its library."""
    from runtime.inference.engines import edgetpu

    monkeypatch.setattr(edgetpu, "LIBRARY", str(edgetpu_library))
    path = tmp_path / "tiny_int8_edgetpu.tflite"
    path.write_bytes(tiny_detector.build(compiled=True))
    return HostUnderTest(Host(), None, str(path))


def test_an_inference_on_the_chip(compiled, monkeypatch):
    (_, finding), *more = doctor.examine(compiled, ["model"]).findings
    assert finding.level == OK and "tiny_int8_edgetpu.tflite: runs, in " in finding.text and not more
    monkeypatch.setenv("EDGETPU_STANDIN", "fail")
    (_, finding), *more = doctor.examine(compiled, ["model"]).findings
    assert finding.level == FAILURE and "the Edge TPU cannot be used" in finding.text and finding.fix


@needs_fork
@pytest.mark.parametrize(
    ("what", "seconds", "said"), [("hang", 2.0, "gave no answer for 2 s"), ("crash", 90.0, "crashed (SIG")]
)
def test_a_chip_that_hangs_or_crashes(compiled, monkeypatch, what, seconds, said):
    from devices.doctor.checks import model

    monkeypatch.setattr(model, "SECONDS", seconds)
    monkeypatch.setenv("EDGETPU_STANDIN", what)
    monkeypatch.setenv("EDGETPU_STANDIN_RUN", "1")
    (_, finding), *more = doctor.examine(compiled, ["model"]).findings
    assert finding.level == FAILURE and said in finding.text and not more


@pytest.mark.parametrize(
    ("grey", "level", "said"),
    [(None, OK, "gives 320x320"), (3, WARNING, "gives 320x320, all dark"), (90, WARNING, "320, all of one colour")],
)
def test_a_frame(tmp_path, monkeypatch, grey, level, said):
    """An image in a camera's place: what is looked at is the image."""
    import numpy as np

    from devices.selftest import selftest
    from runtime.machine import v4l2_devices
    from runtime.media import images

    source = selftest.GOLDEN / "00_square.png"
    if grey is not None:
        source = tmp_path / "grey.png"
        images.write(source, np.full((320, 320, 3), grey, np.uint8))
    monkeypatch.setattr(v4l2_devices, "cameras", lambda: [(str(source), "an image")])
    ((_, finding),) = doctor.examine(HostUnderTest(Host()), ["frame"]).findings
    assert finding.level == level and finding.text.startswith(f"{source} gives") and finding.text.endswith(said)


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"TFL3 no model")
    under_test = HostUnderTest(Host(), None, str(tmp_path / "broken.tflite"))
    report = doctor.examine(under_test, ["model"])
    assert report.exit_code == 1 and "broken.tflite" in report.findings[0][1].text

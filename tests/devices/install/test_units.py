"""The units that are installed: right and shut in by systemd's own word, and the runtime lives with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devices.boards import catalogue
from tests.support import confined, tiny_detector
from tests.support.debian_root import SERVICE, UPDATE, install, system
from tests.support.edgetpu_library import edgetpu_library
from tests.support.paths import ROOT

LINUX = [profile.name for profile in catalogue.profiles() if profile.kind == "linux"]

if not sys.platform.startswith("linux"):
    pytest.skip("systemd is Linux's", allow_module_level=True)


@pytest.fixture(scope="session")
def units(tmp_path_factory):
    """systemd's own units in a root folder, for systemd-analyze to resolve names."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; Debian's package systemd has it")
    said = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True).stdout
    if int(re.search(r"\d+", said)[0]) < 250:
        pytest.skip("systemd-analyze is older than version 250, which rates units without a running systemd")
    root = tmp_path_factory.mktemp("units")
    shutil.copytree("/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    # A minimal Debian has a shell, but not even kill.
    for name in ("bin/sh", "opt/edge-detector/venv/bin/python"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("#!/bin/sh\n")
        (root / name).chmod(0o755)
    return root


@pytest.mark.parametrize(("device", "version"), [*((name, 252) for name in LINUX), ("raspberry-pi-5", 257)])
def test_units_are_right_and_shut_in(system, units, device, version):
    library = system / "usr/lib/aarch64-linux-gnu/systemd/libsystemd-shared-252.so"
    library.rename(library.with_name(f"libsystemd-shared-{version}.so"))
    assert install(system, "--apply", "--repository", "https://models.example/", device=device) == 0
    shutil.rmtree(units / "etc", ignore_errors=True)
    shutil.copytree(system / "etc/systemd", units / "etc/systemd", symlinks=True)
    names = ["edge-detector.service", "edge-detector-update.service", "edge-detector-update.timer"]
    command = ["systemd-analyze", "--root", str(units), "--man=no", "verify", *names]
    done = subprocess.run(command, capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "edge-detector" in line]
    assert ("RestartSteps=6" in (system / SERVICE).read_text()) == (version >= 254)
    if version >= 254:
        # This machine's systemd-analyze may be older.
        said = [line for line in said if "RestartSteps" not in line and "RestartMaxDelaySec" not in line]
    assert not said and (done.returncode == 0 or version >= 254), done.stderr
    for unit in (SERVICE, UPDATE):
        command = ["systemd-analyze", "security", "--offline=yes", "--threshold=30", "--no-pager", str(system / unit)]
        rated = subprocess.run(command, capture_output=True, text=True)
        assert rated.returncode == 0, rated.stdout
        assert float(re.search(r"exposure level for \S+: ([\d.]+)", rated.stdout)[1]) <= 2.0


def test_the_service_gets_its_devices_and_no_others(system):
    install(system, "--apply", device="coral-usb-on-pi")
    text = (system / SERVICE).read_text()
    assert re.findall(r"^DeviceAllow=(\S+) rw$", text, re.M) == [
        "char-video4linux", "char-media", "char-dma_heap", "char-usb_device"
    ]  # fmt: skip
    assert "SupplementaryGroups=video plugdev" in text and "PrivateDevices" not in text
    update = (system / UPDATE).read_text()
    assert re.findall(r"^DeviceAllow=(\S+) rw$", update, re.M) == ["char-usb_device"]
    rules = list((system / "etc/udev/rules.d/60-edge-detector-coral.rules").read_text().splitlines())
    assert rules[1:] == list(catalogue.find("coral-usb-on-pi").udev.rules)
    install(system, "--remove")
    install(system, "--apply")
    assert not (system / "etc/udev").exists() and "PrivateDevices=yes" in (system / UPDATE).read_text()


def opened(system, unit):
    return re.findall(r"^DeviceAllow=(\S+) rw$", (system / unit).read_text(), re.M)


@pytest.mark.parametrize("name", LINUX)
def test_gpus_and_npus_of_a_profile_may_be_opened(system, name):
    """The delegate library of the maker runs in the service, and in the self-test of a new model."""
    profile = catalogue.find(name)
    chips = list(profile.delegate_devices)
    assert bool(chips) == any(word in " ".join(profile.delegates) for word in ("GPU", "NPU"))
    install(system, "--apply", "--repository", "https://models.example/", device=name)
    assert opened(system, SERVICE)[len(opened(system, SERVICE)) - len(chips) :] == chips
    assert [name for name in opened(system, UPDATE) if name in chips] == chips
    for unit in (SERVICE, UPDATE):
        text = (system / unit).read_text()
        assert not chips or "PrivateDevices" not in text
        assert not chips or "render" in re.search("^SupplementaryGroups=(.*)$", text, re.M)[1].split()


@pytest.mark.parametrize("name", ["raspberry-pi-5", "coral-usb-on-pi", "generic-arm64"])
def test_a_delegate_that_the_user_has_chosen_opens_its_devices(system, name, capsys):
    words = ["--apply", "--repository", "https://models.example/"]
    install(system, *words, device=name)
    before = opened(system, SERVICE)
    config = system / "etc/edge-detector/runtime.yaml"
    text = re.sub(r"^engine: .*$", "engine: delegate", config.read_text(), flags=re.M)
    text = re.sub(r"^device: .*\n", "", text, flags=re.M).replace("\nthreads:", "\ndevice: /usr/lib/libx.so,a=b\nthreads:")
    config.write_text(text)
    capsys.readouterr()
    install(system, *words, device=name)
    assert "it may open GPUs and NPUs, for engine: delegate: /dev/dri/renderD128" in capsys.readouterr().out
    assert config.read_text() == text
    for unit in (SERVICE, UPDATE):
        assert {"/dev/dri/renderD128", "/dev/mali0", "/dev/galcore", "/dev/rknpu"} <= set(opened(system, unit))
        assert len(set(opened(system, unit))) == len(opened(system, unit))
        assert "render" in re.search("^SupplementaryGroups=(.*)$", (system / unit).read_text(), re.M)[1].split()
    assert set(before) <= set(opened(system, SERVICE)) and "render" in (system / "etc/group").read_text()
    update = (system / "etc/edge-detector/update.yaml").read_text()
    assert "engine: delegate\ndevice: '/usr/lib/libx.so,a=b'\n" in update


def test_the_updater_waits_for_the_time_but_not_for_ever(system):
    install(system, "--apply")
    text = (system / UPDATE).read_text()
    after, wants = (re.search(f"^{name}=(.*)$", text, re.M)[1].split() for name in ("After", "Wants"))
    assert "time-sync.target" in after and "time-sync.target" in wants
    bound = int(re.search(r"--wait-for-clock (\d+)$", text, re.M)[1])
    assert 60 <= bound <= 600 and "TimeoutStartSec=1h" in text
    assert "/python -Iu -m devices.update" in text


@pytest.fixture
def confine(system, units):
    """Runs a command under the service's unit, as far as that goes without systemd."""
    reason = confined.missing()
    if reason:
        pytest.skip(reason)
    install(system, "--apply")

    def run(*words, **environment):
        command = [sys.executable, str(ROOT / "tests/support/confined.py"), str(system / SERVICE), sys.executable, *words]
        environment = {**os.environ, **environment}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    return run


ATTEMPTS = """
import mmap, os, socket
def attempt(what, do):
    try:
        do()
    except OSError as error:
        print(what, error.errno)
    else:
        print(what, "done")
attempt("setuid", lambda: os.setuid(1))
attempt("chroot", lambda: os.chroot("/tmp"))
attempt("nice", lambda: os.nice(-5))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("inet", lambda: socket.socket().close())
attempt("code", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
"""


def test_what_the_unit_forbids_is_refused(confine):
    done = confine("-c", ATTEMPTS)
    assert done.stdout.split("\n")[:-1] == ["setuid 1", "chroot 1", "nice 1", "packet 97", "inet done", "code 13"], done.stderr


def test_the_runtime_lives_with_what_the_unit_forbids(confine, tmp_path):
    """XNNPACK above all, which asks the processor what it can do and lays code and weights out in memory."""
    golden = ROOT / "devices/selftest/golden"
    words = ["-m", "runtime", "detector_int8.tflite", "--source", "00_square.png", "--json", "-"]
    words = [str(golden / word) if (golden / word).exists() else word for word in words]
    free = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=120)
    bound = confine(*words)
    assert bound.returncode == 0, bound.stderr
    assert json.loads(bound.stdout)["detections"] and bound.stdout == free.stdout
    assert "engine: cpu" in bound.stderr


def test_a_chips_library_lives_with_it_too(confine, tmp_path, edgetpu_library):
    """Python calls it, and it calls Python, through code that ctypes makes."""
    model, image = tmp_path / "tiny_int8_edgetpu.tflite", ROOT / "devices/selftest/golden/00_square.png"
    model.write_bytes(tiny_detector.build(compiled=True))
    words = ["-m", "runtime", str(model), "--source", str(image), "--json", "-"]
    done = confine(*words, LD_LIBRARY_PATH=str(edgetpu_library.parent))
    assert done.returncode == 0, done.stderr
    assert "engine: edgetpu" in done.stderr and json.loads(done.stdout)["detections"]

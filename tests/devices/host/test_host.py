"""Files and commands of this machine, and of one that was recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devices.host.host import Host, Output, recorded_name


@pytest.fixture
def recorded(tmp_path):
    for name, data in {
        "proc/device-tree/model": b"Raspberry Pi 5 Model B Rev 1.0\0",
        "sys/class/thermal/thermal_zone0/temp": b"48312\n",
        "sys/class/thermal/thermal_zone1/temp": b"cold\n",
        "commands/vcgencmd_get_throttled": b"throttled=0x50005\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Host(tmp_path)


def test_files_of_a_recorded_machine(recorded):
    assert recorded.text("/proc/device-tree/model") == "Raspberry Pi 5 Model B Rev 1.0"
    assert recorded.text("/etc/os-release") == "" and not recorded.exists("/etc/os-release")
    zones = [recorded.own(path) for path in recorded.glob("/sys/class/thermal/thermal_zone*/temp")]
    assert zones == [f"/sys/class/thermal/thermal_zone{number}/temp" for number in (0, 1)]
    assert [recorded.number(zone) for zone in zones] == [48312, None]


def test_commands_of_a_recorded_machine(recorded):
    assert recorded.command("vcgencmd", "get_throttled") == Output("throttled=0x50005\n")
    # This machine's programs say nothing about another one.
    assert recorded.command("uname", "-m") is None and not recorded.live


def test_commands_of_this_machine():
    live = Host()
    assert live.live
    assert live.command("no-such-program") is None
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    said = live.command(sys.executable, "-c", program)
    assert said == Output("out\nerr\n", 3)


def test_a_command_that_hangs_is_ended():
    said = Host().command(sys.executable, "-c", "import time; time.sleep(60)", seconds=0.2)
    assert said.code == 124 and "no answer for 0.2 s" in said.text


def test_names_of_recorded_output():
    assert recorded_name(["v4l2-ctl", "--list-devices"]) == "v4l2-ctl_--list-devices"
    assert recorded_name(["udevadm", "info", "/dev/video0"]) == "udevadm_info_dev_video0"


def test_paths_are_the_machines_own():
    assert Host(Path("/srv/tree")).at("/etc/os-release") == Path("/srv/tree/etc/os-release")
    assert Host(Path("/srv/tree")).own("/srv/tree/dev/video0") == "/dev/video0"

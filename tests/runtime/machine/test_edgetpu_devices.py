"""Tests with a synthetic /sys, /dev and /proc, since no test machine has an Edge TPU."""

from __future__ import annotations

import os

import pytest

from runtime.machine import edgetpu_devices as devices


class System:
    def __init__(self, root):
        self.root = root
        (root / "sys/bus").mkdir(parents=True)
        (root / "proc").mkdir()

    def usb(self, number=4, ids=("1a6e", "089a"), speed="5000", node=True):
        folder = self.root / f"sys/bus/usb/devices/2-{number}"
        folder.mkdir(parents=True)
        for name, text in zip(("idVendor", "idProduct", "busnum", "devnum", "speed"), (*ids, "2", str(number), speed)):
            (folder / name).write_text(f"{text}\n")
        path = self.root / f"dev/bus/usb/002/{number:03d}"
        return self._node(path) if node else path

    def card(self, node=True):
        folder = self.root / "sys/bus/pci/devices/0000:03:00.0"
        folder.mkdir(parents=True)
        (folder / "vendor").write_text("0x1ac1\n")
        (folder / "device").write_text("0x089a\n")
        path = self.root / "dev/apex_0"
        return self._node(path) if node else path

    def process(self, number, name, node):
        folder = self.root / f"proc/{number}/fd"
        folder.mkdir(parents=True)
        (folder.parent / "comm").write_text(f"{name}\n")
        (folder / "7").symlink_to(node)

    def _node(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        return path


@pytest.fixture
def system(tmp_path):
    return System(tmp_path)


def test_no_edge_tpu(system):
    (system.root / "sys/bus/usb/devices/1-1").mkdir(parents=True)
    assert devices.find(system.root) == []
    assert "1a6e:089a" in devices.diagnose("", system.root)
    assert devices.diagnose("usb:0", system.root).startswith("there is no Edge TPU on USB")
    assert devices.diagnose("pci", system.root).startswith("there is no Edge TPU on PCIe")


def test_a_usable_edge_tpu_has_no_problem(system):
    node = system.usb(ids=("18d1", "9302"))
    assert devices.find(system.root) == [devices.Device("usb", node, 5000)]
    assert devices.diagnose("", system.root) == devices.diagnose("usb:0", system.root) == ""
    assert devices.usb2_warning(system.root) == ""


def test_a_number_too_high(system):
    system.usb(4)
    system.usb(5)
    system.card()
    assert devices.diagnose("usb:2", system.root) == "there is no usb:2: the machine has usb:0, usb:1"
    assert devices.diagnose(":3", system.root) == "there is no :3: the machine has usb:0, usb:1, pci:0"
    assert devices.diagnose(":2", system.root) == ""


def test_no_permission(system, monkeypatch):
    node = system.usb()
    monkeypatch.setattr(os, "access", lambda path, mode: path != node)
    reason = devices.diagnose("", system.root)
    assert reason.startswith(f"no permission for {node}: ") and "udev" in reason
    card = system.card()
    assert devices.diagnose("", system.root) == "", "the other Edge TPU is usable"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert f"no permission for {card}: add the user to its group" in devices.diagnose("pci:0", system.root)


def test_in_use_by_another_program(system):
    system.process(42, "frigate", system.usb())
    assert "is in use by process 42 (frigate)" in devices.diagnose("", system.root)
    other = system.usb(5)
    assert devices.diagnose("", system.root) == ""
    system.process(os.getpid(), "python", other)
    assert devices.diagnose("usb:1", system.root) == "", "this process itself does not count"


def test_a_card_without_its_driver(system):
    system.card(node=False)
    assert "install gasket-dkms" in devices.diagnose("pci", system.root)


def test_usb_2(system):
    system.usb(speed="480")
    assert "is on USB 2 (480 Mbit/s)" in devices.usb2_warning(system.root)
    assert devices.diagnose("", system.root) == ""


def test_a_system_without_sys_has_no_problem(tmp_path):
    assert devices.diagnose("", tmp_path) == "" and devices.usb2_warning(tmp_path) == ""

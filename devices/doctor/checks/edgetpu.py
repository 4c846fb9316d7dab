"""An Edge TPU on USB or PCIe: its speed, the rights to open it, its library and driver."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, Optional

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host import systemd_service
from devices.host.host import Host
from runtime.machine import edgetpu_devices

TITLE = "an Edge TPU, its port, rule, library and driver"
RANK = 70
SECONDS = 30.0
LIVE = False

RULES = ("etc/udev/rules.d/*.rules", "lib/udev/rules.d/*.rules", "usr/lib/udev/rules.d/*.rules")
LIBRARIES = ("usr/lib/*/libedgetpu.so.1*", "usr/lib/libedgetpu.so.1*", "usr/local/lib/libedgetpu.so.1*")
PACKAGES = ("libedgetpu1-std", "libedgetpu1-max")
RULE = (
    "put it into /etc/udev/rules.d, then sudo udevadm control --reload-rules, and plug the accelerator in again; "
    "python -m devices.install does it"
)
# Millidegrees. The driver lowers the chip's clock from its first trip point on, 85 by default.
PCI_HOT = 85_000


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks an Edge TPU: its port, rights, library and driver."""
    host = under_test.host
    profile = under_test.profile
    chips = edgetpu_devices.find(host.path)
    if not chips:
        if profile is not None and profile.accelerator:
            yield failure(
                f"no Edge TPU on {profile.accelerator.upper()}, which {profile.name} has",
                "plug it in again, in another port; lsusb lists 1a6e:089a or 18d1:9302, lspci -d 1ac1: a card",
            )
        return
    for chip in chips:
        yield from _usb(host, chip) if chip.kind == "usb" else _pci(host, chip)
    reason = edgetpu_devices.diagnose("", host.path)
    if reason and "is in use by" in reason and systemd_service.is_active(host):
        yield ok(f"{systemd_service.UNIT} has it")
    elif reason:
        said, _, fix = _own(host, reason).partition(": ")
        yield failure(said, fix or "close the other program, or plug the accelerator in again")
    yield from _library(host)
    if not under_test.model and host.live:
        yield warning(
            "no inference was tried: that needs a compiled file",
            "python -m devices.doctor --model detector_int8_edgetpu.tflite",
        )


def _usb(host: Host, chip: edgetpu_devices.Device) -> Iterable[Finding]:
    speed = f"{chip.speed} Mbit/s" if chip.speed else "unknown speed"
    state = "its firmware is loaded" if _programmed(host, chip) else "waiting for its firmware, as before its first use"
    yield ok(f"Edge TPU on USB, {speed}; {state}")
    slow = edgetpu_devices.usb2_warning(host.path)
    if slow and _usb3(host):
        said, _, fix = _own(host, slow).partition("; ")
        yield warning(said, fix)
    files = [path for pattern in RULES for path in host.glob(pattern)]
    ruled = [path for path in files if _rules(host.text(host.own(path)))]
    if ruled:
        yield ok(f"udev rule in {host.own(ruled[0])}")
    else:
        yield warning("no udev rule for the accelerator: only root may open it", RULE)


def _pci(host: Host, chip: edgetpu_devices.Device) -> Iterable[Finding]:
    # gasket's driver: /sys/class/apex/apex_0/temp and driver_version
    about = f"/sys/class/apex/{chip.node.name}"
    version, heat = host.text(f"{about}/driver_version"), host.number(f"{about}/temp")
    parts = [f"driver {version}" if version else "", f"{heat / 1000:.0f} °C" if heat is not None else ""]
    said = ", ".join(["Edge TPU on PCIe", *filter(None, parts)])
    if heat is not None and heat >= PCI_HOT:
        yield warning(f"{said}: it runs slower when it is this hot", "give the card a heat sink, or moving air")
    else:
        yield ok(said)


def _library(host: Host) -> Iterable[Finding]:
    found = [path for pattern in LIBRARIES for path in host.glob(pattern)]
    if not found:
        yield failure(
            "libedgetpu.so.1 is not installed",
            "add Coral's package source (https://coral.ai/docs/accelerator/get-started/), then "
            "sudo apt install libedgetpu1-std",
        )
        return
    version = _version(host)
    yield ok(f"{host.own(found[0])}" + (f", {version}" if version else ""))


def _version(host: Host) -> str:
    for package in PACKAGES:
        said = host.command("dpkg-query", "--show", package)
        match = re.match(rf"{package}\S*\s+(\S+)", said.text) if said and said.code == 0 else None
        if match:
            return f"{package} {match.group(1)}"
    return ""


def _usb3(host: Host) -> bool:
    """Whether the machine has a USB 3 port at all: the kernel's root hubs, one a bus, have its speed."""
    speeds = (host.number(f"{host.own(hub)}/speed") for hub in host.glob("sys/bus/usb/devices/usb*"))
    return any(speed is not None and speed >= edgetpu_devices.USB3_SPEED for speed in speeds)


def _programmed(host: Host, chip: edgetpu_devices.Device) -> bool:
    folder = _folder(host, chip)
    return folder is not None and host.text(f"{host.own(folder)}/idVendor") == edgetpu_devices.USB_IDS[1][0]


def _folder(host: Host, chip: edgetpu_devices.Device) -> Optional[Path]:
    bus, number = int(chip.node.parent.name), int(chip.node.name)
    for folder in host.glob("sys/bus/usb/devices/*"):
        own = host.own(folder)
        if (host.number(f"{own}/busnum"), host.number(f"{own}/devnum")) == (bus, number):
            return folder
    return None


def _rules(text: str) -> bool:
    """Whether both identities of the accelerator have a rule."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return all(any(f'"{vendor}"' in line for line in lines) for vendor, _ in edgetpu_devices.USB_IDS)


def _own(host: Host, text: str) -> str:
    """`text` with the machine's own paths, where it was recorded."""
    return text if host.live else text.replace(f"{host.path}/", "/")

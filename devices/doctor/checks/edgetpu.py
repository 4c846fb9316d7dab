"""An Edge TPU on USB or PCIe: its speed, the rights to open it, its library and driver."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, Optional

from devices.doctor.checks import Finding, Patient, failure, ok, warning
from devices.host import running
from devices.host.host import Root
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


def check(patient: Patient) -> Iterable[Finding]:
    root = patient.root
    wanted = patient.profile.accelerator if patient.profile else ""
    chips = edgetpu_devices.find(root.path)
    if not chips:
        if wanted:
            yield failure(
                f"no Edge TPU on {wanted.upper()}, which {patient.profile.name} has",
                "plug it in again, in another port; lsusb lists 1a6e:089a or 18d1:9302, lspci -d 1ac1: a card",
            )
        return
    for chip in chips:
        yield from _usb(root, chip) if chip.kind == "usb" else _pci(root, chip)
    reason = edgetpu_devices.diagnose("", root.path)
    if reason and "is in use by" in reason and running.is_active(root):
        yield ok(f"{running.UNIT} has it")
    elif reason:
        said, _, mend = _own(root, reason).partition(": ")
        yield failure(said, mend or "close the other program, or plug the accelerator in again")
    yield from _library(root)
    if not patient.model and root.live:
        yield warning(
            "no inference was tried: that needs a compiled file",
            "python -m devices.doctor --model detector_int8_edgetpu.tflite",
        )


def _usb(root: Root, chip: edgetpu_devices.Device) -> Iterable[Finding]:
    speed = f"{chip.speed} Mbit/s" if chip.speed else "unknown speed"
    state = "its firmware is loaded" if _programmed(root, chip) else "waiting for its firmware, as before its first use"
    yield ok(f"Edge TPU on USB, {speed}; {state}")
    slow = edgetpu_devices.usb2_warning(root.path)
    if slow and _usb3(root):
        said, _, mend = _own(root, slow).partition("; ")
        yield warning(said, mend)
    files = [path for pattern in RULES for path in root.glob(pattern)]
    ruled = [path for path in files if _rules(root.text(root.own(path)))]
    if ruled:
        yield ok(f"udev rule in {root.own(ruled[0])}")
    else:
        yield warning("no udev rule for the accelerator: only root may open it", RULE)


def _pci(root: Root, chip: edgetpu_devices.Device) -> Iterable[Finding]:
    # gasket's driver: /sys/class/apex/apex_0/temp and driver_version
    about = f"/sys/class/apex/{chip.node.name}"
    version, heat = root.text(f"{about}/driver_version"), root.number(f"{about}/temp")
    parts = [f"driver {version}" if version else "", f"{heat / 1000:.0f} °C" if heat is not None else ""]
    said = ", ".join(["Edge TPU on PCIe", *filter(None, parts)])
    if heat is not None and heat >= PCI_HOT:
        yield warning(f"{said}: it runs slower when it is this hot", "give the card a heat sink, or moving air")
    else:
        yield ok(said)


def _library(root: Root) -> Iterable[Finding]:
    found = [path for pattern in LIBRARIES for path in root.glob(pattern)]
    if not found:
        yield failure(
            "libedgetpu.so.1 is not installed",
            "add Coral's package source (https://coral.ai/docs/accelerator/get-started/), then "
            "sudo apt install libedgetpu1-std",
        )
        return
    version = _version(root)
    yield ok(f"{root.own(found[0])}" + (f", {version}" if version else ""))


def _version(root: Root) -> str:
    for package in PACKAGES:
        said = root.command("dpkg-query", "--show", package)
        match = re.match(rf"{package}\S*\s+(\S+)", said.text) if said and said.code == 0 else None
        if match:
            return f"{package} {match.group(1)}"
    return ""


def _usb3(root: Root) -> bool:
    """Whether the machine has a USB 3 port at all: the kernel's root hubs, one a bus, have its speed."""
    speeds = (root.number(f"{root.own(hub)}/speed") for hub in root.glob("sys/bus/usb/devices/usb*"))
    return any(speed is not None and speed >= edgetpu_devices.USB3_SPEED for speed in speeds)


def _programmed(root: Root, chip: edgetpu_devices.Device) -> bool:
    folder = _folder(root, chip)
    return folder is not None and root.text(f"{root.own(folder)}/idVendor") == edgetpu_devices.USB_IDS[1][0]


def _folder(root: Root, chip: edgetpu_devices.Device) -> Optional[Path]:
    bus, number = int(chip.node.parent.name), int(chip.node.name)
    for folder in root.glob("sys/bus/usb/devices/*"):
        own = root.own(folder)
        if (root.number(f"{own}/busnum"), root.number(f"{own}/devnum")) == (bus, number):
            return folder
    return None


def _rules(text: str) -> bool:
    """Whether both identities of the accelerator have a rule."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return all(any(f'"{vendor}"' in line for line in lines) for vendor, _ in edgetpu_devices.USB_IDS)


def _own(root: Root, text: str) -> str:
    """`text` with the machine's own paths, where it was recorded."""
    return text if root.live else text.replace(f"{root.path}/", "/")

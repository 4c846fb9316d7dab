"""Finds Edge TPUs on Linux and diagnoses why one cannot be used, since its library gives no reason.

On other systems nothing is found. Sources of the identifiers are Coral's udev rules and drivers:
https://coral.ai/docs/accelerator/get-started/, https://coral.ai/docs/m2/get-started/.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

# The accelerator has the first identifier until its first use, and the second one afterwards.
USB_IDS = (("1a6e", "089a"), ("18d1", "9302"))
PCI_ID = ("0x1ac1", "0x089a")

# USB 3.0, in Mbit/s; USB 2.0 has 480.
USB3_SPEED = 5000

UDEV_RULE = (
    "put Coral's udev rules into place (they come with the package libedgetpu1-std), add the user to the group "
    "plugdev, log in again, and plug the accelerator in again"
)


@dataclass(frozen=True)
class Device:
    """An Edge TPU that the system lists.

    `kind` is "usb" or "pci"; `node` is the file in /dev that programs open; `speed` is in Mbit/s, 0 where unknown.
    """

    kind: str
    node: Path
    speed: int = 0


def find(root: Path = Path("/")) -> List[Device]:
    """The Edge TPUs that the system lists, USB first. `root` is the folder with sys, dev and proc."""
    return [*_usb(root), *_pci(root)]


def diagnose(device: str, root: Path = Path("/")) -> str:
    """The reason why the library found no usable Edge TPU for `device` ("", "usb", "usb:0", "pci:1").

    Empty where no problem is found.
    """
    kind, number = _parse(device)
    found = [item for item in find(root) if kind in ("", item.kind)]
    if not found:
        return _missing(kind, root)
    if number is not None and number >= len(found):
        return f"there is no {device}: {_listed(found)}"
    chosen = found if number is None else [found[number]]
    reasons = [_unusable(item, root) for item in chosen]
    return "; ".join(reasons) if all(reasons) else ""


def usb2_warning(root: Path = Path("/")) -> str:
    """A warning where an accelerator is connected by USB 2; empty otherwise."""
    for item in _usb(root):
        if 0 < item.speed < USB3_SPEED:
            return (
                f"the Edge TPU at {item.node} is on USB 2 ({item.speed} Mbit/s), where every frame takes several "
                "times as long to get there; use a blue USB 3 port and a USB 3 cable"
            )
    return ""


def _parse(device: str) -> Tuple[str, Optional[int]]:
    match = re.fullmatch(r"(usb|pci)?(?::(\d+))?", device)
    if not match:
        return "", None
    return match.group(1) or "", int(match.group(2)) if match.group(2) else None


def _usb(root: Path) -> List[Device]:
    found = []
    for folder in sorted((root / "sys/bus/usb/devices").glob("*")):
        if (_text(folder / "idVendor"), _text(folder / "idProduct")) in USB_IDS:
            bus, number = _text(folder / "busnum"), _text(folder / "devnum")
            speed = _text(folder / "speed")
            node = root / f"dev/bus/usb/{int(bus or 0):03d}/{int(number or 0):03d}"
            found.append(Device("usb", node, int(float(speed)) if speed else 0))
    return found


def _pci(root: Path) -> List[Device]:
    chips = [
        folder
        for folder in sorted((root / "sys/bus/pci/devices").glob("*"))
        if (_text(folder / "vendor"), _text(folder / "device")) == PCI_ID
    ]
    return [Device("pci", root / f"dev/apex_{number}") for number in range(len(chips))]


def _missing(kind: str, root: Path) -> str:
    if not (root / "sys/bus").is_dir():
        return ""
    if kind == "pci":
        return "there is no Edge TPU on PCIe; see whether `lspci -d 1ac1:` lists it, else seat the card again"
    if kind == "usb":
        return "there is no Edge TPU on USB; see whether `lsusb` lists 1a6e:089a or 18d1:9302, else try another port"
    return (
        "there is no Edge TPU in this machine; a USB accelerator shows up in `lsusb` as 1a6e:089a or 18d1:9302, "
        "a card in `lspci -d 1ac1:`"
    )


def _unusable(item: Device, root: Path) -> str:
    if not item.node.exists():
        if item.kind == "pci":
            return (
                f"{item.node} is missing: the card is there, but not its driver; install gasket-dkms for this "
                "kernel and load the modules gasket and apex"
            )
        return f"{item.node} is missing, although the system lists the accelerator; plug it in again"
    # Another process that has the device open is the most likely reason.
    process = _process_with(item.node, root)
    if process:
        return f"{item.node} is in use by {process}; only one program at a time can have an Edge TPU"
    if not os.access(item.node, os.R_OK | os.W_OK):
        if item.kind == "pci":
            return f"no permission for {item.node}: add the user to its group (by Coral's rule, apex) and log in again"
        return f"no permission for {item.node}: {UDEV_RULE}"
    return ""


def _process_with(node: Path, root: Path) -> str:
    for process in (root / "proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            opened = any(os.readlink(link) == str(node) for link in (process / "fd").iterdir())
        except OSError:
            # The open files of other users' processes cannot be read.
            continue
        if opened:
            return f"process {process.name} ({_text(process / 'comm') or 'unknown'})"
    return ""


def _listed(found: List[Device]) -> str:
    names: List[str] = []
    for item in found:
        names.append(f"{item.kind}:{sum(name.startswith(item.kind) for name in names)}")
    return f"the machine has {', '.join(names)}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

"""What the units of the kit share: what they may not do, systemd.exec(5).

`systemd-analyze security --offline=yes FILE` rates it. What is not shut has its reason here:

- AF_NETLINK, since libcamera and libusb hear of devices that come and go through it.
- Everything in /proc that is not another process (no ProcSubset=pid), since XNNPACK reads
  /proc/cpuinfo on ARM to see what the processor can do.
- The network, since cameras, brokers and repositories can be anywhere.
- PrivateUsers, under which the groups that own the cameras would be nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import List, Sequence, Tuple

from devices.boards.profile import Profile
from devices.host.paths import USER
from devices.install.manifest import Entry
from devices.install.resources import UNDO, File, PlanLine, undo_file
from devices.install.target import HOME, Target

PYTHON = HOME / "venv/bin/python"
UNITS = "/etc/systemd/system"

# Journal of its own, so that a line a frame pushes nobody else's out.
NAMESPACE = "edge-detector"

# Names of /proc/devices, by how a camera's `source` begins: Linux's own numbers for nodes in /dev.
_CAMERAS = (("picamera", ("char-video4linux", "char-media", "char-dma_heap")), ("", ("char-video4linux",)))
_RELOAD = ("systemctl", "daemon-reload")
_ACCELERATORS = {"usb": ("char-usb_device",), "pci": ("char-apex",)}


@dataclass(frozen=True)
class Unit(File):
    """A file that systemd knows as a unit: it reads it when it is made, and stops it when it goes."""

    kind = "unit"

    def make(self, target: Target) -> None:
        super().make(target)
        if target.live:
            target.run(_RELOAD)


def _undo_unit(entry: Entry, target: Target) -> PlanLine:
    said = []
    if target.live:
        said += target.try_to_run(("systemctl", "stop", PurePosixPath(entry.name).name))
    line = undo_file(entry, target)
    if target.live:
        said += target.try_to_run(_RELOAD)
    return replace(line, details=tuple(said))


UNDO["unit"] = _undo_unit


def camera_devices(profile: Profile) -> Tuple[str, ...]:
    """What of /dev the cameras of a device need, as DeviceAllow names it."""
    found: List[str] = []
    for camera in profile.cameras:
        start = next(names for begin, names in _CAMERAS if camera.source.startswith(begin))
        found += [name for name in start if name not in found]
    return tuple(found)


def accelerator_devices(profile: Profile) -> Tuple[str, ...]:
    """What of /dev its Edge TPU needs."""
    return _ACCELERATORS.get(profile.accelerator, ())


def hardening(devices: Sequence[str], groups: Sequence[str]) -> str:
    """Lines for [Service]: who runs it, and what that may do. `devices` are those of DeviceAllow."""
    lines = [
        f"User={USER}",
        f"Group={USER}",
        *([f"SupplementaryGroups={' '.join(groups)}"] if groups else []),
        "UMask=0027",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "DevicePolicy=closed",
        *(f"DeviceAllow={name} rw" for name in devices),
        *([] if devices else ["PrivateDevices=yes"]),
        "PrivateMounts=yes",
        "PrivateTmp=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "ProtectProc=invisible",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "RemoveIPC=yes",
        "KeyringMode=private",
        "LockPersonality=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
        "SystemCallErrorNumber=EPERM",
        # A process that is ended by a signal would leave its memory on the card.
        "LimitCORE=0",
        f"LogNamespace={NAMESPACE}",
    ]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """As YAML takes it for a text, whatever stands in it."""
    return "'" + text.replace("'", "''") + "'"

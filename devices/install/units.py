"""The systemd units of the kit, and the sandbox that they share; see systemd.exec(5).

`systemd-analyze security --offline=yes FILE` rates it. What it leaves open, and why:

- AF_NETLINK, by which libcamera and libusb learn of devices that are connected.
- Files of /proc that are not about other processes (no ProcSubset=pid), since XNNPACK reads /proc/cpuinfo on ARM for
  the features of the processor.
- The network, since cameras, brokers and repositories can be anywhere.
- PrivateUsers, since it would map the groups that own the cameras to nobody.
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

# A journal of its own, so that a line for each frame does not push out the entries of other services.
NAMESPACE = "edge-detector"

# Names of /proc/devices, as DeviceAllow takes them, by the beginning of a camera's `source`.
_CAMERAS = (("picamera", ("char-video4linux", "char-media", "char-dma_heap")), ("", ("char-video4linux",)))
_RELOAD = ("systemctl", "daemon-reload")
_ACCELERATORS = {"usb": ("char-usb_device",), "pci": ("char-apex",)}


@dataclass(frozen=True)
class Unit(File):
    """A unit file: systemd is reloaded when it is made, and stops the unit before the file is removed."""

    kind = "unit"

    def make(self, target: Target) -> None:
        """See `Resource`."""
        super().make(target)
        if target.live:
            target.run(_RELOAD)


def _undo_unit(entry: Entry, target: Target) -> PlanLine:
    problems: List[str] = []
    if target.live:
        problems += target.try_to_run(("systemctl", "stop", PurePosixPath(entry.name).name))
    line = undo_file(entry, target)
    if target.live:
        problems += target.try_to_run(_RELOAD)
    return replace(line, details=tuple(problems))


UNDO["unit"] = _undo_unit


def camera_devices(profile: Profile) -> Tuple[str, ...]:
    """The devices that the cameras of a profile need, as DeviceAllow names them."""
    found: List[str] = []
    for camera in profile.cameras:
        start = next(names for begin, names in _CAMERAS if camera.source.startswith(begin))
        found += [name for name in start if name not in found]
    return tuple(found)


def accelerator_devices(profile: Profile) -> Tuple[str, ...]:
    """The devices that the Edge TPU of a profile needs, as DeviceAllow names them."""
    return _ACCELERATORS.get(profile.accelerator, ())


def engine_devices(profile: Profile) -> Tuple[str, ...]:
    """The devices that the engines of a profile need: an Edge TPU, and the GPUs and NPUs of delegate libraries."""
    return (*accelerator_devices(profile), *profile.delegate_devices)


def hardening(devices: Sequence[str], groups: Sequence[str]) -> str:
    """Lines for [Service]: the user, the groups, and the sandbox. `devices` are names for DeviceAllow."""
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
        # A crash must not write the memory of the process to the card.
        "LimitCORE=0",
        f"LogNamespace={NAMESPACE}",
    ]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """`text` as a quoted string of YAML."""
    return "'" + text.replace("'", "''") + "'"

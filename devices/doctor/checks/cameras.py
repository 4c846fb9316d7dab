"""Cameras that libcamera and V4L2 know, and whether this user may open them."""

from __future__ import annotations

import re
from typing import Iterable, List

from devices.doctor.checks import Finding, HostUnderTest, ok, warning
from devices.host.host import Host
from runtime.machine import v4l2_devices

TITLE = "cameras that libcamera and V4L2 know"
RANK = 50
SECONDS = 40.0
LIVE = False

# The lister's name on Raspberry Pi OS 12 and 13, on 11 and earlier, and libcamera's own.
LISTERS = (
    ("rpicam-hello", "--list-cameras"),
    ("libcamera-hello", "--list-cameras"),
    ("cam", "--list"),
)
LISTER_SECONDS = 10.0

# Since Raspberry Pi OS 12, and before.
CONFIGS = ("/boot/firmware/config.txt", "/boot/config.txt")


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks for cameras, their settings, and the right to open them."""
    host = under_test.host
    own, usb = libcamera(host), v4l2_devices.cameras(host.at(v4l2_devices.FOLDER))
    for name in own:
        yield ok(f"libcamera has {name}; --source picamera")
    for device, name in usb:
        yield ok(f"V4L2 has {device}, {name}; --source {device}")
    if not (own or usb):
        yield from _none(host)
    yield from _settings(host)
    yield from _group(host, bool(own or usb))


def libcamera(host: Host) -> List[str]:
    """The cameras that libcamera lists, by the sensors' names: `imx708 (4608x2592)`."""
    for lister in LISTERS:
        said = host.command(*lister, seconds=LISTER_SECONDS)
        if said is None or said.code not in (0, 255):
            continue
        # rpicam: `0 : imx708 [4608x2592 10-bit RGGB] (/base/...)`; cam: `1: 'imx708' (/base/...)`
        found = re.findall(r"^\s*\d+\s*: '?([\w-]+)'?(?: \[(\d+x\d+))?", said.text, re.MULTILINE)
        return [f"{name} ({size})" if size else name for name, size in found]
    return []


def _none(host: Host) -> Iterable[Finding]:
    inner = v4l2_devices.has_internal(host.at(v4l2_devices.FOLDER))
    if inner or any(host.exists(config) for config in CONFIGS):
        yield warning(
            "no camera: neither libcamera nor V4L2 has one",
            "switch off, seat the ribbon cable again, its contacts on the socket's; then rpicam-hello --list-cameras",
        )
    else:
        yield warning("no camera", "plug in a USB camera, and see whether lsusb lists it; a stream needs none")


def _settings(host: Host) -> Iterable[Finding]:
    for config in CONFIGS:
        lines = [line.split("#")[0].replace(" ", "") for line in host.text(config).splitlines()]
        if "start_x=1" in lines:
            yield warning(
                f"{config} has start_x=1, the camera stack of before libcamera, which picamera2 cannot use",
                "sudo raspi-config, Interface Options, Legacy Camera: disable, then restart",
            )
        if "camera_auto_detect=0" in lines and not any(line.startswith("dtoverlay=imx") for line in lines):
            yield warning(
                f"{config} has camera_auto_detect=0, and no overlay of a sensor",
                f"sudo sed -i s/camera_auto_detect=0/camera_auto_detect=1/ {config}, then restart",
            )


def _group(host: Host, cameras: bool) -> Iterable[Finding]:
    said = host.command("id", "-nG")
    groups = said.text.split() if said and said.code == 0 else []
    if cameras and groups and "video" not in groups and "root" not in groups:
        yield warning(
            "this user is not in the group video, which may open cameras",
            "sudo usermod --append --groups video $USER, then log in again",
        )

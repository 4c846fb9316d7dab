"""A camera with a number or a device file: USB cameras and built-in ones."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import List, Tuple

from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from runtime.common.settings import split
from runtime.machine import v4l2_devices
from runtime.sources import Source
from runtime.sources._camera import parse
from runtime.sources._capture import CaptureSource, opened

KIND = "a camera (0, /dev/video0; 0,size=1280x720,fps=30,format=MJPG)"
LIVE = True

SETTINGS = ("size", "fps", "format")
DEVICES = v4l2_devices.FOLDER

# Seconds until OpenCV gives up waiting for a frame; its default is 10.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "5")


def accepts(spec: str) -> bool:
    """Whether `spec` names a camera, by number or device file."""
    name, _ = split(spec)
    return bool(re.fullmatch(r"\d{1,3}", name)) or name.startswith(("/dev/video", "/dev/v4l/"))


def connect(spec: str) -> Source:
    """Opens a camera, by number or device file. Raises InputError if it is missing or cannot be opened."""
    name, settings = parse(spec, SETTINGS)
    device = f"/dev/video{name}" if name.isdigit() else name
    on_linux = sys.platform.startswith("linux")
    if on_linux:
        _check(name, device)
    if not on_linux and not name.isdigit():
        raise InputError(f"{name}: cameras have a number on this system; give 0, 1 and so on")
    capture = opened(*((device, cv2.CAP_V4L2) if on_linux else (int(name),)))
    if not capture.isOpened():
        raise InputError(
            f"{name}: the camera cannot be opened; does another program use it, and may this user? "
            "(on Linux: groups must name video)"
        )
    # The format is set first: the available sizes and rates depend on it.
    if settings.format:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.format))
    if settings.size:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.size[1])
    if settings.fps:
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
    source = CaptureSource(f"camera {name}", capture, "is the cable in, and the power enough?")
    if settings.size and source.size and settings.size != source.size:
        asked, given = ("x".join(map(str, size)) for size in (settings.size, source.size))
        print(f"note: {name}: has no {asked} in this format, and gives {given}", file=sys.stderr)
    return source


def cameras() -> List[Tuple[str, str]]:
    """The cameras that Linux lists, as (device, name), without the internal devices of a Raspberry Pi."""
    return v4l2_devices.cameras(DEVICES)


def _check(name: str, device: str) -> None:
    """Raises InputError if Linux has no such camera, or if the device gives no images."""
    known = v4l2_devices.name_of(Path(device).resolve().name, DEVICES)
    if v4l2_devices.is_internal(known):
        raise InputError(
            f"{name}: is {known}, a part of the Raspberry Pi's own camera chain, which gives no images by itself; "
            "use --source picamera"
        )
    if Path(device).exists():
        return
    listed = ", ".join(f"{path} ({label})" for path, label in cameras())
    hint = f"there is {listed}" if listed else "there is none on this machine"
    own = "; the Pi's own is --source picamera" if v4l2_devices.has_internal(DEVICES) else ""
    raise InputError(f"{name}: no such camera; {hint}{own}")

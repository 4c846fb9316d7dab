"""A camera that the system knows by a number: USB cameras, built-in ones."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import List, Tuple

from runtime.errors import InputError
from runtime.opencv import cv2
from runtime.settings import split
from runtime.sources import Source
from runtime.sources._camera import parse
from runtime.sources._capture import CaptureSource, opened

KIND = "a camera (0, /dev/video0; 0,size=1280x720,fps=30,format=MJPG)"

SETTINGS = ("size", "fps", "format")
DEVICES = Path("/sys/class/video4linux")

# What the drivers of a Raspberry Pi's own camera, decoder and scaler call their devices. They give
# no pictures to programs that do not set up the whole chain, which libcamera does.
RASPBERRY_PI = ("unicam", "rp1-cfe", "pispbe", "bcm2835-isp", "bcm2835-codec", "rpivid", "rpi-hevc")

# Seconds until OpenCV gives up on a frame; its own default is 10.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "5")


def accepts(spec: str) -> bool:
    name, _ = split(spec)
    return bool(re.fullmatch(r"\d{1,3}", name)) or name.startswith(("/dev/video", "/dev/v4l/"))


def connect(spec: str) -> Source:
    name, wanted = parse(spec, SETTINGS)
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
    # The format comes first: which sizes and rates there are depends on it.
    if wanted.format:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*wanted.format))
    if wanted.size:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.size[1])
    if wanted.fps:
        capture.set(cv2.CAP_PROP_FPS, wanted.fps)
    source = CaptureSource(f"camera {name}", capture, "is the cable in, and the power enough?")
    if wanted.size and source.size and wanted.size != source.size:
        print(
            "note: {}: has no {}x{} in this format, and gives {}x{}".format(name, *wanted.size, *source.size),
            file=sys.stderr,
        )
    return source


def cameras() -> List[Tuple[str, str]]:
    """(device, name) of what Linux lists as cameras, a Raspberry Pi's inner devices left out."""
    found = []
    for entry in sorted(DEVICES.glob("video*"), key=lambda path: int(path.name[5:] or 0)):
        name, first = _text(entry / "name"), _text(entry / "index")
        # A camera's further devices carry metadata, not pictures.
        if first in ("0", "") and not _is_raspberry_pi(name):
            found.append((f"/dev/{entry.name}", name))
    return found


def _check(name: str, device: str) -> None:
    """Raises InputError where Linux has no such camera, or it is none that can be read."""
    known = _text(DEVICES / Path(device).resolve().name / "name")
    if _is_raspberry_pi(known):
        raise InputError(
            f"{name}: is {known}, a part of the Raspberry Pi's own camera chain, which gives no pictures by itself; "
            "use --source picamera"
        )
    if Path(device).exists():
        return
    listed = ", ".join(f"{path} ({label})" for path, label in cameras())
    hint = f"there is {listed}" if listed else "there is none on this machine"
    inner = any(_is_raspberry_pi(_text(entry / "name")) for entry in DEVICES.glob("video*"))
    raise InputError(f"{name}: no such camera; {hint}" + ("; the Pi's own is --source picamera" if inner else ""))


def _is_raspberry_pi(name: str) -> bool:
    return name.startswith(RASPBERRY_PI)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""

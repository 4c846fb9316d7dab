"""Linux's list of cameras, without opening any.

What it calls `video4linux` also holds a Raspberry Pi's decoder, scaler and the parts of its camera's
chain: they give no images to programs that do not set up the whole chain, which libcamera does.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

FOLDER = Path("/sys/class/video4linux")

# What the Raspberry Pi's drivers call their devices.
RASPBERRY_PI = ("unicam", "rp1-cfe", "pispbe", "bcm2835-isp", "bcm2835-codec", "rpivid", "rpi-hevc")


def cameras(folder: Path = FOLDER) -> List[Tuple[str, str]]:
    """(device, name) of each camera, a Raspberry Pi's inner devices left out."""
    found = []
    for entry in sorted(folder.glob("video*"), key=lambda path: int(path.name[5:] or 0)):
        name, first = _text(entry / "name"), _text(entry / "index")
        # A camera's further devices carry metadata, not images.
        if first in ("0", "") and not is_inner(name):
            found.append((f"/dev/{entry.name}", name))
    return found


def name_of(device: str, folder: Path = FOLDER) -> str:
    """What the driver calls `video0`; empty where there is none."""
    return _text(folder / device / "name")


def has_inner(folder: Path = FOLDER) -> bool:
    """Whether parts of a Raspberry Pi's own chain are there."""
    return any(is_inner(_text(entry / "name")) for entry in folder.glob("video*"))


def is_inner(name: str) -> bool:
    """Whether a driver's name is that of a part of a Raspberry Pi's own chain."""
    return name.startswith(RASPBERRY_PI)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""

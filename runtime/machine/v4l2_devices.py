"""Lists the cameras of a Linux system without opening them.

The folder `video4linux` of sysfs also lists a Raspberry Pi's decoder and scaler, and the stages of its camera
pipeline. Those deliver images only after libcamera has set up the whole pipeline, so they are left out here.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

FOLDER = Path("/sys/class/video4linux")

# Names of the devices of the Raspberry Pi's drivers.
RASPBERRY_PI = ("unicam", "rp1-cfe", "pispbe", "bcm2835-isp", "bcm2835-codec", "rpivid", "rpi-hevc")


def cameras(folder: Path = FOLDER) -> List[Tuple[str, str]]:
    """(device, name) of each camera, without the internal devices of a Raspberry Pi."""
    found = []
    for entry in sorted(folder.glob("video*"), key=lambda path: int(path.name[5:] or 0)):
        name, first = _text(entry / "name"), _text(entry / "index")
        # Further devices of a camera deliver metadata, not images.
        if first in ("0", "") and not is_internal(name):
            found.append((f"/dev/{entry.name}", name))
    return found


def name_of(device: str, folder: Path = FOLDER) -> str:
    """The driver's name for `device`, such as `video0`; empty where there is no such device."""
    return _text(folder / device / "name")


def has_internal(folder: Path = FOLDER) -> bool:
    """Whether the system has internal devices of a Raspberry Pi's camera pipeline."""
    return any(is_internal(_text(entry / "name")) for entry in folder.glob("video*"))


def is_internal(name: str) -> bool:
    """Whether `name`, given by a driver, belongs to an internal device of a Raspberry Pi."""
    return name.startswith(RASPBERRY_PI)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""

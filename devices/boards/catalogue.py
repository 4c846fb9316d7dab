"""The devices that the kit knows, `profiles/*.yaml`, and which of them a machine is."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Optional, Tuple

from devices.boards import validated
from devices.boards.profile import Profile
from devices.host.host import Host
from runtime.common.errors import InputError
from runtime.machine import edgetpu_devices

FOLDER = Path(__file__).resolve().parent / "profiles"


def profiles(folder: Path = FOLDER) -> Tuple[Profile, ...]:
    """All profiles, sorted by name. Raises InputError with the line and the field of an error in a file."""
    return tuple(_read(folder / f"{name}.yaml") for name in names(folder))


def names(folder: Path = FOLDER) -> Tuple[str, ...]:
    """The names of all profiles, without reading the files."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def find(name: str, folder: Path = FOLDER) -> Profile:
    """The profile called `name`. Raises InputError with similar names where there is none."""
    known = names(folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, 3, 0.4) or [item for item in known if name and name in item]
        hint = f"did you mean {' or '.join(near[:3])}?" if near else "python -m devices lists them"
        raise InputError(f"{name}: there is no such device; {hint}")
    return _read(folder / f"{name}.yaml")


def identify(host: Host, folder: Path = FOLDER) -> Optional[Profile]:
    """The profile that fits a machine best; None where none does.

    It is chosen by the model in the device tree, the processor, and the Edge TPU that is connected.
    """
    machine = processor(host)
    chips = {chip.kind for chip in edgetpu_devices.find(host.path)}

    def rank(profile: Profile) -> Tuple[bool, int]:
        return profile.accelerator in chips, max((len(start) for start in profile.models), default=0)

    fitting = [
        profile
        for profile in profiles(folder)
        if profile.kind == "linux"
        and machine in profile.machines
        and (not profile.models or fits(profile, host))
        and (not profile.accelerator or profile.accelerator in chips)
    ]
    return max(fitting, key=rank, default=None)


def fits(profile: Profile, host: Host) -> bool:
    """Whether the device tree's model, or an entry of its "compatible", begins as the profile says."""
    candidates = (host.text("/proc/device-tree/model"), *host.text("/proc/device-tree/compatible").split())
    return any(name.startswith(profile.models) for name in candidates)


def board(host: Host) -> str:
    """The name of the machine by its device tree, or by a PC's firmware; empty where neither has one."""
    named = host.text("/proc/device-tree/model") or host.text("/proc/device-tree/compatible").partition(" ")[0]
    if named:
        return named
    parts = (host.text(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name"))
    return " ".join(part for part in parts if part)


def processor(host: Host) -> str:
    """The name of the processor by `uname -m`, for the system's programs: `armv7l` for 32-bit programs on a 64-bit kernel."""
    said = host.command("uname", "-m")
    machine = said.text.strip() if said and said.code == 0 else ""
    if machine == "aarch64" and userland_bits(host) == 32:
        return "armv7l"
    return machine


def userland_bits(host: Host) -> int:
    """32 or 64, the bits of the system's programs; 0 where they are unknown.

    The 32-bit Raspberry Pi OS has a 64-bit kernel, so `uname -m` does not show it.
    """
    said = host.command("getconf", "LONG_BIT")
    return int(said.text) if said and said.code == 0 and said.text.strip() in ("32", "64") else 0


def _read(path: Path) -> Profile:
    profile = validated.read(path, Profile)
    if profile.name != path.stem:
        raise InputError(f"{path}: name: is {profile.name!r}; it must be the name of the file")
    return profile

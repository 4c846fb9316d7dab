"""The packages that the kit needs on a device: those of the system, and those that pip installs."""

from __future__ import annotations

from typing import Tuple

from devices.boards.profile import Profile, System
from runtime.common.errors import InputError

# The interpreter, wherever it has a wheel.
INTERPRETER = "ai-edge-litert"
EXTRAS = "devices,service"

# These have no wheels for 32-bit ARM. Debian has them, and the environment can import the system's packages.
SYSTEM_32_BIT = ("python3-numpy", "python3-opencv", "python3-yaml")
EXTRAS_32_BIT = "serve,mqtt,metrics,config"
# The requirements of the extra `devices` that can be installed there.
PIP_32_BIT = ("tuf", "securesystemslib", "urllib3")


def system_of(profile: Profile, release: str) -> System:
    """The profile's system with that code name; for an unknown one, the first that has an interpreter.

    Raises InputError where the system has no interpreter.
    """
    known = next((system for system in profile.systems if system.codename == release and release), None)
    if known is not None and not known.interpreter:
        others = ", ".join(system.name for system in profile.systems if system.interpreter)
        raise InputError(f"{profile.name}: {known.name} cannot run a detector: {known.note}; use {others}")
    return known or next(system for system in profile.systems if system.interpreter)


def packages(profile: Profile, release: str) -> Tuple[str, ...]:
    """The packages of the system to install. `release` is the code name of the system."""
    own = () if _has_wheel(system_of(profile, release)) else SYSTEM_32_BIT
    return (*profile.packages, *own)


def requirements(profile: Profile, release: str, kit: str) -> Tuple[str, ...]:
    """The arguments for `pip install`; `kit` is the folder or the wheel of the kit."""
    system = system_of(profile, release)
    if not _has_wheel(system):
        return (f"{kit}[{EXTRAS_32_BIT}]", system.interpreter.replace(" ", "=="), *PIP_32_BIT)
    # Debian 12 built picamera2 for NumPy 1, which newer versions of OpenCV would replace.
    older = release == "bookworm" and "python3-picamera2" in profile.packages
    return (f"{kit}[{EXTRAS}]", *(("numpy<2",) if older else ()))


def _has_wheel(system: System) -> bool:
    return system.interpreter.startswith(INTERPRETER)

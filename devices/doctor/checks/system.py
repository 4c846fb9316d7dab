"""The operating system, how many bits it has, and its Python."""

from __future__ import annotations

import re
import sys
from typing import Dict, Iterable, Optional

from devices.boards.catalogue import userland_bits
from devices.boards.profile import System
from devices.doctor.checks import Finding, Patient, failure, ok, warning

TITLE = "the operating system, and its Python"
RANK = 20
SECONDS = 30.0
LIVE = False

# What the runtime supports.
OLDEST, NEWEST = (3, 9), (3, 13)


def check(patient: Patient) -> Iterable[Finding]:
    root = patient.root
    about = release(root.text("/etc/os-release"))
    bits = userland_bits(root)
    named = about.get("PRETTY_NAME", "an unknown system") + (f", {bits}-bit" if bits else "")
    profile = patient.profile
    system = _system(patient, about, bits)
    if profile is None or not bits:
        yield ok(named)
    elif system is None:
        known = ", ".join(item.name for item in profile.systems)
        yield warning(f"{named}: not among the systems that {profile.name} is known with", f"install {known}")
    elif not system.interpreter:
        yield failure(f"{named}: {system.note}", f"install {_best(patient)}")
    else:
        yield ok(f"{named}; runs files with {system.interpreter}")
    yield from _python(patient, system)


def release(text: str) -> Dict[str, str]:
    """The fields of /etc/os-release."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _system(patient: Patient, about: Dict[str, str], bits: int) -> Optional[System]:
    ids = [about.get("ID", ""), *about.get("ID_LIKE", "").split()]
    for system in patient.profile.systems if patient.profile else ():
        fits = system.id in ids and system.bits == bits
        if fits and system.codename in ("", about.get("VERSION_CODENAME", "")):
            return system
    return None


def _best(patient: Patient) -> str:
    return next(system.name for system in patient.profile.systems if system.interpreter)


def _python(patient: Patient, system: Optional[System]) -> Iterable[Finding]:
    version = _version(patient)
    if version is None:
        yield failure("there is no python3", "sudo apt install python3-venv")
        return
    said = f"Python {version[0]}.{version[1]}"
    if not OLDEST <= version <= NEWEST:
        span = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        yield failure(f"{said}: the kit runs on {span}", f"make an environment with Python {span}")
    elif system and system.python and system.wheel and f"{version[0]}.{version[1]}" != system.python:
        yield warning(
            f"{said}, where {system.name} has {system.python}, for which {system.interpreter} has the wheel "
            f"{system.wheel}",
            f"python{system.python} -m venv .venv",
        )
    else:
        yield ok(said)


def _version(patient: Patient) -> Optional[tuple]:
    if patient.root.live:
        return sys.version_info[:2]
    said = patient.root.command("python3", "--version")
    match = re.match(r"Python (\d+)\.(\d+)", said.text) if said else None
    return (int(match.group(1)), int(match.group(2))) if match else None

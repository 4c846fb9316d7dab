"""The operating system, how many bits it has, and its Python."""

from __future__ import annotations

import re
import sys
from typing import Dict, Iterable, Optional, Tuple

from devices.boards.catalogue import userland_bits
from devices.boards.profile import Profile, System
from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning

TITLE = "the operating system, and its Python"
RANK = 20
SECONDS = 30.0
LIVE = False

# What the runtime supports.
OLDEST, NEWEST = (3, 9), (3, 13)


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks the operating system and its Python."""
    host = under_test.host
    about = release(host.text("/etc/os-release"))
    bits = userland_bits(host)
    named = about.get("PRETTY_NAME", "an unknown system") + (f", {bits}-bit" if bits else "")
    profile = under_test.profile
    system = _system(under_test, about, bits)
    if profile is None or not bits:
        yield ok(named)
    elif system is None:
        known = ", ".join(item.name for item in profile.systems)
        yield warning(f"{named}: not among the systems that {profile.name} is known with", f"install {known}")
    elif not system.interpreter:
        yield failure(f"{named}: {system.note}", f"install {_best(profile)}")
    else:
        yield ok(f"{named}; runs files with {system.interpreter}")
    yield from _python(under_test, system)


def release(text: str) -> Dict[str, str]:
    """The fields of /etc/os-release."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _system(under_test: HostUnderTest, about: Dict[str, str], bits: int) -> Optional[System]:
    ids = [about.get("ID", ""), *about.get("ID_LIKE", "").split()]
    for system in under_test.profile.systems if under_test.profile else ():
        fits = system.id in ids and system.bits == bits
        if fits and system.codename in ("", about.get("VERSION_CODENAME", "")):
            return system
    return None


def _best(profile: Profile) -> str:
    return next(system.name for system in profile.systems if system.interpreter)


def _python(under_test: HostUnderTest, system: Optional[System]) -> Iterable[Finding]:
    version = _version(under_test)
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


def _version(under_test: HostUnderTest) -> Optional[Tuple[int, int]]:
    if under_test.host.live:
        return sys.version_info[:2]
    said = under_test.host.command("python3", "--version")
    match = re.match(r"Python (\d+)\.(\d+)", said.text) if said else None
    return (int(match.group(1)), int(match.group(2))) if match else None

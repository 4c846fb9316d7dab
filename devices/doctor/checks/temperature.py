"""The temperature of the processor, against the one from which it slows down."""

from __future__ import annotations

from typing import Iterable, List

from devices.doctor.checks import Finding, Patient, failure, ok, warning
from devices.host.host import Root

TITLE = "the processor's temperature"
RANK = 100
SECONDS = 30.0
LIVE = False

# Degrees Celsius. A Raspberry Pi lowers its clock from 80 on, and more at 85; the 3B+ from 60 on.
# https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#frequency-management
SLOWER = 80
SLOWER_BY_MODEL = {"Raspberry Pi 3 Model B Plus": 60, "Raspberry Pi 3 Model A Plus": 60}
STOPS = 95

# Degrees below the limit at which to warn.
NEAR = 5

PROCESSOR = ("cpu", "soc", "x86_pkg_temp", "coretemp")
COOL = "a heat sink or a fan, or a case that lets air through"


def check(patient: Patient) -> Iterable[Finding]:
    root = patient.root
    limit = _limit(root)
    read = _temperatures(root)
    if not read:
        return
    hottest = max(read)
    said = f"{hottest:.0f} °C"
    if hottest >= STOPS:
        yield failure(f"{said}: so hot that it may switch itself off", COOL)
    elif hottest >= limit:
        yield warning(f"{said}: from {limit} on it runs slower", COOL)
    elif hottest >= limit - NEAR:
        yield warning(f"{said}: near the {limit} from which on it runs slower", COOL)
    else:
        yield ok(f"{said}, of the {limit} from which on it runs slower")


def _limit(root: Root) -> int:
    model = root.text("/proc/device-tree/model")
    return next((limit for start, limit in SLOWER_BY_MODEL.items() if model.startswith(start)), SLOWER)


def _temperatures(root: Root) -> List[float]:
    """Degrees of the zones that are the processor's; of all, where none is called so."""
    zones = []
    for path in root.glob("sys/class/thermal/thermal_zone*"):
        zone = root.own(path)
        heat = root.number(f"{zone}/temp")
        # Zones that are switched off say 0 or nonsense below it.
        if heat is not None and heat > 0:
            zones.append((root.text(f"{zone}/type").lower(), heat / 1000))
    own = [heat for kind, heat in zones if kind.startswith(PROCESSOR)]
    return own or [heat for _, heat in zones]

"""The temperature of the processor, against the one from which it slows down."""

from __future__ import annotations

from typing import Iterable, List

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host.host import Host

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


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks the hottest temperature of the processor."""
    host = under_test.host
    limit = _limit(host)
    read = _temperatures(host)
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


def _limit(host: Host) -> int:
    model = host.text("/proc/device-tree/model")
    return next((limit for start, limit in SLOWER_BY_MODEL.items() if model.startswith(start)), SLOWER)


def _temperatures(host: Host) -> List[float]:
    """Degrees of the zones that are the processor's; of all, where none is called so."""
    zones = []
    for path in host.glob("sys/class/thermal/thermal_zone*"):
        zone = host.own(path)
        heat = host.number(f"{zone}/temp")
        # Zones that are switched off say 0 or nonsense below it.
        if heat is not None and heat > 0:
            zones.append((host.text(f"{zone}/type").lower(), heat / 1000))
    own = [heat for kind, heat in zones if kind.startswith(PROCESSOR)]
    return own or [heat for _, heat in zones]

"""A Raspberry Pi's own record of too little voltage, and of a clock that it lowered."""

from __future__ import annotations

import re
from typing import Iterable, Optional

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host.host import Host

TITLE = "the supply: under-voltage and throttling flags"
RANK = 110
SECONDS = 30.0
LIVE = False

# https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
UNDER_VOLTAGE, CAPPED, THROTTLED, SOFT_LIMIT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
SINCE_START = 16

NAMES = (
    (UNDER_VOLTAGE, "under-voltage"),
    (CAPPED, "a capped clock"),
    (THROTTLED, "throttling"),
    (SOFT_LIMIT, "the soft limit of temperature"),
)

# What the firmware's flags are called by kernels without vcgencmd.
FIRMWARE = "/sys/devices/platform/soc/soc:firmware/get_throttled"

SUPPLY = "use the board's own supply (Pi 5: 5 V 5 A; Pi 4: 5 V 3 A; others 5 V 2.5 A) and a short, thick cable"
COOL = "a heat sink or a fan, then restart, which clears the flags"


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks the flags of under-voltage and throttling."""
    flags = _flags(under_test.host)
    if flags is None:
        yield from _monitor(under_test.host)
        return
    now = [name for bit, name in NAMES if flags & bit]
    since = [name for bit, name in NAMES if flags & bit << SINCE_START and name not in now]
    low = UNDER_VOLTAGE | UNDER_VOLTAGE << SINCE_START
    if flags & UNDER_VOLTAGE:
        yield failure(f"{' and '.join(now)} at this moment (0x{flags:x})", SUPPLY)
    elif now:
        yield warning(f"{' and '.join(now)} at this moment (0x{flags:x})", COOL)
    if since:
        yield warning(f"{' and '.join(since)} since the last start (0x{flags:x})", SUPPLY if flags & low else COOL)
    if not flags:
        yield ok("no under-voltage and no throttling since the last start")


def _flags(host: Host) -> Optional[int]:
    said = host.command("vcgencmd", "get_throttled")
    text = said.text if said and said.code == 0 else host.text(FIRMWARE)
    match = re.search(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]+)\s*$", text)
    return int(match.group(1), 16) if match else None


def _monitor(host: Host) -> Iterable[Finding]:
    """The kernel's own watch over a Pi's voltage, where vcgencmd is not installed."""
    for path in host.glob("sys/class/hwmon/hwmon*"):
        folder = host.own(path)
        if host.text(f"{folder}/name") == "rpi_volt":
            if host.number(f"{folder}/in0_lcrit_alarm"):
                yield failure("under-voltage at this moment or since it was last asked", SUPPLY)
            else:
                yield ok("no under-voltage")

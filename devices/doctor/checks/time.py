"""Whether the machine knows the time: certificates and signed updates expire by it."""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, ok, warning
from devices.host import clock

TITLE = "the time"
RANK = 130
SECONDS = 30.0
LIVE = False


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks that the clock is synchronized."""
    synchronized = clock.is_synchronized(under_test.host)
    if synchronized is None:
        return
    if synchronized:
        yield ok("the clock is set by the network")
    else:
        yield warning(
            "the clock is not set by the network; most boards have none that runs without power",
            "sudo timedatectl set-ntp true; without a network, a clock module (RTC)",
        )

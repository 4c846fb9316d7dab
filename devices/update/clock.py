"""The time on a device whose clock may be wrong: most boards have none that runs without power.

Signatures expire, so that a device whose clock is set back would take what has expired. Time here never goes back behind
what the device has seen.
"""

from __future__ import annotations

import time
from typing import Callable

from devices.host import clock
from devices.host.host import Host
from runtime.common.errors import KitError

# No device has this kit before it was made. 2025-01-01 in UTC.
EARLIEST = 1735689600.0

POLL_SECONDS = 2.0


def now(seen: float) -> float:
    """The present time in seconds since 1970, but at least `seen`, a time that has been."""
    return max(time.time(), seen, EARLIEST)


def is_behind(seen: float) -> bool:
    """Whether the clock of this device is certainly wrong: earlier than `seen`, or than this kit."""
    return time.time() < max(seen, EARLIEST)


def wait(
    seconds: float, seen: float, tell: Callable[[str], None], host: Host = Host(), sleep: Callable[[float], None] = time.sleep
) -> None:
    """Waits up to `seconds` until the clock of `host` is set by the network or a receiver.

    Raises KitError where nobody has set it by then and it is behind `seen`. A clock that nobody sets, but that is not
    behind, will do.
    """
    end = time.monotonic() + seconds
    while True:
        synchronized = clock.is_synchronized(host)
        # Where the system does not say (None), a clock that is not behind will do.
        if synchronized or (synchronized is None and not is_behind(seen)):
            return
        if time.monotonic() >= end:
            break
        sleep(POLL_SECONDS)
    if is_behind(seen):
        raise KitError(
            f"the clock of this device says {text(time.time())}, but it is {text(now(seen))} or later, and nothing has set "
            f"it in {seconds:.0f} s: no update, as signatures expire by it; sudo timedatectl set-ntp true, or fit a clock "
            "module (RTC)"
        )
    tell(f"note: nothing has set the clock of this device in {seconds:.0f} s; it says {text(time.time())}")


def text(moment: float) -> str:
    """A time in seconds since 1970 for people, in the zone of this device."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))

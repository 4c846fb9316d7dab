"""Whether the clock of a machine is set by the network, or by a receiver."""

from __future__ import annotations

from typing import Optional

from devices.host.host import Host

# systemd-timesyncd makes it when it has set the clock.
_SET = "/run/systemd/timesync/synchronized"


def is_synchronized(host: Host) -> Optional[bool]:
    """Whether the clock of `host` is synchronized, by whatever program; None where the system does not say."""
    if host.exists(_SET):
        return True
    said = host.command("timedatectl", "show", "--property=NTPSynchronized")
    if said is None or said.code != 0 or "=" not in said.text:
        return None
    return said.text.strip().endswith("=yes")

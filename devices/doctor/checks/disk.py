"""Free disk, and whether it can be written."""

from __future__ import annotations

import re
from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning

TITLE = "free disk"
RANK = 120
SECONDS = 30.0
LIVE = False

# An update needs room for a second model and its download; the packages take about 400 MB.
LEAST_MEGABYTES = 100
FEW_MEGABYTES = 500

FREE = "sudo apt clean; sudo journalctl --vacuum-size=50M; du -xh / | sort -h | tail"


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks that the disk can be written and has free space."""
    host = under_test.host
    if _read_only(host.text("/proc/mounts")):
        yield failure(
            "/ is mounted so that it cannot be written; a worn-out SD card does that",
            "sudo dmesg | grep -iE 'mmc|ext4', then a new card; an overlay is switched off in raspi-config",
        )
    said = host.command("df", "-Pk", "/")
    match = re.search(r"\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%\s", said.text) if said and said.code == 0 else None
    if not match:
        return
    size, _, free = (int(number) // 1024 for number in match.groups())
    text = f"{free:,} MB free of {size:,}"
    if free < LEAST_MEGABYTES:
        yield failure(f"{text}: too little for an update", FREE)
    elif free < FEW_MEGABYTES:
        yield warning(f"{text}: too little for new packages", FREE)
    else:
        yield ok(text)


def _read_only(mounts: str) -> bool:
    roots = [line.split() for line in mounts.splitlines() if line.split()[1:2] == ["/"]]
    # The last one lies above the others.
    return bool(roots) and "ro" in roots[-1][3].split(",")

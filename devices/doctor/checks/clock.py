"""The processor's clock: its governor, and whether it is held down."""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, ok, warning

TITLE = "the processor's clock"
RANK = 90
SECONDS = 30.0
LIVE = False


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks the governor and the limits of each processor clock."""
    host = under_test.host
    for entry in host.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq"):
        folder = host.own(entry)
        # Cores that run at one clock share a folder by a link; the first stands for them.
        if host.text(f"{folder}/related_cpus").split()[:1] not in ([], [entry.parent.name[3:]]):
            continue
        now, most = host.number(f"{folder}/scaling_cur_freq"), host.number(f"{folder}/scaling_max_freq")
        built, governor = host.number(f"{folder}/cpuinfo_max_freq"), host.text(f"{folder}/scaling_governor")
        if most is None:
            continue
        text = f"up to {most // 1000} MHz" + (f", now {now // 1000}" if now is not None else "")
        text += f", governor {governor}" if governor else ""
        if governor == "powersave" and not host.exists("/sys/devices/system/cpu/intel_pstate"):
            fix = f"echo ondemand | sudo tee {folder}/scaling_governor"
            yield warning(f"{text}: it stays at its lowest clock", fix)
        elif built is not None and most < built:
            yield warning(
                f"{text}: held below the {built // 1000} MHz that it can do",
                f"echo {built} | sudo tee {folder}/scaling_max_freq",
            )
        else:
            yield ok(text)

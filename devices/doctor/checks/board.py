"""Which board this is, whether the kit knows it, its processor and its memory."""

from __future__ import annotations

import re
from typing import Iterable, Optional

from devices.boards.catalogue import board, fits, identify, processor
from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host.host import Host
from runtime.common.errors import InputError

TITLE = "the board, its processor and its memory"
RANK = 10
SECONDS = 30.0
LIVE = False

# The interpreter, OpenCV, a model and a camera's buffers take about 250 MB together.
LEAST_MEGABYTES = 380

# What Linux calls the instructions for them on ARM and on x86.
DOT_PRODUCTS = {"asimddp", "avx_vnni", "avx512_vnni"}


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks the board, its processor and its memory."""
    host = under_test.host
    model, machine = board(host), processor(host)
    named = f"{model or 'a board without a name'} ({machine or 'unknown processor'})"
    wanted = under_test.profile
    if wanted is None:
        yield from _unknown(host, named)
    elif wanted.models and not fits(wanted, host):
        yield failure(f"{named}: is no {wanted.title}", _instead(host))
    elif wanted.machines and machine not in wanted.machines:
        yield failure(f"{named}: {wanted.title} has {' or '.join(wanted.machines)}", _instead(host))
    else:
        yield ok(f"{named}: {wanted.name}")
    yield from _processor(host.text("/proc/cpuinfo"))
    megabytes = _megabytes(host.text("/proc/meminfo"))
    if megabytes is not None:
        said = f"{megabytes:,} MB of memory"
        if megabytes < LEAST_MEGABYTES:
            yield warning(
                f"{said}: little for a detector, a camera and the system",
                "run without a desktop: sudo raspi-config, System Options, Boot, Console",
            )
        else:
            yield ok(said)


def _unknown(host: Host, named: str) -> Iterable[Finding]:
    try:
        identify(host)
    except InputError as error:
        said = str(error).partition(";")[0]
        yield warning(f"{named}; profiles cannot be read: {said}", "pip install 'edge-detection-kit[devices]'")
    else:
        yield warning(f"{named}: the kit has no profile of it", "python -m devices lists those that it has")


def _instead(host: Host) -> str:
    """What to say in place of a device that this is not."""
    found = identify(host)
    return f"--device {found.name}" if found else "python -m devices lists what there is"


def _processor(text: str) -> Iterable[Finding]:
    cores = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    # ARM calls them Features, x86 flags.
    features = set(" ".join(re.findall(r"^(?:Features|flags)\s*:(.*)$", text, re.MULTILINE)).split())
    if cores:
        quick = "with" if features & DOT_PRODUCTS else "without"
        yield ok(f"{cores} core{'s' * (cores > 1)}, {quick} dot products of bytes, which make int8 files fast")


def _megabytes(text: str) -> Optional[int]:
    match = re.search(r"MemTotal:\s*(\d+) kB", text)
    return int(match.group(1)) // 1024 if match else None

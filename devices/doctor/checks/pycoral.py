"""The package that pip knows as `pycoral`, which is not Coral's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterable, List

from devices.doctor.checks import Finding, HostUnderTest, ok, warning
from devices.host.host import Host

TITLE = "whether the wrong pycoral is installed"
RANK = 80
SECONDS = 30.0
LIVE = False

PLACES = (
    "usr/lib/python3*/dist-packages",
    "usr/local/lib/python3*/dist-packages",
    "opt/*/lib/python3*/site-packages",
    "opt/*/.venv/lib/python3*/site-packages",
    "home/*/.venv/lib/python3*/site-packages",
    "home/*/*/.venv/lib/python3*/site-packages",
)


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks that an installed `pycoral` is Coral's."""
    for place in _places(under_test.host):
        package = place / "pycoral"
        if not package.is_dir():
            continue
        shown = package if under_test.host.live else under_test.host.own(package)
        # Coral's has adapters, pipeline and utils.
        if (package / "utils" / "edgetpu.py").is_file():
            yield ok(f"{shown}: Coral's own")
        else:
            yield warning(
                f"{shown}: the package pycoral that pip finds is another project than Coral's",
                "pip uninstall pycoral; the kit runs the Edge TPU without it",
            )


def _places(host: Host) -> List[Path]:
    if host.live:
        return [Path(entry) for entry in sys.path if entry]
    return [path for pattern in PLACES for path in host.glob(pattern)]

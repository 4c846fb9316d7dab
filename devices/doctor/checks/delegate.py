"""A GPU or NPU for `engine: delegate`: its library, its device nodes, and whether the service may open them."""

from __future__ import annotations

import re
from typing import Iterable, List

from devices.boards.delegate_devices import NODES
from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host import systemd_service
from devices.host.host import Host
from devices.host.paths import Layout
from devices.install.units import UNITS
from runtime.inference.engines.delegate import FOLDERS, LIBRARIES

TITLE = "a GPU or NPU, its delegate library, nodes and rights"
RANK = 75
SECONDS = 30.0
LIVE = False


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks the delegate libraries that are installed, or that the service's configuration names."""
    host = under_test.host
    libraries = _libraries(host)
    if not libraries:
        if _setting(host, "engine") == "delegate":
            yield failure(
                f"{Layout().runtime_config} says engine: delegate, and its library is not installed",
                f"install the maker's library, {', '.join(LIBRARIES)}, and name it with device: PATH",
            )
        return
    nodes = [node for node in NODES if host.exists(node)]
    said = ", ".join(f"{path} ({LIBRARIES[name]})" if name in LIBRARIES else path for path, name in libraries)
    if not nodes:
        yield warning(
            f"{said}: no device node of a GPU or NPU is here", f"load the chip's driver; it makes one of {', '.join(NODES)}"
        )
        return
    yield ok(f"{said}; {', '.join(nodes)}")
    unit = host.text(f"{UNITS}/{systemd_service.UNIT}")
    closed = [node for node in nodes if unit and node not in _allowed(host, unit)]
    if closed:
        yield warning(
            f"{systemd_service.UNIT} may not open {', '.join(closed)}",
            f"write engine: delegate into {Layout().runtime_config}, then sudo python -m devices.install --apply; or "
            f"sudo systemctl edit {systemd_service.UNIT} with [Service] and DeviceAllow={closed[0]} rw",
        )


def _libraries(host: Host) -> List[List[str]]:
    """The path and the file name of each library."""
    named = _setting(host, "device").split(",")[0] if _setting(host, "engine") == "delegate" else ""
    paths = [named] if named else [f"{folder}/{name}" for name in LIBRARIES for folder in FOLDERS]
    return [[path, path.rpartition("/")[2]] for path in paths if host.exists(path)]


def _setting(host: Host, name: str) -> str:
    """The value of a field of the service's configuration, as a person writes it: one a line."""
    match = re.search(rf"^{name}:[ \t]*['\"]?([^'\"#\n]*)", host.text(Layout().runtime_config), re.MULTILINE)
    return match.group(1).strip() if match else ""


def _allowed(host: Host, unit: str) -> List[str]:
    """The devices that the unit and what a person has added to it let the service open."""
    added = (host.text(host.own(path)) for path in host.glob(f"{UNITS}/{systemd_service.UNIT}.d/*.conf"))
    return re.findall(r"^DeviceAllow=(\S+)", "\n".join((unit, *added)), re.MULTILINE)

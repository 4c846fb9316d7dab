"""The service that `devices.install` has set up: does it run, and how is it doing?"""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host import systemd_service
from devices.host.paths import EDK, Layout
from devices.install.units import NAMESPACE

TITLE = "the detector's service, where it is installed"
RANK = 140
SECONDS = 30.0
LIVE = False

# The service's own journal, and what systemd itself says of the service.
LOG = f"journalctl --namespace=+{NAMESPACE} --unit {systemd_service.UNIT} --lines 50"


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks that the installed service runs and makes progress."""
    state = systemd_service.properties(under_test.host)
    if not state:
        return
    active, restarts = state.get("ActiveState", ""), state.get("NRestarts", "0")
    often = f", started again {restarts} times" if restarts != "0" else ""
    if active == "active":
        yield from _health(under_test, often)
    elif active == "failed" or state.get("SubState") == "auto-restart":
        yield failure(f"{systemd_service.UNIT} does not stay up{often}", LOG)
    elif active == "activating":
        yield ok(f"{systemd_service.UNIT} is starting{often}")
    else:
        yield warning(f"{systemd_service.UNIT} is installed, and does not run", f"sudo systemctl enable --now {systemd_service.UNIT}")


def _health(under_test: HostUnderTest, often: str) -> Iterable[Finding]:
    from runtime.telemetry.health import Health

    health = Health.read(under_test.host.at(Layout().health))
    if health is None:
        yield warning(f"{systemd_service.UNIT} runs{often}, and says nothing of how it is doing", LOG)
        return
    said = f"{systemd_service.UNIT} runs {health.model} with {health.engine}, {health.fps:g} frames a second{often}"
    if under_test.host.live and not health.is_fresh():
        yield failure(f"{said}; that is old: it has not said anything since", f"sudo systemctl restart {systemd_service.UNIT}")
    elif health.reload_error:
        yield warning(f"{said}; a new model was refused: {health.reload_error}", f"sudo {EDK.as_posix()} update --status")
    elif health.not_running and health.fps:
        yield warning(f"{said}; of its cameras, there is nothing from {', '.join(health.not_running)}", LOG)
    elif not health.fps:
        yield warning(f"{said}: nothing comes from its source ({health.source_state})", LOG)
    else:
        yield ok(said)

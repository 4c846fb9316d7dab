"""The updates that `devices.install` has set up: do they go through, and what has become of new releases?"""

from __future__ import annotations

from typing import Iterable

from devices.doctor.checks import Finding, HostUnderTest, failure, ok, warning
from devices.host import systemd_service
from devices.host.paths import EDK, Layout
from devices.install.units import NAMESPACE

TITLE = "updates of the model, where they are switched on"
RANK = 150
SECONDS = 30.0
LIVE = False

UNIT = "edge-detector-update"
LOG = f"journalctl --namespace={NAMESPACE} --unit {UNIT} --lines 50"
STATUS = f"sudo {EDK.as_posix()} update --status"


def check(under_test: HostUnderTest) -> Iterable[Finding]:
    """Checks that the publisher is known, that the last update went through, and that no release is refused."""
    from runtime.telemetry import release_status

    host, layout = under_test.host, Layout()
    if not host.exists(layout.update_config.as_posix()):
        return
    if not host.exists(layout.trusted_root.as_posix()):
        yield warning(f"no update is taken: there is no {layout.trusted_root}", "edk install --repository URL --trust root.json --apply")
        return
    found = False
    for status in release_status.read(host.at((layout.state / release_status.FILE).as_posix())):
        found = True
        if status.state == release_status.REFUSED:
            yield warning(f"release {status.release} was refused: {status.brief}", STATUS)
        elif status.state == release_status.POSTPONED:
            yield warning(f"release {status.release} was put off: {status.brief}", STATUS)
        elif status.state == release_status.HELD and status.reason:
            yield warning(f"release {status.release} is held, and nothing is compared: {status.reason}", STATUS)
        else:
            yield ok(f"release {status.release}: {status.state}")
    # A refusal ends the unit with a failure too, and has been told of.
    if not found and systemd_service.properties(host, f"{UNIT}.service").get("ActiveState") == "failed":
        yield failure("the last update failed", LOG)

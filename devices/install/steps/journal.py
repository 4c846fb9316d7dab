"""Limits of the service's log.

The output of the service, with JSON lines where `json: "-"` asks for them, goes into a journal of its own. systemd
drops the oldest entries by itself, the journal survives a restart as the system's does, and a line for each frame does
not push out the messages of other services. logrotate does not fit: the runtime would have to reopen its file, and
copying and truncating it loses lines.
"""

from __future__ import annotations

from typing import List

from devices.install.resources import File, Resource
from devices.install.steps import Installation
from devices.install.units import NAMESPACE

TITLE = "log"
RANK = 70

# Megabytes: weeks of the service's own messages, or hours with a line for each frame.
MOST = 64


def resources(installation: Installation) -> List[Resource]:
    """The configuration of the journal."""
    text = f"""\
# The journal of edge-detector's units: journalctl --namespace {NAMESPACE}
[Journal]
SystemMaxUse={MOST}M
RuntimeMaxUse={MOST // 4}M
# A camera may give more lines than the usual limit lets through.
RateLimitIntervalSec=0
"""
    return [File.text(f"/etc/systemd/journald@{NAMESPACE}.conf", text)]

"""Limits of the service's log.

What the service says, JSON lines as well where `json: "-"` asks for them, goes into a journal of its
own. systemd forgets its oldest entries by itself, they outlive a restart as the system's journal does,
and a line a frame pushes nobody else's messages out. logrotate would be worse at it: a program that
keeps its file open has to be told of a new one, and a copy that is cut loses the lines in between.
"""

from __future__ import annotations

from typing import List

from devices.install.resources import File, Resource
from devices.install.steps import Installation
from devices.install.units import NAMESPACE

TITLE = "log"
RANK = 70

# Megabytes: weeks of the service's own messages, hours of a line a frame.
MOST = 64


def resources(installation: Installation) -> List[Resource]:
    text = f"""\
# The journal of edge-detector's units: journalctl --namespace {NAMESPACE}
[Journal]
SystemMaxUse={MOST}M
RuntimeMaxUse={MOST // 4}M
# A camera may give more lines than the usual limit lets through.
RateLimitIntervalSec=0
"""
    return [File.text(f"/etc/systemd/journald@{NAMESPACE}.conf", text)]

"""The service `edge-detector.service`, which runs the detector from the start of the system on."""

from __future__ import annotations

from typing import List

from devices.boards.profile import Profile
from devices.host.paths import RUN, STATE, Layout
from devices.host.systemd_service import MOST_RESTART_SECONDS, START_SECONDS, STOP_SECONDS
from devices.install.commands import Commands, Note
from devices.install.resources import Link, Resource
from devices.install.steps import Installation
from devices.install.steps.configuration import ENVIRONMENT
from devices.install.units import PYTHON, UNITS, Unit, camera_devices, engine_devices, hardening

TITLE = "the service"
RANK = 80

UNIT = "edge-detector.service"

# The longest time without progress in a healthy run: a lost camera is retried at least every 95 s (30 s pause, 30 s
# until a connection fails, 35 s until a silent one is given up).
WATCHDOG_SECONDS = 180

# From this version of systemd on, the pause between restarts can grow.
STEPS_SINCE = 254


def resources(installation: Installation) -> List[Resource]:
    """The unit, its link, and the start of the service."""
    path = f"{UNITS}/{UNIT}"
    chips = installation.profile.delegate_devices
    opened = [Note(f"it may open GPUs and NPUs, for engine: delegate: {', '.join(chips)}")] if chips else []
    return [
        *opened,
        Unit.text(path, unit(installation.profile, installation.target.systemd() or 0)),
        Link(f"{UNITS}/multi-user.target.wants/{UNIT}", path),
        Commands(
            "the service runs, with all of this",
            (("systemctl", "restart", "--no-block", UNIT),),
            follows=True,
            at_boot=True,
        ),
    ]


def unit(profile: Profile, systemd: int) -> str:
    """The unit for a device, and for a version of systemd (0 where it is not known)."""
    restart = f"RestartSec=2\nRestartSteps=6\nRestartMaxDelaySec={MOST_RESTART_SECONDS}" if systemd >= STEPS_SINCE else "RestartSec=10"
    return f"""\
# python -m devices.install made this for a {profile.title}. Changes belong into
# a file of their own, which `sudo systemctl edit {UNIT}` makes.
[Unit]
Description=Edge detector
After=network.target
# It is tried for ever: a camera may be plugged in tomorrow.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={PYTHON} -Iu -m runtime --config {Layout().runtime_config.as_posix()}
ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
WorkingDirectory={STATE.as_posix()}
StateDirectory={STATE.name}
RuntimeDirectory={RUN.name}
EnvironmentFile=-{ENVIRONMENT}

# It is ready with its first frame, and restarted where it makes no progress for so long.
TimeoutStartSec={START_SECONDS}
WatchdogSec={WATCHDOG_SECONDS}
TimeoutStopSec={STOP_SECONDS}
Restart=always
{restart}
# The engine is a process of its own, which the first one ends and replaces.
KillMode=mixed
OOMPolicy=continue

{hardening(list(dict.fromkeys((*camera_devices(profile), *engine_devices(profile)))), profile.groups)}

[Install]
WantedBy=multi-user.target
"""

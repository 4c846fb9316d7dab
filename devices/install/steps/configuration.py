"""The configuration of the service, `/etc/edge-detector/runtime.yaml`, which the user may change."""

from __future__ import annotations

import argparse
from typing import List

from devices.boards.profile import Profile
from devices.host.paths import USER, Layout
from devices.install.holds import SHADOW, asked
from devices.install.resources import File, Resource
from devices.install.steps import Installation
from devices.install.steps.environment import VENV
from devices.install.units import quoted

TITLE = "configuration"
RANK = 60

ENVIRONMENT = (Layout().config / "environment").as_posix()

# The port of the live page.
PORT = 8000


def options(parser: argparse._ActionsContainer) -> None:
    """Adds `--source`."""
    parser.add_argument("--source", metavar="SRC", help="source of the images (default: the device's own camera)")


def resources(installation: Installation) -> List[Resource]:
    """The configuration of the runtime, and the file for its secrets."""
    return [runtime_config(installation), File.text(ENVIRONMENT, _environment(), 0o600)]


def runtime_config(installation: Installation) -> File:
    """The configuration of the runtime, which compares releases where the updater is to hold them."""
    path = Layout().runtime_config.as_posix()
    # The source of the last installation stays until another one is given.
    source = installation.options.source or installation.target.yaml_field(path, "source") or installation.profile.source
    holds = bool(asked(installation.options.shadow_for, installation.target))
    # The address of a camera may hold its password.
    return File.text(path, runtime_yaml(installation.profile, source, holds), 0o640, USER)


def runtime_yaml(profile: Profile, source: str, holds: bool = False) -> str:
    """The configuration of `python -m runtime` for a device, whose updater may hold new releases."""
    layout = Layout()
    cameras = "\n".join(f"# {camera.source:<9} {camera.stack}" for camera in profile.cameras if camera.source)
    device = f"device: {profile.device}\n" if profile.device else ""
    return f"""\
# What edge-detector.service does: python -m runtime on a {profile.title}.
# Everything that `{VENV}/bin/edk run --help` lists can stand here, without the dashes in front.
# After a change: sudo systemctl restart edge-detector

# The updater switches this link when it has fetched a better model.
file: {layout.model.as_posix()}

# Where the images come from. On this device:
{cameras}
# A camera's size and speed may follow: {profile.source or "0"},size=1280x720,fps=30
# A network camera: rtsp://user:password@camera/stream
source: {quoted(source)}

# {profile.why[:1].upper()}{profile.why[1:]}.
engine: {profile.engine}
{device}threads: {profile.threads}

# An engine that gives no answer for so many seconds is replaced.
watchdog: 10

# What is left out: detections under a score, other classes, images in which nothing moves.
# score: [0.5, person=0.7]
# only: [person, car]
# motion: true

# A page with the live image, for this machine only. To look from another one:
# ssh -L {PORT}:localhost:{PORT} THIS-DEVICE, then open http://localhost:{PORT}/
# For everybody who has the token (EDGE_DETECTOR_TOKEN in {ENVIRONMENT}): 0.0.0.0:{PORT}
serve: {PORT}

# Messages; user and password stand in {ENVIRONMENT}.
# mqtt: mqtt://broker.local/edge/door
# Counters for Prometheus.
# metrics: 9100
# Every detection as a line of JSON, in the service's journal, which forgets the oldest by itself. A
# file here would grow until the card is full.
# json: "-"

# How the run is doing, for the updater, which returns to the last good model by it.
health: {layout.health.as_posix()}

# A release that the updater holds (shadow-for in {layout.update_config.as_posix()}) is compared with the model that runs, on a
# share of the frames.
{"" if holds else "# "}shadow: {SHADOW}
"""


def _environment() -> str:
    return f"""\
# Secrets of edge-detector.service, read by systemd alone. After a change:
# sudo systemctl restart edge-detector

# The token of the page, 16 characters or more; needed where `serve` is open to other machines.
# python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one.
#EDGE_DETECTOR_TOKEN=

# For the broker that `mqtt` names in {Layout().runtime_config.as_posix()}.
#EDGE_DETECTOR_MQTT_USER=
#EDGE_DETECTOR_MQTT_PASSWORD=
"""

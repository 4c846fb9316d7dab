"""The timer `edge-detector-update.timer`, which runs the updater once a day, or once an hour where it holds releases."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import List

from devices.boards.profile import Profile
from devices.host.paths import STATE, USER, Layout
from devices.install.commands import Commands, Note
from devices.install.holds import SHADOW, asked, is_compared
from devices.install.resources import KEPT, File, Link, Resource
from devices.install.steps import Installation
from devices.install.steps.configuration import runtime_config
from devices.install.units import PYTHON, UNITS, Unit, engine_devices, hardening, quoted
from runtime.common import redaction
from runtime.common.errors import InputError
from runtime.common.options import duration

TITLE = "updates of the model"
RANK = 90

UNIT = "edge-detector-update"

# time-sync.target waits for nothing on many systems. The updater waits for so long itself, and then says what is wrong.
CLOCK_SECONDS = 180


def options(parser: argparse._ActionsContainer) -> None:
    """Adds the options of the updater."""
    add = parser.add_argument
    add("--repository", metavar="URL", help="repository of new models, read once a day, or once an hour with --shadow-for (default: no updates)")
    add("--trust", metavar="FILE", help="root.json of the repository, with the keys to trust")
    add("--group", metavar="NAME", help="group of this device, for staged releases (default: none)")
    add(
        "--shadow-for",
        metavar="TIME",
        type=_time,
        help="compare a new model with the one that runs for so long, such as 24h, before it takes over; 0 for not at all "
        "(default: as before)",
    )


def resources(installation: Installation) -> List[Resource]:
    """The units of the updater and its configuration, where it has a repository."""
    layout, options = Layout(), installation.options
    if options.shadow_for is not None and not options.repository:
        raise InputError("--shadow-for: is for what --repository URL brings; give that, too")
    if options.repository:
        _check_repository(options.repository)
    time = asked(options.shadow_for, installation.target)
    lacking = bool(time) and not _will_compare(installation)
    still_holds = lacking and _still_holds(installation)
    held = "" if lacking and not still_holds else time
    timer = f"{UNITS}/{UNIT}.timer"
    made: List[Resource] = [
        Unit.text(f"{UNITS}/{UNIT}.service", service(installation.profile)),
        Unit.text(timer, timer_unit(hourly=bool(held))),
    ]
    if lacking:
        made.append(Note(_lacking(time, still_holds)))
    if options.trust:
        made += _trusted(installation, layout.trusted_root.as_posix(), _root_json(options.trust))
    elif options.repository and not installation.target.host.exists(layout.trusted_root.as_posix()):
        made.append(Note(f"no release of {redaction.address(options.repository)} is taken until --trust names its root.json"))
    if options.repository:
        made.append(_update_config(installation, held))
    elif not installation.target.host.exists(layout.update_config.as_posix()):
        return [*made, Note("not switched on: --repository URL says where models come from")]
    return [
        *made,
        Link(f"{UNITS}/timers.target.wants/{UNIT}.timer", timer),
        Commands(
            "the timer runs",
            (("systemctl", "restart", f"{UNIT}.timer"),),
            follows=True,
            at_boot=True,
        ),
    ]


def _check_repository(repository: str) -> None:
    """Raises InputError for what the updater, in its own folder on the device, could not read."""
    scheme, separator, rest = repository.partition("://")
    if separator and scheme.lower() in ("http", "https", "file") and rest:
        return
    if separator or not PurePosixPath(repository).is_absolute():
        raise InputError(
            f"--repository {redaction.address(repository)}: give an address (https://...), or the absolute path of a folder on the device"
        )


def _will_compare(installation: Installation) -> bool:
    """Whether the runtime will compare what is held: its configuration may be the user's, which stays as it is."""
    kept = runtime_config(installation).plan(installation.target).state == KEPT
    return not kept or is_compared(installation.target)


def _still_holds(installation: Installation) -> bool:
    """Whether an update.yaml that stays as it is holds releases."""
    written = installation.options.repository and _update_config(installation, "").plan(installation.target).state != KEPT
    return not written and bool(asked(None, installation.target))


def _update_config(installation: Installation, held: str) -> File:
    path = Layout().update_config.as_posix()
    group = installation.options.group or installation.target.yaml_field(path, "group")
    # The address of a repository may hold its password.
    return File.text(path, configuration(installation.profile, installation.options.repository, group, held), 0o640, USER)


def _lacking(time: str, still_holds: bool) -> str:
    """What is wrong where releases are to be held for `time` and nothing will compare them, and what to do."""
    layout = Layout()
    wrong = f"{layout.runtime_config.as_posix()} is kept, and has no line  shadow: {SHADOW}"
    if still_holds:
        return f"{layout.update_config.as_posix()} holds releases that nothing compares: {wrong}; add it and restart edge-detector"
    return f"releases are not held: {wrong}; add it, restart edge-detector, then install again with --shadow-for {time}"


def configuration(profile: Profile, repository: str, group: str, held: str = "") -> str:
    """The configuration of `python -m devices.update` for a device."""
    library = f"device: {quoted(profile.device)}\n" if profile.engine == "delegate" and profile.device else ""
    return f"""\
# What {UNIT}.service does: python -m devices.update.
# Everything that its --help lists can stand here, without the dashes in front.
repository: {quoted(repository)}
{"" if group else "# "}group: {quoted(group or "front-doors")}
# Which model of a release is taken; auto goes by whether there is an Edge TPU.
model: auto
# A new model is tried with this engine, then watched for so many seconds.
engine: {profile.engine}
{library}probation: 120
# Before, the runtime compares it with the one that runs for so long. The installation makes the rest of what that needs:
# edk install ... --shadow-for 24h
{"" if held else "# "}shadow-for: {held or "24h"}
"""


def _time(text: str) -> str:
    duration(text)
    return text


def _trusted(installation: Installation, path: str, data: bytes) -> List[Resource]:
    """The trusted root, with a note where it replaces another one: its fingerprint is to be compared."""
    made: List[Resource] = [File(path, data)]
    present = installation.target.at(path)
    if present.is_file() and present.read_bytes() != data:
        old, new = (hashlib.sha256(root).hexdigest() for root in (present.read_bytes(), data))
        made.append(Note(f"--trust is another root than {path}: {new}, not {old}; compare it with the publisher's"))
    return made


def _root_json(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
        json.loads(data)["signed"]["roles"]
    except OSError as error:
        raise InputError(f"--trust {path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"--trust {path}: is no root.json of a repository") from error
    return data


def service(profile: Profile) -> str:
    """The unit that runs the updater once, with the rights to test a new model on the device's engine."""
    return f"""\
# python -m devices.install made this for a {profile.title}.
[Unit]
Description=Edge detector: a look for a better model
After=network-online.target time-sync.target
Wants=network-online.target time-sync.target

[Service]
Type=oneshot
ExecStart={PYTHON} -Iu -m devices.update --config {Layout().update_config.as_posix()} --wait-for-clock {CLOCK_SECONDS}
WorkingDirectory={STATE.as_posix()}
StateDirectory={STATE.name}
# The detector comes first.
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=1h

{hardening(engine_devices(profile), profile.groups)}
"""


def timer_unit(hourly: bool = False) -> str:
    """The unit that starts the updater once a day, or `hourly`: what a held release has shown is looked at each time."""
    often, delay, own = ("hourly", "55min", "minute") if hourly else ("daily", "12h", "hour")
    return f"""\
[Unit]
Description=Edge detector: {"an" if hourly else "a"} {often} look for a better model

[Timer]
OnCalendar={often}
# A fleet does not ask all at once, and each device always at its own {own}.
RandomizedDelaySec={delay}
FixedRandomDelay=yes
# A device that was off at that time asks when it is on again.
Persistent=yes
Unit={UNIT}.service

[Install]
WantedBy=timers.target
"""

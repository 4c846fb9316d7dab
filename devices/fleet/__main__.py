"""`python -m devices.fleet --broker HOST`: how all devices are doing, as they tell an MQTT broker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import List, Optional, Sequence

from devices.fleet import table
from devices.fleet.listener import Listener
from devices.fleet.members import Fleet
from devices.fleet.screen import Changes, Screen
from devices.fleet.verdicts import Verdict, judge
from runtime.common import settings
from runtime.common.command import run as run_command
from runtime.common.errors import KitError
from runtime.common.options import seconds
from runtime.mqtt import client as clients
from runtime.mqtt.address import PASSWORD, TOPIC, USER, Broker

OPTION = "--broker"
REDRAW_SECONDS = 1.0


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m devices.fleet",
        description="Shows the devices that tell an MQTT broker of themselves, those that need somebody first.",
    )
    add = parser.add_argument
    add(
        OPTION,
        required=True,
        metavar="HOST[:PORT][/TOPIC]",
        help=f"the broker, and what the devices' topics begin with (default {TOPIC}); mqtts://HOST for TLS; "
        f",ca=FILE behind it for an authority of your own; user and password are taken from {USER} and {PASSWORD}",
    )
    add("--once", action="store_true", help="print what the broker has kept and end: 0 where all is well, else 1")
    add("--json", action="store_true", help="one JSON object a device; without --once whenever something changes")
    add("--group", default="", metavar="GROUP", help="only devices whose topic is TOPIC/GROUP/...")
    add("--failing", action="store_true", help="only those that are failing, offline or stale (silent for three times as long as they should be)")
    add("--release", default="", metavar="R", help="models before release R are old (default: before what most have)")
    add("--timeout", type=seconds, default=30.0, metavar="S", help="what --once waits for the broker at most (default 30)")
    options = parser.parse_args(argv)
    address, found = settings.parse(
        options.broker if "://" in options.broker else f"mqtt://{options.broker}", {"ca": str}, OPTION
    )
    broker = Broker.parse(address, OPTION, TOPIC)
    clients.check(broker, found.get("ca"), OPTION)
    fleet = Fleet(broker.topic)
    with Listener(fleet, broker, found.get("ca"), OPTION) as listener:
        look = _Look(fleet, listener, options)
        if options.once:
            listener.open(wait=False, seconds=options.timeout)
            return _once(look, broker, options)
        listener.open(wait=True)
        if sys.stdout.isatty() and not options.json:
            _watch(look, broker)
        else:
            _follow(look, broker, options.json)
    return 0


class _Look:
    """The fleet as it is now, and as the options want to see it."""

    def __init__(self, fleet: Fleet, listener: Listener, options: argparse.Namespace) -> None:
        self._fleet = fleet
        self._group = options.group.strip("/")
        self._failing = options.failing
        self._release = options.release
        self.listener = listener

    def all(self) -> List[Verdict]:
        """Of the group."""
        members = self._fleet.members()
        if self._group:
            members = tuple(member for member in members if member.belongs_to(self._group))
        return judge(members, time.monotonic(), self._release, self.listener.outage)

    def wanted(self, verdict: Verdict) -> bool:
        return verdict.rank.is_trouble or not self._failing

    def broker(self, broker: Broker) -> str:
        """How it is with the broker; empty while it is there."""
        outage = self.listener.outage
        if outage is None or outage.end is not None:
            return ""
        return f"{broker} {outage.why}, since {table.age(time.monotonic() - outage.begin)}; it is tried again"


def _once(look: _Look, broker: Broker, options: argparse.Namespace) -> int:
    if not look.listener.read_all(options.timeout):
        raise KitError(f"{OPTION}: {broker} has not told all that it has within {options.timeout:g} s; try --timeout")
    verdicts = look.all()
    if not verdicts:
        where = "/".join(filter(None, (broker.topic, options.group.strip("/"))))
        raise KitError(
            f"{OPTION}: {broker} knows of no device under {where}/; they tell it of themselves when "
            f"python -m runtime runs with --mqtt {'mqtts' if broker.tls else 'mqtt'}://{broker}/{where}/NAME"
        )
    wanted = list(filter(look.wanted, verdicts))
    if options.json:
        for verdict in wanted:
            print(json.dumps(table.as_dict(verdict)))
    else:
        print("\n".join([*(table.lines(wanted) if wanted else []), table.summary(verdicts)]))
    return int(any(verdict.rank.is_trouble for verdict in verdicts))


def _watch(look: _Look, broker: Broker) -> None:
    """Redraws a table until the user interrupts."""
    with Screen(sys.stdout) as screen:
        while True:
            verdicts = look.all()
            said = table.summary(verdicts) if verdicts else f"waiting for devices under {broker.topic}/"
            screen.show(f"{time.strftime('%H:%M:%S')}  {look.broker(broker) or f'{broker}  {said}'}", list(filter(look.wanted, verdicts)))
            time.sleep(REDRAW_SECONDS)


def _follow(look: _Look, broker: Broker, as_json: bool) -> None:
    """Prints a line whenever something changes, until the user interrupts."""
    changes, told = Changes(), False
    while True:
        away = look.broker(broker)
        if bool(away) != told:
            told = bool(away)
            print(away or f"{broker} is back", file=sys.stderr)
        if look.listener.read_all(0.0):
            for verdict in changes.of(look.all(), look.wanted):
                if as_json:
                    print(json.dumps(table.as_dict(verdict)), flush=True)
                else:
                    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {table.line(verdict)}", flush=True)
        time.sleep(REDRAW_SECONDS)


if __name__ == "__main__":
    run_command(main)

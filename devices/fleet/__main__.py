"""`python -m devices.fleet --broker HOST`: shows the state of all devices that report to an MQTT broker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Dict, List, Mapping, Optional, Sequence

from devices.fleet import releases, table
from devices.fleet.listener import Listener
from devices.fleet.members import Bad, Fleet
from devices.fleet.screen import Changes, Screen
from devices.fleet.verdicts import Verdict, judge
from devices.fleet.words import age
from runtime.common import settings
from runtime.common.command import run as run_command
from runtime.common.command_parser import Parser
from runtime.common.errors import KitError
from runtime.common.options import seconds
from runtime.mqtt import client as clients
from runtime.mqtt.address import PASSWORD, TOPIC, USER, Broker

OPTION = "--broker"
REDRAW_SECONDS = 1.0


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code: with --once, 1 where a device is in trouble."""
    options = _parser().parse_args(argv)
    address, found = settings.parse(
        options.broker if "://" in options.broker else f"mqtt://{options.broker}", {"ca": str}, OPTION
    )
    broker = Broker.parse(address, OPTION, TOPIC)
    clients.check(broker, found.get("ca"), OPTION)
    fleet = Fleet(broker.topic)
    with Listener(fleet, broker, found.get("ca"), OPTION) as listener:
        view = _View(fleet, listener, options)
        if options.once:
            listener.open(wait=False, seconds=options.timeout)
            return _once(view, broker, options)
        listener.open(wait=True)
        if sys.stdout.isatty() and not options.json:
            _watch(view, broker)
        else:
            _follow(view, broker, options.json)
    return 0


class _View:
    """The verdicts on the fleet that the options select."""

    def __init__(self, fleet: Fleet, listener: Listener, options: argparse.Namespace) -> None:
        self._fleet = fleet
        self._group = options.group.strip("/")
        self._failing = options.failing
        self._release = options.release
        self.listener = listener

    def all(self) -> List[Verdict]:
        """The verdicts on the devices of the group."""
        members = self._fleet.members()
        if self._group:
            members = tuple(member for member in members if member.belongs_to(self._group))
        return judge(members, time.monotonic(), self._release, self.listener.outage)

    def wanted(self, verdict: Verdict) -> bool:
        """Whether the options select this verdict."""
        return verdict.rank.is_trouble or not self._failing

    def bad(self) -> Dict[str, Bad]:
        """The messages that could not be read, by topic."""
        return self._fleet.bad()

    def outage(self, broker: Broker) -> str:
        """Describes an outage of the broker; empty while there is none."""
        outage = self.listener.outage
        if outage is None or outage.end is not None:
            return ""
        return f"{broker} {outage.why}, since {age(time.monotonic() - outage.begin)}; trying again"


def _once(view: _View, broker: Broker, options: argparse.Namespace) -> int:
    if not view.listener.read_all(options.timeout):
        raise KitError(f"{OPTION}: {broker} has not sent all that it has within {options.timeout:g} s; try --timeout")
    verdicts = view.all()
    _warn(view.bad())
    if not verdicts:
        where = "/".join(filter(None, (broker.topic, options.group.strip("/"))))
        raise KitError(
            f"{OPTION}: {broker} knows of no device under {where}/; devices report to it when "
            f"python -m runtime runs with --mqtt {'mqtts' if broker.tls else 'mqtt'}://{broker}/{where}/NAME"
        )
    wanted = list(filter(view.wanted, verdicts))
    if options.json:
        for verdict in wanted:
            print(json.dumps(table.as_dict(verdict)))
    else:
        print("\n".join([*(table.lines(wanted) if wanted else []), table.summary(verdicts), *releases.summary(verdicts)]))
    return int(any(verdict.rank.is_trouble for verdict in verdicts))


def _watch(view: _View, broker: Broker) -> None:
    """Redraws a table until the user interrupts."""
    with Screen(sys.stdout) as screen:
        while True:
            verdicts = view.all()
            text = table.summary(verdicts) if verdicts else f"waiting for devices under {broker.topic}/"
            head = view.outage(broker) or f"{broker}  {text}{table.bad_summary(view.bad())}"
            screen.show(f"{time.strftime('%H:%M:%S')}  {head}", list(filter(view.wanted, verdicts)), releases.summary(verdicts))
            time.sleep(REDRAW_SECONDS)


def _follow(view: _View, broker: Broker, as_json: bool) -> None:
    """Prints a line whenever something changes, until the user interrupts."""
    changes, was_away, told = Changes(), False, 0
    while True:
        away = view.outage(broker)
        if bool(away) != was_away:
            was_away = bool(away)
            print(away or f"{broker} is back", file=sys.stderr)
        bad = view.bad()
        _warn(dict(list(bad.items())[told:]))
        told = len(bad)
        if view.listener.read_all(0.0):
            for verdict in changes.of(view.all(), view.wanted):
                if as_json:
                    print(json.dumps(table.as_dict(verdict)), flush=True)
                else:
                    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {table.line(verdict)}", flush=True)
        time.sleep(REDRAW_SECONDS)


def _warn(bad: Mapping[str, Bad]) -> None:
    for topic, found in bad.items():
        print(f"warning: {table.bad(topic, found)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m devices.fleet",
        description="Shows the devices that report to an MQTT broker, those with a problem first.",
        epilog="examples:\n"
        "  python -m devices.fleet --broker broker.local\n"
        "  python -m devices.fleet --broker mqtts://broker.local,ca=ca.pem --once --failing\n\n"
        f"user and password of the broker are read from {USER}\nand {PASSWORD}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("broker").add_argument
    add(
        OPTION,
        required=True,
        metavar="HOST[:PORT][/TOPIC]",
        help=f"the broker, and the topic with which the devices' topics begin (default {TOPIC}); mqtts://HOST for TLS; "
        "append ,ca=FILE for a certificate authority of your own",
    )
    add("--timeout", type=seconds, default=30.0, metavar="S", help="with --once: wait up to S seconds (default 30)")
    add = parser.add_argument_group("which devices").add_argument
    add("--group", default="", metavar="GROUP", help="only devices whose topic is TOPIC/GROUP/... (default: all)")
    add("--failing", action="store_true", help="only devices that are failing, offline or stale (three reports missed)")
    add(
        "--release",
        default="",
        metavar="R",
        help="models before release R are old (default: before the release of most devices)",
    )
    add = parser.add_argument_group("output").add_argument
    add("--once", action="store_true", help="print the present state and end: exit code 0 where all is well, else 1")
    add("--json", action="store_true", help="one JSON object for each device; without --once, for each change")
    return parser


if __name__ == "__main__":
    run_command(main)

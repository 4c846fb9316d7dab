"""`python -m devices.publish RUN --repository DIR`: publishes a signed release for a fleet of devices."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence, Tuple

from devices.host import fsync_files
from devices.keys import key_ring
from devices.keys.passphrase import ask
from devices.publish import bundle, renewal
from devices.publish.repository import Lifetimes, Repository
from devices.releases import channel, tuf_library
from devices.releases.channel import Channel, Offer
from runtime.common.command import run
from runtime.common.errors import InputError
from runtime.common.options import old_name, positive
from runtime.common.tables import columns

KEEP = 5
IMAGES = "an image or a folder of images for the self-test (default: validation images of the run); may be repeated"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; gives its exit code."""
    options = _parser().parse_args(argv)
    options.group = options.group or ""
    tuf_library.require()
    with fsync_files.as_kit_errors():
        return _publish(options)


def _publish(options: argparse.Namespace) -> int:
    ring = key_ring.Keyring(options.keys, key_ring.secret_from(options.passphrase_file, ask, False))
    lifetimes = Lifetimes(options.targets_days, options.snapshot_days, options.timestamp_days)
    repository = Repository(options.repository, ring, lifetimes)
    if options.list:
        show(repository)
        return 0
    changes = options.run or options.withdraw or options.percent is not None
    if not (changes or options.refresh or options.bundle):
        raise InputError("give a RUN to publish, or one of --percent, --withdraw, --refresh, --bundle, --list")
    now = datetime.now(timezone.utc)
    renewal.check_root(repository, now)
    if options.run:
        publish_run(repository, options)
    elif changes or options.refresh:
        if changes:
            change_offer(repository, options)
        repository.publish(_reading_back(repository, (options.group,) if changes else ()))
    for line in renewal.due(repository, now):
        print(f"warning: {line}", file=sys.stderr)
    if not options.bundle:
        show(repository)
    if options.bundle:
        releases = bundle.write(repository, options.group, options.bundle)
        size = options.bundle.stat().st_size / 2**20
        print(
            f"{options.bundle}: {size:.1f} MB with {', '.join(releases) or 'no release'}; "
            f"devices accept it until {renewal.first_end(repository, options.group):%Y-%m-%d}"
        )
    return 0


def _reading_back(
    repository: Repository, groups: Tuple[str, ...], releases: Tuple[str, ...] = ()
) -> Callable[[Mapping[str, bytes]], None]:
    """Reads what is about to be published, with the device's own code."""
    from devices.publish import read_back

    def check(last: Mapping[str, bytes]) -> None:
        reading = read_back.Reading(repository.first_root, groups, releases)
        read_back.check(read_back.Unfinished(repository.folder, last), reading, read_back.self_test)

    return check


def publish_run(repository: Repository, options: argparse.Namespace) -> None:
    """Publishes the export of a run as a new release."""
    from devices.publish.package import package

    group, offered = options.group, repository.channel(options.group)
    with tempfile.TemporaryDirectory() as folder:
        print(f"making a self-test for {options.run}", file=sys.stderr)
        made, files = package(options.run, options.release, options.images, Path(folder))
        if any(offer.release == made.name for offer in offered.offers):
            raise InputError(f"--release {made.name}: is published already and cannot be changed; give another name")
        offered = offered.with_offer(Offer(made.name, 100.0 if options.percent is None else options.percent))
        repository.set_channel(group, offered.latest(options.keep))
        repository.add(group, {channel.release_target(group, made.name, name): path for name, path in files.items()})
        repository.publish(_reading_back(repository, (group,), (made.name,)))


def change_offer(repository: Repository, options: argparse.Namespace) -> None:
    """Changes the share of devices that a release is for, or withdraws it."""
    offered: Channel = repository.channel(options.group)
    if not offered.offers:
        raise InputError(f"{repository.folder}: offers {options.group or 'devices'} no release yet")
    if options.withdraw:
        offer = replace(offered.offer(options.withdraw), withdrawn=options.reason)
    else:
        named = options.release or offered.offers[-1].release
        offer = replace(offered.offer(named), percent=options.percent, withdrawn=None)
    repository.set_channel(options.group, offered.with_offer(offer))


def show(repository: Repository) -> None:
    """Prints the releases of all groups, and when the signatures expire."""
    rows = [("release", "group", "devices")]
    for group in repository.groups:
        for offer in repository.channel(group).offers:
            share = f"{offer.percent:g} %" if offer.withdrawn is None else f"withdrawn: {offer.withdrawn}"
            rows.append((offer.release, group or "all", share))
    print(columns(rows))
    expiries = sorted(repository.expiries().items())
    print(f"signed until: {', '.join(f'{name} {expires:%Y-%m-%d}' for name, expires in expiries)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devices.publish",
        description="Publishes a signed release for a fleet of devices, or changes which devices\nget a release.",
        epilog="examples:\n"
        "  python -m devices.publish runs/door --repository site --percent 10\n"
        "  python -m devices.publish --repository site --percent 100\n"
        "  python -m devices.publish --repository site --withdraw 20261125-0231-9f86d081 --reason 'misses bicycles'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", type=Path, nargs="?", help="a run with an export, or an export folder")
    add = parser.add_argument_group("repository and keys").add_argument
    add("--repository", metavar="DIR", type=Path, required=True, help="folder of the repository, for a web server")
    add("--keys", metavar="DIR", type=Path, default=Path("keys"), help="keys of python -m devices.keys (default keys)")
    add(
        "--passphrase-file",
        metavar="FILE",
        type=Path,
        help="file with the passphrase (default: EDGE_DETECTOR_PASSPHRASE, else it is asked for)",
    )
    add = parser.add_argument_group("a new release").add_argument
    add("--release", metavar="NAME", help="name of the release (default: date and hash); with --percent: which one")
    add("--group", metavar="NAME", type=_group, help="only for devices of this group (default: all devices)")
    add("--percent", metavar="P", type=_percent, help="share of the devices that get it (default 100); without RUN: new share")
    add = parser.add_argument_group("its self-test").add_argument
    old_name(parser, "--pictures", add("--images", metavar="PATH", type=Path, action="append", default=[], help=IMAGES))
    add = parser.add_argument_group("other actions").add_argument
    add("--withdraw", metavar="RELEASE", help="withdraw a release: its devices return to the one before")
    add("--reason", metavar="TEXT", default="no reason given", help="reason for --withdraw")
    add("--refresh", action="store_true", help="renew the signatures and use new keys; to be run regularly, by cron")
    add("--bundle", metavar="FILE", type=Path, help="write one file for devices without a network")
    add("--list", action="store_true", help="show the releases, and when the signatures expire")
    add = parser.add_argument_group("limits").add_argument
    add("--keep", metavar="N", type=positive, default=KEEP, help=f"releases that stay published (default {KEEP})")
    for role, days in (("targets", 365), ("snapshot", 30), ("timestamp", 14)):
        add(f"--{role}-days", metavar="N", type=_days, default=days, help=f"days until {role} expires (default {days})")
    return parser


def _group(text: str) -> str:
    try:
        return channel.checked_name(text, "group")
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _percent(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return number


def _days(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 3660:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days over 0")
    return number


if __name__ == "__main__":
    run(main)

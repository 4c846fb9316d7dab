"""`python -m devices.publish RUN --repository DIR`: signs a model for a fleet, and says who gets it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence

from devices.host import fsync_files
from devices.keys import key_ring
from devices.keys.passphrase import ask
from devices.publish import bundle
from devices.publish.repository import Lifetimes, Repository
from devices.releases import channel, tuf_library
from devices.releases.channel import Channel, Offer
from runtime.common.command import run
from runtime.common.errors import InputError
from runtime.common.options import old_name, positive
from runtime.common.tables import columns

KEEP = 5
IMAGES = "an image, or a folder of them, for the self-test (default: validation images of the run); may be repeated"


def main(argv: Optional[Sequence[str]] = None) -> int:
    options = _parser().parse_args(argv)
    options.group = options.group or ""
    tuf_library.require()
    with fsync_files.told():
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
    if options.run:
        publish_run(repository, options)
    elif changes or options.refresh:
        if changes:
            change_offer(repository, options)
        repository.publish()
    if not options.bundle:
        show(repository)
    if options.bundle:
        releases = bundle.write(repository, options.group, options.bundle)
        size = options.bundle.stat().st_size / 2**20
        print(
            f"{options.bundle}: {size:.1f} MB with {', '.join(releases)}; "
            f"devices take it until {_ends(repository):%Y-%m-%d}"
        )
    return 0


def publish_run(repository: Repository, options: argparse.Namespace) -> None:
    """Publishes the export of a run as a new release."""
    from devices.publish.package import package

    group, offered = options.group, repository.channel(options.group)
    with tempfile.TemporaryDirectory() as folder:
        print(f"making a self-test for {options.run}", file=sys.stderr)
        made, files = package(options.run, options.release, options.images, Path(folder))
        if any(offer.release == made.name for offer in offered.offers):
            raise InputError(f"--release {made.name}: is published already; a release is never changed, take a new name")
        offered = offered.with_offer(Offer(made.name, 100.0 if options.percent is None else options.percent))
        repository.set_channel(group, offered.latest(options.keep))
        repository.add(group, {channel.release_target(group, made.name, name): path for name, path in files.items()})
        repository.publish()


def change_offer(repository: Repository, options: argparse.Namespace) -> None:
    """Another share for a release, or none any more."""
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
    """What is offered to whom, and until when it is signed."""
    rows = [("release", "group", "devices")]
    for group in repository.groups:
        for offer in repository.channel(group).offers:
            share = f"{offer.percent:g} %" if offer.withdrawn is None else f"withdrawn: {offer.withdrawn}"
            rows.append((offer.release, group or "all", share))
    print(columns(rows))
    roles = {name: role.signed for name, role in repository.roles.items()}
    if repository.timestamp is not None:
        roles.update(snapshot=repository.snapshot.signed, timestamp=repository.timestamp.signed)
    roles["root"] = repository.root
    ends = ", ".join(f"{name} {signed.expires:%Y-%m-%d}" for name, signed in sorted(roles.items()))
    print(f"signed until: {ends}")


def _ends(repository: Repository):
    signed = [role.signed.expires for role in repository.roles.values()]
    return min(*signed, repository.snapshot.signed.expires, repository.timestamp.signed.expires)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devices.publish", description="Signs a model for a fleet, and says which devices get it."
    )
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, nargs="?", help="a run with an export, or an export folder")
    add("--repository", metavar="DIR", type=Path, required=True, help="the folder that a web server serves")
    add("--keys", metavar="DIR", type=Path, default=Path("keys"), help="made by python -m devices.keys (default keys)")
    add("--passphrase-file", metavar="FILE", type=Path, help="else EDGE_DETECTOR_PASSPHRASE, or it is asked for")
    add("--group", metavar="NAME", type=_group, help="for the devices of this group only")
    add("--release", metavar="NAME", help="its name (default: date and hash); with --percent alone: which one")
    add("--percent", metavar="P", type=_percent, help="for this share of the devices; without RUN: change the share")
    images = add("--images", metavar="PATH", type=Path, action="append", default=[], help=IMAGES)
    old_name(parser, "--pictures", images)
    add("--withdraw", metavar="RELEASE", help="take a release back: its devices return to the one before")
    add("--reason", metavar="TEXT", default="no reason given", help="why, for --withdraw")
    add("--refresh", action="store_true", help="sign anew what ends soon (for cron); takes over new keys")
    add("--bundle", metavar="FILE", type=Path, help="write what devices without a network need into one file")
    add("--list", action="store_true", help="show what is published and until when it is signed")
    add("--keep", metavar="N", type=positive, default=KEEP, help=f"releases that stay published (default {KEEP})")
    for role, days in (("targets", 365), ("snapshot", 30), ("timestamp", 14)):
        add(f"--{role}-days", metavar="N", type=_days, default=days, help=f"{role} is good so long (default {days})")
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

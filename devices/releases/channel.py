"""Channels: which releases the publisher offers, and which of them a device runs.

A channel is a small signed file, `channel.json`. It lists releases, the newest last, each with the share of the
devices that it is for. To raise a share or to withdraw a release, the publisher signs a new channel; the files of
the model do not change.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Container, Dict, Optional, Tuple

from runtime.common.errors import InputError, KitError

FORMAT = 1

# Names that are safe as file names on every system, and in a URL.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

# Shares are compared in steps of a hundredth of a percent.
_STEPS = 10_000

# The largest channel that a device reads.
MOST_BYTES = 1 << 16


def checked_name(text: str, what: str) -> str:
    """Checks the name of a `what` (a release, a group, a file) and gives it. Raises InputError where it is unfit."""
    if not isinstance(text, str) or not NAME.fullmatch(text) or ".." in text:
        raise InputError(
            f"{what} {text!r}: give a name of up to 64 letters, digits, dots, dashes and underscores, "
            "which begins with a letter or a digit"
        )
    return text


def prefix(group: str) -> str:
    """The folder of a group's targets in the repository; empty for all devices, whose targets lie at the top."""
    return f"groups/{group}/" if group else ""


def channel_target(group: str) -> str:
    """The name of the target that holds a group's channel."""
    return prefix(group) + "channel.json"


def release_target(group: str, release: str, file: str) -> str:
    """The name of the target that holds a file of a release."""
    return f"{prefix(group)}releases/{release}/{file}"


def percentile(device: str, release: str) -> float:
    """The position of a device among all devices for this release, 0 <= percentile < 100.

    It is always the same for one release, and different for other releases, so that no device is always the first.
    """
    digest = hashlib.sha256(f"{device}\n{release}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _STEPS / (_STEPS / 100)


@dataclass(frozen=True)
class Offer:
    """A release for `percent` of the devices (0 to 100). `withdrawn` is the reason where it is for no device any more."""

    release: str
    percent: float = 100.0
    withdrawn: Optional[str] = None

    def is_for(self, device: str) -> bool:
        """Whether the release is for that device."""
        return self.withdrawn is None and percentile(device, self.release) < self.percent


@dataclass(frozen=True)
class Channel:
    """The releases that a group of devices is offered, the newest last."""

    offers: Tuple[Offer, ...] = ()

    def choose(self, device: str, refused: Container[str] = ()) -> Optional[Offer]:
        """The newest offer for a device, without releases that it has `refused`; None where there is none."""
        for offer in reversed(self.offers):
            if offer.is_for(device) and offer.release not in refused:
                return offer
        return None

    def offer(self, release: str) -> Offer:
        """The offer of a release. Raises InputError where there is none of that name."""
        for found in self.offers:
            if found.release == release:
                return found
        known = ", ".join(found.release for found in self.offers) or "none"
        raise InputError(f"there is no release {release}; there are {known}")

    def with_offer(self, offer: Offer) -> Channel:
        """This channel with `offer`, which replaces the offer of the same release or becomes the newest."""
        if any(found.release == offer.release for found in self.offers):
            kept = (offer if found.release == offer.release else found for found in self.offers)
            return replace(self, offers=tuple(kept))
        return replace(self, offers=(*self.offers, offer))

    def latest(self, number: int) -> Channel:
        """This channel with the newest `number` of offers only. Withdrawn offers between them stay, and do not count."""
        kept, counted = [], 0
        for offer in reversed(self.offers):
            if counted == number:
                break
            kept.append(offer)
            counted += offer.withdrawn is None
        return replace(self, offers=tuple(reversed(kept)))

    def text(self) -> str:
        """The content of `channel.json`."""
        listed = [
            {"release": offer.release, "percent": offer.percent}
            if offer.withdrawn is None
            else {"release": offer.release, "percent": offer.percent, "withdrawn": offer.withdrawn}
            for offer in self.offers
        ]
        return json.dumps({"format": FORMAT, "releases": listed}, indent=1) + "\n"

    @classmethod
    def parse(cls, data: bytes, where: str) -> Channel:
        """Reads the content of `channel.json`; `where` names it in errors. Raises KitError for anything else."""
        content = read_json(data, where, "channel")
        try:
            return cls(tuple(_offer(entry) for entry in content["releases"]))
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise KitError(f"{where}: is no channel: {error}") from error


def read_json(data: bytes, where: str, what: str) -> Dict[str, Any]:
    """Reads a signed JSON file of this kit. Raises KitError where it is no such file, or has another format."""
    try:
        content: Dict[str, Any] = json.loads(data)
        version = content["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KitError(f"{where}: is no {what}: {error}") from error
    if version != FORMAT:
        raise KitError(f"{where}: is a {what} of format {version}, this kit knows {FORMAT}; update the kit first")
    return content


def _offer(entry: Dict[str, Any]) -> Offer:
    percent, withdrawn = float(entry["percent"]), entry.get("withdrawn")
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent:g} percent")
    if withdrawn is not None and not isinstance(withdrawn, str):
        raise ValueError("withdrawn is no text")
    return Offer(checked_name(entry["release"], "release"), percent, withdrawn)

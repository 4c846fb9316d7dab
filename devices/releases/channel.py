"""Which release a device is to run: what the publisher offers, and what a device takes of it.

A channel is one small signed file, `channel.json`. It lists releases, the newest last, each with the
share of the devices that it is for. Raising a share, or withdrawing a release, is a new channel: the
model's files stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Container, Dict, Optional, Tuple

from runtime.common.errors import InputError, KitError

FORMAT = 1

# Names that are safe as those of files everywhere, and in an address.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

# Shares are compared in steps of a hundredth of a percent.
_STEPS = 10_000

# A channel says which releases there are; no device needs more of them.
MOST_BYTES = 1 << 16


def checked_name(text: str, what: str) -> str:
    """`text` as the name of a `what` (a release, a group, a file). Raises InputError."""
    if not isinstance(text, str) or not NAME.fullmatch(text) or ".." in text:
        raise InputError(
            f"{what} {text!r}: give a name of up to 64 letters, digits, dots, dashes and underscores, "
            "which begins with a letter or a digit"
        )
    return text


def prefix(group: str) -> str:
    """Where the targets of a group lie in the repository; those of all devices at its top."""
    return f"groups/{group}/" if group else ""


def channel_target(group: str) -> str:
    """The target that is a group's channel."""
    return prefix(group) + "channel.json"


def release_target(group: str, release: str, file: str) -> str:
    """The target that is a file of a release."""
    return f"{prefix(group)}releases/{release}/{file}"


def place(device: str, release: str) -> float:
    """Where a device stands among all for this release, 0 <= place < 100 percent.

    The same for ever, and another one for another release, so that no device is always the first.
    """
    digest = hashlib.sha256(f"{device}\n{release}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _STEPS / (_STEPS / 100)


@dataclass(frozen=True)
class Offer:
    """A release for `percent` of the devices (0 to 100). A `withdrawn` one, which says why, is for none."""

    release: str
    percent: float = 100.0
    withdrawn: Optional[str] = None

    def is_for(self, device: str) -> bool:
        return self.withdrawn is None and place(device, self.release) < self.percent


@dataclass(frozen=True)
class Channel:
    """`offers`, the newest last."""

    offers: Tuple[Offer, ...] = ()

    def choose(self, device: str, refused: Container[str] = ()) -> Optional[Offer]:
        """The newest offer for a device, without those that it has `refused`; None where there is none."""
        for offer in reversed(self.offers):
            if offer.is_for(device) and offer.release not in refused:
                return offer
        return None

    def offer(self, release: str) -> Offer:
        """Raises InputError where there is none of that name."""
        for found in self.offers:
            if found.release == release:
                return found
        known = ", ".join(found.release for found in self.offers) or "none"
        raise InputError(f"there is no release {release}; there are {known}")

    def with_offer(self, offer: Offer) -> Channel:
        """With `offer` in place of that of the same release, else as the newest."""
        if any(found.release == offer.release for found in self.offers):
            kept = (offer if found.release == offer.release else found for found in self.offers)
            return replace(self, offers=tuple(kept))
        return replace(self, offers=(*self.offers, offer))

    def latest(self, number: int) -> Channel:
        """With the newest `number` of offers only; withdrawn ones do not count, and stay in between."""
        kept, counted = [], 0
        for offer in reversed(self.offers):
            if counted == number:
                break
            kept.append(offer)
            counted += offer.withdrawn is None
        return replace(self, offers=tuple(reversed(kept)))

    def text(self) -> str:
        listed = [
            {"release": offer.release, "percent": offer.percent}
            if offer.withdrawn is None
            else {"release": offer.release, "percent": offer.percent, "withdrawn": offer.withdrawn}
            for offer in self.offers
        ]
        return json.dumps({"format": FORMAT, "releases": listed}, indent=1) + "\n"

    @classmethod
    def parse(cls, data: bytes, where: str) -> Channel:
        """Raises KitError for what is no channel."""
        content = read_json(data, where, "channel")
        try:
            return cls(tuple(_offer(entry) for entry in content["releases"]))
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise KitError(f"{where}: is no channel: {error}") from error


def read_json(data: bytes, where: str, what: str) -> Dict[str, Any]:
    """The content of a signed file of this kit. Raises KitError where it is none, or of another format."""
    try:
        content = json.loads(data)
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

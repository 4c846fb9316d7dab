"""Which releases the publisher has taken back, and whether a device has to leave the one that it runs."""

from __future__ import annotations

from typing import Callable, Dict, Mapping

from devices.releases.channel import Channel


def remembered(before: Mapping[str, str], channel: Channel, is_here: Callable[[str], bool]) -> Dict[str, str]:
    """The releases that are withdrawn and why: those of the channel, and those known `before` that are still here.

    A device keeps them for when it has no network. Channels lose their oldest releases in time, devices may not.
    """
    listed = {offer.release: offer.withdrawn for offer in channel.offers}
    kept = {name: reason for name, reason in before.items() if name not in listed and is_here(name)}
    return {**kept, **{name: reason for name, reason in listed.items() if reason is not None}}


def reason_to_leave(release: str, device: str, channel: Channel, withdrawn: Mapping[str, str]) -> str:
    """Why a device that runs `release` and is offered none has to leave it; empty where it keeps it.

    A release that the channel does not list was installed by hand, or is too old for it: it stays.
    """
    if release in withdrawn:
        return f"{release} was withdrawn: {withdrawn[release]}"
    if any(offer.release == release and not offer.is_for(device) for offer in channel.offers):
        return f"{release} is for this device no longer"
    return ""

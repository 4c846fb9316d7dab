"""When the signatures of a repository end, and what its publisher has to renew before that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import List

from devices.keys.key_ring import group_role
from devices.publish.repository import Repository
from runtime.common.errors import KitError

# Time enough for whoever keeps the keys that are needed.
NOTICE = timedelta(days=60)

_RENEW_ROOT = "renew it with the root keys: python -m devices.keys KEYS --renew"


def first_end(repository: Repository, group: str) -> datetime:
    """When a device of a group accepts the repository no longer."""
    ends = repository.expiries()
    # A group without a list of its own uses the list of all devices.
    return min(ends[role] for role in ("root", "timestamp", "snapshot", "targets", _role(group)) if role in ends)


def due(repository: Repository, now: datetime) -> List[str]:
    """A line for each role that ends soon and that this publish has not renewed, with what renews it."""
    lines = []
    for role, end in sorted(repository.expiries().items()):
        if end > now + NOTICE or role in ("snapshot", "timestamp", *repository.renewed):
            continue
        what = "has ended" if end <= now else "ends"
        advice = (
            _RENEW_ROOT
            if role == "root"
            else f"run python -m devices.publish --refresh where the key of {role} is"
        )
        lines.append(f"the signature of {role} {what} on {end:%Y-%m-%d}, and devices take nothing after that; {advice}")
    return lines


def check_root(repository: Repository, now: datetime) -> None:
    """Raises KitError where the root has expired, so that devices would take nothing whatever is signed."""
    end = repository.expiries()["root"]
    if end <= now:
        raise KitError(f"nothing is published: the signature of root has ended on {end:%Y-%m-%d}; {_RENEW_ROOT}")


def _role(group: str) -> str:
    return group_role(group) if group else "targets"

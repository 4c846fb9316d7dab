"""The TUF client: reads what the keys that this device trusts have signed.

The checks are those of `tuf.ngclient`. This module turns its errors into messages for the users of a device.
"""

from __future__ import annotations

import contextlib
import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterator, Optional
from urllib.parse import quote

from tuf.api import exceptions
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from devices.host import fsync_files
from devices.releases.tuf_types import (
    SIGNED_AT,
    Metadata,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from devices.update.transport import Fetcher, Transport
from runtime.common.errors import InputError, KitError

# Far more than a fleet of many groups needs, and little enough for the memory of a small board.
_LIMITS = UpdaterConfig(
    max_root_rotations=256,
    max_delegations=8,
    root_max_length=512_000,
    timestamp_max_length=16_384,
    snapshot_max_length=2_000_000,
    targets_max_length=5_000_000,
)


class Refused(KitError):
    """The repository is not to be trusted, or cannot be read."""


class TufClient:
    """A client of one repository, with its signed state as of now.

    `folder` keeps the metadata that was seen, so that older metadata is not accepted later. `root` is the TUF root
    that is trusted, and `now` a time that has been, in seconds since 1970: the clock of a device may be set back, and
    signatures that have expired by then are not accepted. Raises Refused for a repository that fails a check,
    InputError where `root` is no TUF root.
    """

    def __init__(self, folder: Path, transport: Transport, root: bytes, now: float = 0.0) -> None:
        self._transport = transport
        self._folder = folder
        self._now = now
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("tmp*"):
            # Left by a client that was killed while it wrote.
            leftover.unlink()
        with _refusals(transport):
            try:
                self._updater = Updater(
                    str(folder), "metadata/", fetcher=Fetcher(transport), config=_LIMITS, bootstrap=root
                )
            except exceptions.RepositoryError as error:
                raise InputError(f"the root that is trusted here is no TUF root: {error}") from error
            self._updater.refresh()
            self._check_time()
        # The library does not flush its files, and a power cut would lose which versions were seen.
        fsync_files.sync_tree(folder)

    def target(self, name: str) -> Optional[TargetFile]:
        """The description of a target; None where nobody has signed for it."""
        with _refusals(self._transport):
            found = self._updater.get_targetinfo(name)
            delegations = self._targets("targets").delegations
            for role, _ in delegations.get_roles_for_target(name) if delegations else ():
                # A role that was not needed for this target was not read.
                if self._path(role).is_file():
                    self._check_expiry(role, self._targets(role))
            return found

    def _check_time(self) -> None:
        """Checks what the top-level roles have signed by the time that is known; TUF's client has only the clock."""
        timestamp = Metadata[Timestamp].from_file(str(self._path("timestamp"))).signed
        self._now = max(self._now, _signed_at(timestamp))
        self._check_expiry("timestamp", timestamp)
        self._check_expiry("root", Metadata[Root].from_file(str(self._path("root"))).signed)
        self._check_expiry("snapshot", Metadata[Snapshot].from_file(str(self._path("snapshot"))).signed)
        self._check_expiry("targets", self._targets("targets"))

    def _check_expiry(self, role: str, signed: Signed) -> None:
        if signed.is_expired(datetime.fromtimestamp(self._now, timezone.utc)):
            raise exceptions.ExpiredMetadataError(f"{role}.json is expired")

    def _targets(self, role: str) -> Targets:
        return Metadata[Targets].from_file(str(self._path(role))).signed

    def _path(self, role: str) -> Path:
        """The file of a role, as TUF's client names it."""
        return self._folder / f"{quote(role, '')}.json"

    def read(self, target: TargetFile, most: int) -> bytes:
        """The content of a small target. Raises Refused where it has more than `most` bytes, or is not what was signed."""
        if target.length > most:
            raise Refused(f"{self._transport.where}: {target.path} has {target.length} bytes; at most {most} are taken")
        found = b""
        with _refusals(self._transport):
            for chunk in self._transport.open(address(target))[1]:
                found += chunk
                if len(found) > target.length:
                    break
        if len(found) != target.length or hashlib.sha256(found).hexdigest() != target.hashes.get("sha256"):
            raise Refused(f"{self._transport.where}: {target.path} is not what was signed; nothing of it is used")
        return found


def address(target: TargetFile) -> str:
    """The name of a target's file in the repository."""
    folder, slash, name = target.path.rpartition("/")
    return f"targets/{folder}{slash}{target.hashes['sha256']}.{name}"


def _signed_at(timestamp: Timestamp) -> float:
    """When the publisher signed the timestamp, in seconds since 1970; 0 where it does not say.

    It counts for these signatures only: one wrong clock of a publisher must not set the time of all devices for ever.
    """
    said = timestamp.unrecognized_fields.get(SIGNED_AT)
    return float(said) if isinstance(said, (int, float)) and 0 <= said <= timestamp.expires.timestamp() else 0.0


@contextlib.contextmanager
def _refusals(transport: Transport) -> Iterator[None]:
    """Turns TUF's errors into Refused."""
    try:
        yield
    except exceptions.ExpiredMetadataError as error:
        raise Refused(
            f"{transport.where}: its signatures have expired ({error}); the publisher renews them "
            "with python -m devices.publish --refresh; check that the clock of this device is right"
        ) from error
    except exceptions.BadVersionNumberError as error:
        raise Refused(
            f"{transport.where}: has an older or another state than was seen before ({error}); it was replayed, or "
            "restored from a backup"
        ) from error
    except exceptions.UnsignedMetadataError as error:
        raise Refused(f"{transport.where}: is not signed by the keys that this device trusts ({error})") from error
    except exceptions.DownloadLengthMismatchError as error:
        raise Refused(f"{transport.where}: sends more than was signed, or than is allowed ({error})") from error
    except exceptions.DownloadError as error:
        cause = f" ({error.__cause__})" if error.__cause__ is not None and str(error).startswith("Failed to") else ""
        raise Refused(f"{error}{cause}; try again later") from error
    except exceptions.RepositoryError as error:
        raise Refused(f"{transport.where}: is not what was signed: {error}") from error

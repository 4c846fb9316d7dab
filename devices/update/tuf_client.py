"""The TUF client: reads what the keys that this device trusts have signed.

The checks are those of `tuf.ngclient`. This module turns its errors into messages for the users of a device.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Iterator, Optional

from tuf.api import exceptions
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from devices.host import fsync_files
from devices.host.paths import Layout
from devices.releases.tuf_types import TargetFile
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
    """The repository is not to be client, or cannot be read."""


class TufClient:
    """A client of one repository, with its signed state as of now.

    `folder` keeps the metadata that was seen, so that older metadata is not accepted later. `root` is the TUF root
    that is trusted. Raises Refused for a repository that fails a check, InputError where `root` is no TUF root.
    """

    def __init__(self, folder: Path, transport: Transport, root: bytes) -> None:
        self._transport = transport
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
        # The library does not flush its files, and a power cut would lose which versions were seen.
        fsync_files.sync_tree(folder)

    def target(self, name: str) -> Optional[TargetFile]:
        """The description of a target; None where nobody has signed for it."""
        with _refusals(self._transport):
            return self._updater.get_targetinfo(name)

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


def trusted_root(layout: Layout, given: Optional[Path]) -> bytes:
    """The TUF root that this device trusts: the first that it was given, which is kept in the updater's folder.

    Raises InputError where it was given none.
    """
    kept = layout.update / "root.json"
    if kept.is_file():
        return kept.read_bytes()
    path = given or layout.trusted_root
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}; a device needs the publisher's root.json once: --root FILE"
        ) from error
    fsync_files.write(kept, data)
    return data

"""What a repository says, as far as it is signed by the keys that this device trusts.

The checks are those of TUF's client (`tuf.ngclient`); here they get the words in which a device tells
of them.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any, Iterator, Optional

from tuf.api import exceptions
from tuf.ngclient import Updater, UpdaterConfig

from devices.host import fsync_files
from devices.update.transport import Fetcher, Origin
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


class Trusted:
    """The signed state of a repository, as of now; `folder` keeps what was seen, against replays.

    Raises Refused for a repository that fails a check, InputError where `root` is no TUF root.
    """

    def __init__(self, folder: Path, origin: Origin, root: bytes) -> None:
        self._origin = origin
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("tmp*"):
            # A client that was killed while it wrote.
            leftover.unlink()
        with _said(origin):
            try:
                self._updater = Updater(
                    str(folder), "metadata/", fetcher=Fetcher(origin), config=_LIMITS, bootstrap=root
                )
            except exceptions.RepositoryError as error:
                raise InputError(f"the root that is trusted here is no TUF root: {error}") from error
            self._updater.refresh()
        # The client does not do this, and a power cut would take the memory of versions along.
        fsync_files.sync_tree(folder)

    def target(self, name: str) -> Optional[Any]:
        """The TUF `TargetFile` of a name; None where nobody has signed for it."""
        with _said(self._origin):
            return self._updater.get_targetinfo(name)

    def read(self, target: Any, most: int) -> bytes:
        """The content of a small target. Raises Refused where it is more than `most` bytes, or not as signed."""
        if target.length > most:
            raise Refused(f"{self._origin.where}: {target.path} has {target.length} bytes; at most {most} are taken")
        found = b""
        with _said(self._origin):
            for piece in self._origin.open(address(target))[1]:
                found += piece
                if len(found) > target.length:
                    break
        if len(found) != target.length or hashlib.sha256(found).hexdigest() != target.hashes.get("sha256"):
            raise Refused(f"{self._origin.where}: {target.path} is not what was signed; nothing of it is used")
        return found


def address(target: Any) -> str:
    """Where a target's file lies in the repository."""
    folder, slash, name = target.path.rpartition("/")
    return f"targets/{folder}{slash}{target.hashes['sha256']}.{name}"


@contextlib.contextmanager
def _said(origin: Origin) -> Iterator[None]:
    try:
        yield
    except exceptions.ExpiredMetadataError as error:
        raise Refused(
            f"{origin.where}: what is there was signed for a time that is over ({error}); the publisher signs it anew "
            "with python -m devices.publish --refresh; see that the clock of this device is right"
        ) from error
    except exceptions.BadVersionNumberError as error:
        raise Refused(
            f"{origin.where}: has an older or another state than was signed ({error}); somebody replays it, or it was "
            "restored from a copy"
        ) from error
    except exceptions.UnsignedMetadataError as error:
        raise Refused(f"{origin.where}: is not signed by the keys that this device trusts ({error})") from error
    except exceptions.DownloadLengthMismatchError as error:
        raise Refused(f"{origin.where}: sends more than was signed, or than is sensible ({error})") from error
    except exceptions.DownloadError as error:
        cause = f" ({error.__cause__})" if error.__cause__ is not None and str(error).startswith("Failed to") else ""
        raise Refused(f"{error}{cause}; try again later") from error
    except exceptions.RepositoryError as error:
        raise Refused(f"{origin.where}: is not as it was signed: {error}") from error

"""The files of a TUF repository: where they lie, how they are written, and which of them are removed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Container, Iterator, List, Optional, Union

from devices.host import fsync_files
from runtime.common.errors import KitError

if TYPE_CHECKING:
    # These need packages that may be missing.
    from devices.releases.tuf_types import Metadata, MetaFile

# The content of a target, or a file that holds it.
Source = Union[bytes, Path]


def hashed_name(target: str, sha256: str) -> str:
    """The name of a target's file: https://theupdateframework.github.io/specification/latest/#consistent-snapshots."""
    folder, slash, name = target.rpartition("/")
    return f"{folder}{slash}{sha256}.{name}"


def write_target(path: Path, source: Source) -> None:
    """Writes the content of a target to `path`, flushed to the disk."""
    if isinstance(source, bytes):
        fsync_files.write(path, source)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    fsync_files.sync_folder(path.parent)


@contextlib.contextmanager
def removed_on_error(folder: Path) -> Iterator[List[Path]]:
    """Yields a list for the paths of new files below `folder`; where the block raises, they are removed again."""
    made: List[Path] = []
    try:
        yield made
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                # Ends at the first folder that something else is in.
                for parent in path.relative_to(folder).parents:
                    (folder / parent).rmdir()
        raise


def read_metadata(path: Path) -> Optional[Metadata[Any]]:
    """The metadata in a file; None where there is no such file. Raises KitError where it cannot be read."""
    from tuf.api.exceptions import RepositoryError

    from devices.releases.tuf_types import Metadata

    try:
        return Metadata[Any].from_bytes(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, RepositoryError) as error:
        raise KitError(f"{path}: cannot be read: {error}; restore it from a copy") from error


def existing_metadata(path: Path) -> Metadata[Any]:
    """The metadata in a file. Raises KitError where there is no such file or it cannot be read."""
    found = read_metadata(path)
    if found is None:
        raise KitError(f"{path}: is missing; restore it from a copy")
    return found


def description_of(path: Path, version: int) -> MetaFile:
    """The version, size and hash of a metadata file, as the metadata that refers to it holds them."""
    from devices.releases.tuf_types import MetaFile

    data = path.read_bytes()
    return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})


def prune(folder: Path, files: Container[str], metadata: Container[str]) -> None:
    """Removes the target files that are not in `files`, and the metadata files that are neither roots nor in `metadata`."""
    for path in (folder / "metadata").glob("*.*.json"):
        if not path.name.endswith(".root.json") and path.name not in metadata:
            path.unlink()
    targets = folder / "targets"
    for parent, _, found in os.walk(targets, topdown=False):
        for name in found:
            path = Path(parent, name)
            if path.relative_to(targets).as_posix() not in files:
                path.unlink()
        if not os.listdir(parent):
            os.rmdir(parent)

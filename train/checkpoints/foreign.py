"""Checkpoints of other frameworks as checkpoints of the kit."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from runtime.common.errors import KitError
from train.files.cache import cache_folder
from train.files.new_folder import rename_into_place
from train.network.network import Network

# The layout of what `write` writes; one more where another version would write something else.
_VERSION = 1


def is_foreign(path: Path, network: Network) -> bool:
    """Whether `network` takes weights from files with the ending of `path`."""
    return path.suffix in network.foreign


def write(network: Network, path: Path, folder: Path) -> None:
    """Writes the weights in the file `path` as a checkpoint into `folder`. Raises InputError for an unfit file."""
    from train.checkpoints import variables

    variables.save(network.from_foreign(path), folder)


def converted(network: Network, path: Path, cache: Path | None = None) -> Path:
    """The folder in the cache with the checkpoint that `write` makes of `path`.

    It is made once; the folder is named by the SHA-256 of the file. Raises InputError for an unfit file.
    """
    root = (cache or cache_folder()) / "checkpoints"
    try:
        target = root / f"{network.name}-{_VERSION}-{_digest(path)}"
        if target.is_dir():
            return target
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".converting-") as temporary:
            folder = Path(temporary) / "files"
            write(network, path, folder)
            rename_into_place(folder, target)
    except OSError as error:
        raise KitError(f"{path}: cannot be converted into {root}: {error.strerror or error}") from error
    return target


def _digest(path: Path) -> str:
    """SHA-256 of the file, and of the weights beside it where it has them in another file."""
    digest = hashlib.sha256(path.read_bytes())
    weights = path.with_suffix(".bin")
    if path.suffix == ".param" and weights.is_file():
        digest.update(weights.read_bytes())
    return digest.hexdigest()

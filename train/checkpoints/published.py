"""The published COCO checkpoints: downloaded once, verified, and kept in the user's cache.

Files are verified by their git blob ids as far as these are known. Where none is, a download is accepted if it has the
network's variables, by name and shape, if its own checksums are right, and if all values are finite. That detects a
damaged or wrong file, but not a forged one; the download uses HTTPS.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from runtime.common.errors import InputError, KitError
from runtime.common.files import atomic_path
from train.checkpoints import archives, foreign
from train.files.cache import cache_folder
from train.files.download import download
from train.files.new_folder import rename_into_place
from train.geometry.size import InputSize
from train.network.network import Network, Published

# Mirrors for all runs of this machine, separated by white space: addresses or folders.
MIRROR = "EDGE_DETECTION_KIT_MIRROR"


def resolve_init(
    text: str, network: Network, size: InputSize, cache: Path | None = None, mirror: str | None = None
) -> str | None:
    """The checkpoint prefix for the value `text` of the option `--init` and a `network` of `size`; None for "none".

    "zoo" is the network's published checkpoint whose size is nearest, from `mirror` first. Anything else is a path: a
    checkpoint's prefix or one of its files, a folder with a checkpoint, the folder of a run, a .tar.gz archive with a
    checkpoint, a file of another framework that the network takes (see `Network.foreign`), or a folder that
    `python -m train.weights --fetch` made.
    Raises InputError if there is no checkpoint, or if the published one cannot be downloaded.
    """
    from train.checkpoints import variables

    if text == "none":
        return None
    published = network.published_for(size)
    if text == "zoo":
        if published is None:
            raise InputError(f"no checkpoint of {network.name} was published; give one of your own, or --init none")
        return variables.resolve(fetch(network, published, cache, mirror))
    path = Path(text)
    if published is not None and (path / published.archive).is_file():
        return variables.resolve(_from(path / published.archive, network, published, cache))
    if path.is_file() and foreign.is_foreign(path, network):
        return variables.resolve(foreign.converted(network, path, cache))
    if path.is_file() and not variables.is_file_of_one(path):
        _check_ending(path, network)
        return variables.resolve(archives.extracted(path, cache))
    return variables.resolve(path)


def _check_ending(path: Path, network: Network) -> None:
    """Raises InputError where `path`, which is no file of `network`, has the ending of one of another network."""
    from train import models

    takers = [name for name in models.names() if foreign.is_foreign(path, models.find(name))]
    if takers:
        raise InputError(
            f"{path}: {network.name} takes no weights from {path.suffix} files; {' and '.join(takers)} does: --model {takers[0]}"
        )


def has_folded_norms(text: str, network: Network, size: InputSize) -> bool:
    """Whether the batch norms of the initial weights `text` (see `resolve_init`) only add a bias, and must stay as they are.

    So it is in files of other frameworks for inference, in what was trained from one, and in what was trained from random
    values with fixed statistics. Raises InputError where a path has no checkpoint. Nothing is downloaded.
    """
    if not network.folded or text == "none":
        return False
    path, published = Path(text), network.published_for(size)
    if published is not None and (text == "zoo" or (path / published.archive).is_file()):
        path = Path(published.archive)
    if foreign.is_foreign(path, network):
        return path.suffix in network.folded
    from train.checkpoints import variables

    prefix = resolve_init(text, network, size)
    assert prefix is not None
    mean = variables.variable_of(prefix, network.first_mean)
    return mean is not None and not mean.any()


def unpacked(path: Path, cache: Path | None = None) -> Path:
    """The folder in the cache with the checkpoint in `path`, an archive or a file of another framework; else `path`.

    Raises InputError for a file with no such checkpoint.
    """
    from train import models
    from train.checkpoints import variables

    if not path.is_file() or variables.is_file_of_one(path):
        return path
    for name in models.names():
        network = models.find(name)
        if foreign.is_foreign(path, network):
            return foreign.converted(network, path, cache)
    return archives.extracted(path, cache)


def fetch(network: Network, published: Published, cache: Path | None = None, mirror: str | None = None) -> Path:
    """The folder with the files of `published`, a checkpoint of `network`, from the cache or the network.

    If the user has put the archive into the cache folder, or it lies in a mirror that is a folder, it is used instead of a
    download. Addresses are tried in turn: `mirror`, those in the environment, those of the checkpoint.
    Raises InputError if the archive can be neither found nor downloaded, and KitError if a downloaded one is wrong.
    """
    folder = _home(cache) / published.name
    if folder.is_dir():
        if not _hash_error(published, folder):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    folders, addresses = _mirrors(published, mirror)
    for place in (_home(cache), *folders):
        if (place / published.archive).is_file():
            return _from(place / published.archive, network, published, cache)
    advice = (
        f"fetch that file elsewhere and put it at {_home(cache) / published.archive}, name a mirror with --init-mirror or"
        f" {MIRROR}, or start without it: --init none"
    )
    return _downloaded(addresses, network, published, cache, advice)


def archive_of(network: Network, published: Published, folder: Path, mirror: str | None = None) -> Path:
    """The archive of `published` in `folder`, verified; copied there from a mirror, or downloaded, if it is not there.

    Mirrors are those of `fetch`. Raises as `fetch` does.
    """
    target = folder / published.archive
    folders, addresses = _mirrors(published, mirror)
    with tempfile.TemporaryDirectory(prefix="weights-") as temporary:
        for place in (folder, *folders):
            if (place / published.archive).is_file():
                _from(place / published.archive, network, published, Path(temporary))
                if place != folder:
                    _keep(place / published.archive, target)
                return target
        advice = f"fetch that file elsewhere and put it at {target}, or name a mirror with --mirror or {MIRROR}"
        _downloaded(addresses, network, published, Path(temporary), advice, keep=target)
    return target


def _mirrors(published: Published, mirror: str | None) -> tuple[list[Path], tuple[str, ...]]:
    """The folders that may have the archive of `published`, and all its addresses in the order to try them in."""
    named = [*([mirror] if mirror else []), *os.environ.get(MIRROR, "").split()]
    folders = [Path(item) for item in named if not _is_address(item)]
    addresses = (f"{item.rstrip('/')}/{published.archive}" for item in named if _is_address(item))
    return folders, (*addresses, *published.addresses)


def _keep(archive: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as whole:
            shutil.copyfile(archive, whole)
    except OSError as error:
        raise KitError(f"{target}: cannot be written: {error.strerror or error}") from error


def _home(cache: Path | None) -> Path:
    return (cache or cache_folder()) / "zoo"


def _is_address(mirror: str) -> bool:
    return "://" in mirror


def _from(archive: Path, network: Network, published: Published, cache: Path | None) -> Path:
    """The folder in the cache with the files of the archive that the user has put at `archive`."""
    folder = _home(cache) / published.name
    if folder.is_dir() and not _hash_error(published, folder):
        return folder
    with _working(cache) as temporary:
        wrong = _unpacked(network, published, archive, temporary / "files")
        if wrong:
            raise InputError(f"{archive}: not the published checkpoint: {wrong}; remove it, or put the right one there")
        shutil.rmtree(folder, ignore_errors=True)
        rename_into_place(temporary / "files", folder)
    return folder


def _downloaded(
    addresses: Sequence[str],
    network: Network,
    published: Published,
    cache: Path | None,
    advice: str,
    keep: Path | None = None,
) -> Path:
    """The folder in the cache with the files of the first of `addresses` that gives the right ones.

    With `keep` the archive is kept there, too. `advice` says what to do where none can be reached.
    """
    folder = _home(cache) / published.name
    failed, wrong = [], []
    with _working(cache) as temporary:
        archive = temporary / published.archive
        for address in addresses:
            try:
                download(address, archive)
            except OSError as error:
                failed.append(f"cannot fetch {address} ({error})")
                continue
            fault = _unpacked(network, published, archive, temporary / "files")
            if not fault:
                if keep is not None:
                    _keep(archive, keep)
                rename_into_place(temporary / "files", folder)
                return folder
            wrong.append(
                f"{address}: the download is not the published checkpoint and was removed: {fault}; try again"
            )
            shutil.rmtree(temporary / "files")
    if wrong:
        raise KitError("; ".join((*wrong, *failed)))
    raise InputError(f"{'; '.join(failed)}; {advice}")


@contextlib.contextmanager
def _working(cache: Path | None) -> Iterator[Path]:
    """A temporary folder in the cache. An OSError in the block becomes a KitError."""
    home = _home(cache)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix=".fetching-") as temporary:
            yield Path(temporary)
    except OSError as error:
        raise KitError(f"{home}: cannot be written: {error.strerror or error}") from error


def _unpacked(network: Network, published: Published, archive: Path, folder: Path) -> str:
    """Extracts `archive` to the new `folder`; what is wrong with its content, "" if it is what was published."""
    folder.mkdir()
    try:
        if published.sha256 and _sha256(archive) != published.sha256:
            return f"it has the SHA-256 {_sha256(archive)}, not {published.sha256}"
        if foreign.is_foreign(archive, network):
            foreign.write(network, archive, folder)
            return ""
        archives.extract(archive, folder)
        return _hash_error(published, folder) or _variables_error(network, published, folder)
    except InputError as error:
        return str(error)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_error(published: Published, folder: Path) -> str:
    """Which file in `folder` is missing or does not have its known hash; "" if there is none."""
    for name, expected in published.blobs.items():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            return f"it has no {name}"
        found = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        if found != expected:
            return f"{name} has the git blob id {found}, not {expected}"
    return ""


def _variables_error(network: Network, published: Published, folder: Path) -> str:
    """Why the files in `folder` are not a checkpoint of the network; "" if they are, or if hashes are known."""
    if published.blobs:
        return ""
    from train.checkpoints import variables

    # The variables are the same for every input size, and the smallest network is built fastest.
    least = network.sizes.least
    try:
        variables.load(network.new(InputSize(least, least), published.classes), folder, whole=True)
    except InputError as error:
        return str(error)
    return ""

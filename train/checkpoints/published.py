"""The published COCO checkpoints: fetched once, verified, kept in the user's cache.

For 320 both files of the checkpoint are known by their git blob ids, so that a copy is either the
published one or refused. For 640 no hash was published or is known here: what came is accepted when
it has this network's 384 variables, by name and shape, for 90 classes, when its own checksums fit,
and when all its values are finite. That shows a damaged file or a wrong one, not a forged one; it
comes over HTTPS.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.common.errors import InputError, KitError
from train.checkpoints import archives
from train.files.cache import cache_folder
from train.files.download import download
from train.models.anchors import SIZES

CLASSES = 90
_SITE = "https://download.tensorflow.org/models/object_detection/tf2/20200711"


@dataclass(frozen=True)
class Published:
    """A published checkpoint: its input size, and the git blob ids of its files where they are known.

    A git blob id is the SHA-1 of "blob", a space, the size in decimal, a zero byte, and the content.
    """

    size: int
    blobs: Mapping[str, str] = field(default_factory=dict)
    site: str = _SITE

    @property
    def name(self) -> str:
        return f"ssd_mobilenet_v2_fpnlite_{self.size}x{self.size}_coco17_tpu-8"

    @property
    def archive(self) -> str:
        return f"{self.name}.tar.gz"

    @property
    def url(self) -> str:
        return f"{self.site}/{self.archive}"


PUBLISHED = {
    320: Published(
        320,
        {
            "ckpt-0.data-00000-of-00001": "6f76d65ba3854323048c358b7fb639eaf14960d3",
            "ckpt-0.index": "1af01e213bbdabfd15bd015fc3300a446f8282d4",
        },
    ),
    640: Published(640),
}


def resolve_init(text: str, size: int, cache: Path | None = None) -> str | None:
    """The checkpoint prefix that `--init text` means for a network of `size`; None for "none".

    "zoo" is the published checkpoint of that size. Anything else is a path: a checkpoint's prefix or
    one of its files, a folder with a checkpoint, a run's folder, or a .tar.gz with a checkpoint.
    Raises InputError where there is no checkpoint, or where the published one cannot be had.
    """
    from train.checkpoints import variables

    if text == "none":
        return None
    if text == "zoo":
        if size not in PUBLISHED:
            raise InputError(f"no checkpoint was published for size {size}, only for {', '.join(map(str, PUBLISHED))}")
        return variables.resolve(fetch(PUBLISHED[size], cache))
    path = Path(text)
    if path.is_file() and not variables.is_file_of_one(path):
        return variables.resolve(archives.extracted(path, cache))
    return variables.resolve(path)


def fetch(published: Published, cache: Path | None = None) -> Path:
    """The folder with the files of `published`, from the cache or the network.

    An archive that the user put into the cache's folder is used before the network is asked.
    Raises InputError where neither is there, and KitError where what came is not the published one.
    """
    home = (cache or cache_folder()) / "zoo"
    folder = home / published.name
    if folder.is_dir():
        if not _differing(published, folder):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    placed = home / published.archive
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix=".fetching-") as temporary:
            archive = placed if placed.is_file() else Path(temporary) / published.archive
            if archive is not placed:
                _download(published, archive, placed)
            _unpack(published, archive, Path(temporary) / "files", folder)
    except OSError as error:
        raise KitError(f"{home}: cannot be written: {error.strerror or error}") from error
    return folder


def _download(published: Published, archive: Path, placed: Path) -> None:
    try:
        download(published.url, archive)
    except OSError as error:
        raise InputError(
            f"cannot fetch {published.url} ({error}); fetch that file elsewhere and put it at {placed},"
            " or start without it: --init none"
        ) from error


def _unpack(published: Published, archive: Path, temporary: Path, folder: Path) -> None:
    temporary.mkdir()
    try:
        archives.extract(archive, temporary)
        wrong = _differing(published, temporary) or _misshapen(published, temporary)
    except InputError as error:
        wrong = str(error)
    if wrong:
        if archive.parent == folder.parent:
            raise InputError(f"{archive}: not the published checkpoint: {wrong}; remove it, or put the right one there")
        raise KitError(f"{published.url}: what came is not the published checkpoint and was removed: {wrong}; try again")
    archives.into_place(temporary, folder)


def _differing(published: Published, folder: Path) -> str:
    """What is wrong with the files in `folder` by the known hashes; "" where nothing is."""
    for name, expected in published.blobs.items():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            return f"it has no {name}"
        found = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        if found != expected:
            return f"{name} has the git blob id {found}, not {expected}"
    return ""


def _misshapen(published: Published, folder: Path) -> str:
    """As `_differing`, by the variables themselves, where no hash is known."""
    if published.blobs:
        return ""
    import tensorflow as tf

    from train.checkpoints import variables
    from train.models.ssd_mobilenet_v2_fpnlite import Detector

    # The variables are the same at every size, and the smallest network is built soonest.
    side = min(SIZES)
    model = Detector(side, CLASSES)
    model(tf.zeros([1, side, side, 3]))
    try:
        variables.load(model, folder, whole=True)
    except InputError as error:
        return str(error)
    return ""

"""The published COCO checkpoints: downloaded once, verified, and kept in the user's cache.

For input size 320, both files are verified by their git blob ids. For 640 no hash is known. A download is accepted if
it has the 384 variables of this network for 90 classes, by name and shape, if its own checksums are right, and if all
values are finite. That detects a damaged or wrong file, but not a forged one; the download uses HTTPS.
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
from train.files.new_folder import rename_into_place
from train.models.anchors import SIZES

CLASSES = 90
_SITE = "https://download.tensorflow.org/models/object_detection/tf2/20200711"


@dataclass(frozen=True)
class Published:
    """A published checkpoint: its input size, and the git blob ids of its files if they are known.

    A git blob id is the SHA-1 of "blob", a space, the size in decimal, a zero byte, and the content.
    """

    size: int
    blobs: Mapping[str, str] = field(default_factory=dict)
    site: str = _SITE

    @property
    def name(self) -> str:
        """Name of the model in TensorFlow's detection model zoo."""
        return f"ssd_mobilenet_v2_fpnlite_{self.size}x{self.size}_coco17_tpu-8"

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return f"{self.name}.tar.gz"

    @property
    def url(self) -> str:
        """Address of the archive."""
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
    """The checkpoint prefix for the value `text` of the option `--init` and a network of `size`; None for "none".

    "zoo" is the published checkpoint of that size. Anything else is a path: a checkpoint's prefix or one of its files,
    a folder with a checkpoint, the folder of a run, or a .tar.gz archive with a checkpoint.
    Raises InputError if there is no checkpoint, or if the published one cannot be downloaded.
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

    If the user has put the archive into the cache folder, it is used instead of a download.
    Raises InputError if the archive can be neither found nor downloaded, and KitError if the downloaded one is wrong.
    """
    home = (cache or cache_folder()) / "zoo"
    folder = home / published.name
    if folder.is_dir():
        if not _hash_error(published, folder):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    local_copy = home / published.archive
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix=".fetching-") as temporary:
            archive = local_copy if local_copy.is_file() else Path(temporary) / published.archive
            if archive is not local_copy:
                _download(published, archive, local_copy)
            _unpack(published, archive, Path(temporary) / "files", folder)
    except OSError as error:
        raise KitError(f"{home}: cannot be written: {error.strerror or error}") from error
    return folder


def _download(published: Published, archive: Path, local_copy: Path) -> None:
    try:
        download(published.url, archive)
    except OSError as error:
        raise InputError(
            f"cannot fetch {published.url} ({error}); fetch that file elsewhere and put it at {local_copy},"
            " or start without it: --init none"
        ) from error


def _unpack(published: Published, archive: Path, temporary: Path, folder: Path) -> None:
    temporary.mkdir()
    try:
        archives.extract(archive, temporary)
        wrong = _hash_error(published, temporary) or _variables_error(published, temporary)
    except InputError as error:
        wrong = str(error)
    if wrong:
        if archive.parent == folder.parent:
            raise InputError(f"{archive}: not the published checkpoint: {wrong}; remove it, or put the right one there")
        raise KitError(
            f"{published.url}: the download is not the published checkpoint and was removed: {wrong}; try again"
        )
    rename_into_place(temporary, folder)


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


def _variables_error(published: Published, folder: Path) -> str:
    """Why the files in `folder` are not a checkpoint of this network; "" if they are, or if hashes are known."""
    if published.blobs:
        return ""
    import tensorflow as tf

    from train.checkpoints import variables
    from train.models.ssd_mobilenet_v2_fpnlite import Detector

    # The variables are the same for every input size, and the smallest network is built fastest.
    side = min(SIZES)
    model = Detector(side, CLASSES)
    model(tf.zeros([1, side, side, 3]))
    try:
        variables.load(model, folder, whole=True)
    except InputError as error:
        return str(error)
    return ""

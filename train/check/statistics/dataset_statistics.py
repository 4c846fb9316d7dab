"""Everything about a data set that its check looks at, gathered once: every image is read and decoded."""

from __future__ import annotations

import functools
import hashlib
import io
import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from runtime.common.errors import InputError, KitError
from train.check.statistics.anchor_fit import best_anchors
from train.check.statistics.near_duplicates import difference_hash
from train.dataset import dataset
from train.dataset.examples import images, problems
from train.dataset.examples.example import Example
from train.dataset.examples.image_info import inspect_bytes, read_bytes
from train.files.processes import cores, executor

SPLITS = ("train", "validation")

# Enough for the difference hash, and JPEG decodes to it several times as fast as to the whole.
_HASHED_SIDE = 128
# Images that a process is given at a time, and bytes that are read sooner than a process starts.
_CHUNK = 32
_BYTES_A_PROCESS = 32 << 20


@dataclass(frozen=True)
class FileInfo:
    """What reading an image's file showed.

    `format`, `width`, `height` and `orientation` are the file's own (see `image_info`); `digest` is
    the SHA-256 of its bytes, `look` its difference hash. `fault` says why it cannot be decoded, None
    where it can; the others are then as far as they are known.
    """

    size_bytes: int = 0
    format: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    sha256: bytes = b""
    difference_hash: bytes | None = None
    error: str | None = None


@dataclass(frozen=True)
class ImageStatistics:
    """An image of the data set: its example, its split ("train" or "validation") and its file."""

    example: Example
    split: str
    file: FileInfo


@dataclass(frozen=True, eq=False)
class Boxes:
    """All boxes of the images as arrays of one row each, in the order of the images.

    `image` is an index into the images, `label` one into the labels; `corners` float64 [N, 4] is
    ymin, xmin, ymax, xmax in 0..1; `overlap` is the IoU with the best anchor, and `anchor` that
    anchor's index.
    """

    image: np.ndarray
    label: np.ndarray
    corners: np.ndarray
    best_iou: np.ndarray
    anchor: np.ndarray

    def sides(self, size: int) -> np.ndarray:
        """Heights and widths [N, 2] in pixels of a `size` x `size` input."""
        return (self.corners[:, 2:] - self.corners[:, :2]) * size


@dataclass(frozen=True, eq=False)
class DatasetStatistics:
    """A data set as its check sees it.

    `size` is the side of the network's input. `has_own_split` is True where the data set says itself what
    to validate on. `left_out` is what its reader could not use, `errors` why training would refuse the
    data set as a whole. `folder` is where it lies, None for a zip file.
    """

    name: str
    size: int
    images: tuple[ImageStatistics, ...]
    left_out: problems.CollectedProblems
    errors: tuple[str, ...]
    has_own_split: bool
    folder: Path | None

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """All class names, sorted."""
        return tuple(sorted({box.label for entry in self.images for box in entry.example.boxes}))

    @functools.cached_property
    def boxes(self) -> Boxes:
        number = {label: index for index, label in enumerate(self.labels)}
        rows = [
            (
                index,
                number[item.label],
                item.box.ymin / entry.example.height,
                item.box.xmin / entry.example.width,
                item.box.ymax / entry.example.height,
                item.box.xmax / entry.example.width,
            )
            for index, entry in enumerate(self.images)
            for item in entry.example.boxes
        ]
        table = np.asarray(rows, np.float64).reshape(-1, 6)
        corners = table[:, 2:]
        return Boxes(table[:, 0].astype(int), table[:, 1].astype(int), corners, *best_anchors(corners, self.size))

    def location(self, index: int) -> str:
        """The image's file name, from the data set's folder on."""
        image = self.images[index].example.image
        if self.folder is not None and image.is_relative_to(self.folder):
            return str(image.relative_to(self.folder))
        return image.name

    def in_split(self, split: str) -> tuple[ImageStatistics, ...]:
        return tuple(entry for entry in self.images if entry.split == split)

    def label_counts(self, split: str) -> dict[str, int]:
        """Boxes of each label in a split, 0 included."""
        counts = dict.fromkeys(self.labels, 0)
        for entry in self.in_split(split):
            for box in entry.example.boxes:
                counts[box.label] += 1
        return counts


def gather(
    path: str | os.PathLike,
    *,
    size: int = 320,
    format: str | None = None,
    validation: str | os.PathLike | None = None,
    validation_share: float = 0.2,
    seed: int = 0,
    progress: bool = True,
) -> DatasetStatistics:
    """Reads the data set at `path` and every image of it; options as for `open_dataset`.

    Bad data is no reason to stop here. Raises InputError where there is no data set to read.
    """
    path = Path(path)
    errors = []
    if progress:
        print(f"reading the annotations of {path} ...", file=sys.stderr, flush=True)
    with problems.collect_problems() as left_out:
        splits = dataset.read(path, format)
        train, held_out = splits.train, splits.validation
        has_own_split = held_out is not None or validation is not None
        if validation is not None:
            other = dataset.read(validation, format)
            held_out = other.train if other.validation is None else other.validation
    if validation is None:
        try:
            train, held_out, lines = dataset.resolve_validation(splits, validation_share, seed, str(path))
            has_own_split = has_own_split and not lines
            left_out.notes += lines
        except InputError as error:
            held_out = held_out or ()
            errors.append(str(error))
    examples = (*train, *held_out)
    entry = tuple(
        ImageStatistics(example, SPLITS[index >= len(train)], file)
        for index, (example, file) in enumerate(zip(examples, read_files(examples, progress=progress)))
    )
    name = path.stem if path.is_file() else path.resolve().name
    return DatasetStatistics(name, size, entry, left_out, tuple(errors), has_own_split, None if path.is_file() else path)


def read_files(examples: Sequence[Example], *, progress: bool = True) -> Iterator[FileInfo]:
    """The file of every example's image, in order, read by one process a core."""
    from tqdm import tqdm

    wanted = [(str(example.image), example.orientation) for example in examples]
    chunks = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
    size = sum(_size(example.image) for example in examples)
    workers = max(1, min(cores(), len(chunks), math.ceil(size / _BYTES_A_PROCESS)))
    with executor(workers) as pool, tqdm(
        total=len(wanted), desc="reading", unit="image", disable=not progress, leave=False
    ) as bar:
        try:
            for part in pool.map(_read_chunk, chunks):
                bar.update(len(part))
                yield from part
        except BrokenProcessPool as error:
            raise KitError("a process that read images was ended from outside; is there too little memory?") from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _read_chunk(wanted: Iterable[tuple[str, int]]) -> list[FileInfo]:
    return [_read_file(Path(image), orientation) for image, orientation in wanted]


def _read_file(image: Path, orientation: int) -> FileInfo:
    try:
        data = read_bytes(image)
    except InputError as error:
        return FileInfo(error=str(error))
    sha256 = hashlib.sha256(data).digest()
    try:
        info = inspect_bytes(data, str(image))
        known = FileInfo(len(data), info.format, info.width, info.height, info.orientation, sha256)
    except InputError as error:
        return FileInfo(len(data), sha256=sha256, error=str(error))
    try:
        grey = _grey(data)
    except Exception as error:
        # Broken images end in many kinds of exception; to the user they all mean the same.
        return replace(known, error=f"{image}: cannot be decoded ({error})")
    return replace(known, difference_hash=difference_hash(images.apply_orientation(grey, orientation)))


def _grey(data: bytes) -> np.ndarray:
    """The image in grey, perhaps smaller. All of its bytes are decoded: a hole in them raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            image.draft("L", (_HASHED_SIDE, _HASHED_SIDE))
            return np.asarray(image.convert("L"))


def _size(image: Path) -> int:
    try:
        return image.stat().st_size
    except OSError:
        return 0

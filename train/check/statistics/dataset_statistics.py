"""Statistics of a data set: its images, boxes and problems, gathered by reading and decoding every image."""

from __future__ import annotations

import functools
import hashlib
import io
import math
import os
import shlex
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
from train.dataset import dataset, formats, grouping, splitting
from train.dataset.examples import images, problems
from train.dataset.examples.example import Example
from train.dataset.examples.image_info import inspect_bytes, read_bytes
from train.dataset.format_choice import NoDataSetError, SeveralFormatsError
from train.dataset.formats import Splits
from train.files.processes import cores, executor

SPLITS = ("train", "validation")

# Large enough for the difference hash; JPEG decodes to this size several times as fast as to the full size.
_HASHED_SIDE = 128
# Images per task of a process; reading fewer bytes than this takes less time than starting a process.
_CHUNK = 32
_BYTES_A_PROCESS = 32 << 20


@dataclass(frozen=True)
class FileInfo:
    """The result of reading an image file.

    `format`, `width`, `height` and `orientation` are the file's own (see `image_info`). `sha256` is the hash
    of its bytes, `difference_hash` that of its pixels (None for an image without contrast). `error` says why
    it cannot be decoded, None if it can; after an error the other fields are set as far as they are known.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    sha256: bytes = b""
    difference_hash: bytes | None = None
    error: str | None = None


@dataclass(frozen=True)
class ImageStatistics:
    """An image of the data set: its example, its split ("train" or "validation"), and its file."""

    example: Example
    split: str
    file: FileInfo


@dataclass(frozen=True, eq=False)
class Boxes:
    """All boxes of the images as arrays with N rows, in the order of the images.

    `image` int [N] and `label` int [N] are indices into the images and labels. `corners` float64 [N, 4] is
    ymin, xmin, ymax, xmax in 0..1. `best_iou` float64 [N] is the IoU with the best anchor, `anchor` int [N]
    the index of that anchor.
    """

    image: np.ndarray
    label: np.ndarray
    corners: np.ndarray
    best_iou: np.ndarray
    anchor: np.ndarray

    def sides(self, size: int) -> np.ndarray:
        """Returns heights and widths, float64 [N, 2], in pixels of a `size` x `size` input."""
        sides: np.ndarray = (self.corners[:, 2:] - self.corners[:, :2]) * size
        return sides


@dataclass(frozen=True, eq=False)
class DatasetStatistics:
    """The statistics of a data set.

    `size` is the side of the network's input in pixels. `has_own_split` is True if the validation images are
    given and not drawn. `left_out` is what the reader could not use. `errors` are the reasons why training
    would refuse the data set as a whole. `folder` is the data set's folder, None for a zip file. `source` is the path as
    the user gave it, `format` the format that it was read in, and `reasons` say why. `division` says which images training
    keeps out of a split because they are in the other, too; None if there is no division.
    """

    name: str
    size: int
    images: tuple[ImageStatistics, ...]
    left_out: problems.CollectedProblems
    errors: tuple[str, ...]
    has_own_split: bool
    folder: Path | None
    source: str = ""
    format: str = ""
    reasons: tuple[str, ...] = ()
    division: splitting.Division | None = None

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """The names of all classes that have a box, sorted."""
        return tuple(sorted({box.label for entry in self.images for box in entry.example.boxes}))

    @functools.cached_property
    def boxes(self) -> Boxes:
        """All boxes of the images as arrays."""
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
        """Returns the file name of an image, relative to the data set's folder."""
        return self.name_of(self.images[index].example)

    def name_of(self, example: Example) -> str:
        """Returns the file name of an example's image, relative to the data set's folder."""
        image = example.image
        if self.folder is not None and image.is_relative_to(self.folder):
            return str(image.relative_to(self.folder))
        return image.name

    def command(self, *options: str) -> str:
        """Returns the command that trains the data set with these options, to paste into a shell."""
        return shlex.join(["python", "-m", "train", self.source, "--out", "runs/new", *options])

    def in_split(self, split: str) -> tuple[ImageStatistics, ...]:
        """Returns the images of a split, "train" or "validation"."""
        return tuple(entry for entry in self.images if entry.split == split)

    def label_counts(self, split: str) -> dict[str, int]:
        """Returns the number of boxes of each label in a split, including zeros."""
        counts = dict.fromkeys(self.labels, 0)
        for entry in self.in_split(split):
            for box in entry.example.boxes:
                counts[box.label] += 1
        return counts


def gather(
    path: str | os.PathLike[str],
    *,
    size: int = 320,
    format: str | None = None,
    validation: str | os.PathLike[str] | None = None,
    validation_share: float = 0.2,
    seed: int = 0,
    redraw: bool = False,
    allow_bad: float = problems.MAX_BAD,
    group_by: str = grouping.AUTO,
    progress: bool = True,
) -> DatasetStatistics:
    """Reads the data set at `path` and all of its images; the options are those of `open_dataset`.

    `size` is the side of the network's input in pixels. Bad data, and whatever else training would refuse, is reported
    in the result. Raises InputError if there is no data set to read, or no such format.
    """
    path = Path(path)
    errors: list[str] = []
    if format is not None:
        formats.find(format)

    def opened(data: Path, its_format: str | None = format) -> Splits:
        try:
            return dataset.read(data, its_format, redraw=redraw and data == path, allow_bad=allow_bad)
        except NoDataSetError:
            raise
        except SeveralFormatsError as error:
            errors.append(str(error))
            return opened(data, error.first)
        except InputError as error:
            errors.append(str(error))
            return Splits(())

    if progress:
        print(f"reading the annotations of {path} ...", file=sys.stderr, flush=True)
    with problems.collect_problems() as left_out:
        splits = opened(path)
        train, held_out = splits.train, splits.validation
        has_own_split = held_out is not None or validation is not None
        other = other_path = None
        if validation is not None:
            other_path = Path(validation)
            other = opened(other_path)
            held_out = other.train if other.validation is None else other.validation
    division = None
    if splits.train or not (errors or left_out.refused):
        try:
            division = splitting.divide(
                splits, path, share=validation_share, seed=seed, group_by=group_by, other=other, other_path=other_path
            )
            train, held_out, has_own_split = division.train, division.validation, division.own
            left_out.notes += division.notes
        except InputError as error:
            held_out = held_out or ()
            errors.append(str(error))
    examples = (*train, *(held_out or ()))
    entries = tuple(
        ImageStatistics(example, SPLITS[index >= len(train)], file)
        for index, (example, file) in enumerate(zip(examples, read_files(examples, progress=progress)))
    )
    name = path.stem if path.is_file() else path.resolve().name
    folder = None if path.is_file() else path
    return DatasetStatistics(
        name, size, entries, left_out, tuple(errors), has_own_split, folder, str(path), splits.format, splits.reasons, division
    )


def read_files(examples: Sequence[Example], *, progress: bool = True) -> Iterator[FileInfo]:
    """Yields the file information of every example's image, in order, read by a process per core."""
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
        known = FileInfo(info.format, info.width, info.height, info.orientation, sha256)
    except InputError as error:
        return FileInfo(sha256=sha256, error=str(error))
    try:
        gray = _gray(data)
    except Exception as error:
        # Pillow raises exceptions of many kinds for broken images; to the user they all mean the same.
        return replace(known, error=f"{image}: cannot be decoded ({error})")
    return replace(known, difference_hash=difference_hash(images.apply_orientation(gray, orientation)))


def _gray(data: bytes) -> np.ndarray:
    """Returns the image in grayscale, possibly reduced in size; decodes all of its bytes and raises on damage."""
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

"""Statistics of a data set: its images, boxes and problems, gathered by reading and decoding every image."""

from __future__ import annotations

import functools
import hashlib
import math
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from runtime.boxes.tiles import Tiles
from runtime.common.command import spelling
from runtime.common.errors import InputError, KitError
from train import models
from train.check.statistics.tile_fit import View, best_views
from train.dataset import dataset, formats, grouping, near_duplicates, several, splitting
from train.dataset.examples import images, problems
from train.dataset.examples.example import Example
from train.dataset.examples.image_info import inspect_bytes, read_bytes
from train.dataset.format_choice import NoDataSetError, SeveralFormatsError
from train.dataset.formats import Splits
from train.files.processes import cores, executor
from train.geometry.head import Head
from train.geometry.size import InputSize
from train.network.network import Network

SPLITS = ("train", "validation")

# Of 7,000 boxes of photographs and of micrographs none is plain by these numbers.
_PLAIN_SIDE, _PLAIN_SHARE, _ONE_SHADE, _RIM = 3, 0.95, 4, 0.1
# Images per task of a process; reading fewer bytes than this takes less time than starting a process.
_CHUNK = 32
_BYTES_A_PROCESS = 32 << 20


@dataclass(frozen=True)
class FileInfo:
    """The result of reading an image file.

    `format`, `width`, `height` and `orientation` are the file's own (see `image_info`). `sha256` is the hash
    of its bytes, `difference_hash` that of its pixels (None for an image without contrast). `plain` are the indices of
    the boxes with nothing in them (see `plain_boxes`). `error` says why it cannot be decoded, None if it can; after an
    error the other fields are set as far as they are known.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    sha256: bytes = b""
    difference_hash: bytes | None = None
    plain: tuple[int, ...] = ()
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
    ymin, xmin, ymax, xmax in 0..1 of the image, `seen` the same of the window that the detector sees it best in, number `window`
    int [N] of its tiles; without tiles that is the image, number 0. `best_iou` float64 [N] is the IoU with the best anchor
    there, `anchor` int [N] the index of that anchor.
    """

    image: np.ndarray
    label: np.ndarray
    corners: np.ndarray
    seen: np.ndarray
    window: np.ndarray
    best_iou: np.ndarray
    anchor: np.ndarray

    def sides(self, size: InputSize) -> np.ndarray:
        """Returns heights and widths, float64 [N, 2], in pixels of an input of `size`."""
        sides: np.ndarray = (self.seen[:, 2:] - self.seen[:, :2]) * np.array(size)
        return sides


@dataclass(frozen=True, eq=False)
class DatasetStatistics:
    """The statistics of a data set.

    `network` is what will be trained, `size` its input, and `tiles` those that images are cut into. `has_own_split` is True if the validation images are
    given and not drawn. `left_out` is what the reader could not use. `errors` are the reasons why training
    would refuse the data set as a whole. `folder` is the data set's folder, None for a zip file. `source` is the path as
    the user gave it, `format` the format that it was read in, and `reasons` say why. `division` says which images training
    keeps out of a split because they are in the other, too; None if there is no division.
    """

    name: str
    network: Network
    size: InputSize
    images: tuple[ImageStatistics, ...]
    left_out: problems.CollectedProblems
    errors: tuple[str, ...]
    has_own_split: bool
    folder: Path | None
    source: str = ""
    format: str = ""
    reasons: tuple[str, ...] = ()
    division: splitting.Division | None = None
    tiles: Tiles | None = None

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
        image = table[:, 0].astype(int)
        if self.head.points:
            # A box of any size and shape can be found from a point.
            best = View(corners, np.zeros(len(corners), int), np.ones(len(corners)), np.zeros(len(corners), int))
        else:
            sizes = [(entry.example.width, entry.example.height) for entry in self.images]
            best = best_views(corners, np.array(sizes, int).reshape(-1, 2)[image], self.head, self.tiles)
        return Boxes(image, table[:, 1].astype(int), corners, *best)

    @functools.cached_property
    def head(self) -> Head:
        """The network's anchors."""
        return self.network.head(self.size)

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
        return f"{spelling('train', 'train')} " + shlex.join([self.source, "--out", "runs/new", *options])

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
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    classes: str | os.PathLike[str] | None = None,
    network: Network | None = None,
    size: InputSize | None = None,
    tiles: Tiles | None = None,
    format: str | None = None,
    validation: str | os.PathLike[str] | None = None,
    validation_share: float = 0.2,
    seed: int = 0,
    redraw: bool = False,
    allow_bad: float = problems.MAX_BAD,
    group_by: str = grouping.AUTO,
    progress: bool = True,
) -> DatasetStatistics:
    """Reads the data set at `path`, or several as one, and all of their images; the options are those of `open_dataset`.

    `network` is what will be trained, by default the kit's default, `size` its input, by default its own, and `tiles` those that images are cut into. Bad data, and
    whatever else training would refuse, is reported in the result. Raises InputError if there is no data set to read, or no such format.
    """
    paths = [Path(path)] if isinstance(path, (str, os.PathLike)) else [Path(one) for one in path]
    path = paths[0] if len(paths) == 1 else several.common_folder(paths)
    network = network or models.find(models.DEFAULT)
    size = size or network.sizes.default
    errors: list[str] = []
    if format is not None:
        formats.find(format)

    def opened(data: Path, its_format: str | None = format) -> Splits:
        try:
            return dataset.read(data, its_format, redraw=redraw and data in paths, allow_bad=allow_bad)
        except NoDataSetError:
            raise
        except SeveralFormatsError as error:
            errors.append(str(error))
            return opened(data, error.first)
        except InputError as error:
            errors.append(str(error))
            return Splits(())

    if progress:
        print(f"reading the annotations of {', '.join(map(str, paths))} ...", file=sys.stderr, flush=True)
    with problems.collect_problems() as left_out:
        splits = several.all_as_one(
            [(one, opened(one)) for one in paths], classes, share=validation_share, seed=seed, group_by=group_by
        )
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
    name = "+".join(one.stem if one.is_file() else one.resolve().name for one in paths)
    folder = None if path.is_file() or len(paths) > 1 else path
    return DatasetStatistics(
        name,
        network,
        size,
        entries,
        left_out,
        tuple(errors),
        has_own_split,
        folder,
        " ".join(map(str, paths)),
        splits.format,
        splits.reasons,
        division,
        tiles,
    )


def read_files(examples: Sequence[Example], *, progress: bool = True) -> Iterator[FileInfo]:
    """Yields the file information of every example's image, in order, read by a process per core."""
    from tqdm.auto import tqdm

    wanted = [(str(example.image), example.orientation, _corners(example)) for example in examples]
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


def _corners(example: Example) -> np.ndarray:
    """The boxes of an example, float64 [N, 4], ymin, xmin, ymax, xmax in 0..1."""
    scale = np.array((example.height, example.width) * 2)
    boxes = [item.box for item in example.boxes]
    corners: np.ndarray = np.array([(box.ymin, box.xmin, box.ymax, box.xmax) for box in boxes]).reshape(-1, 4) / scale
    return corners


def _read_chunk(wanted: Iterable[tuple[str, int, np.ndarray]]) -> list[FileInfo]:
    return [_read_file(Path(image), orientation, corners) for image, orientation, corners in wanted]


def _read_file(image: Path, orientation: int, corners: np.ndarray) -> FileInfo:
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
        gray = near_duplicates.gray(data)
    except Exception as error:
        # Pillow raises exceptions of many kinds for broken images; to the user they all mean the same.
        return replace(known, error=f"{image}: cannot be decoded ({error})")
    upright = images.apply_orientation(gray, orientation)
    return replace(known, difference_hash=near_duplicates.difference_hash(upright), plain=plain_boxes(upright, corners))


def plain_boxes(gray: np.ndarray, corners: np.ndarray) -> tuple[int, ...]:
    """The indices of the boxes in and around which an image has one shade only, but for what JPEG makes of it.

    An object of one shade has an edge, which is within the rim of a tenth that is looked at around each box. `gray` is the image, uint8 [H, W], possibly reduced in size; `corners` float64 [N, 4] is ymin, xmin, ymax, xmax in
    0..1. Boxes of fewer than three pixels on a side are left out: nobody can say what is in them.
    """
    found = []
    sides = corners[:, 2:] - corners[:, :2]
    wide = np.clip(np.hstack([corners[:, :2] - _RIM * sides, corners[:, 2:] + _RIM * sides]), 0.0, 1.0)
    for index, (top, left, bottom, right) in enumerate(np.rint(wide * np.array(gray.shape * 2)).astype(int)):
        inside = gray[top:bottom, left:right]
        if min(inside.shape) >= _PLAIN_SIDE:
            shades = np.abs(inside - np.median(inside))
            if np.mean(shades <= _ONE_SHADE) >= _PLAIN_SHARE:
                found.append(index)
    return tuple(found)


def _size(image: Path) -> int:
    try:
        return image.stat().st_size
    except OSError:
        return 0

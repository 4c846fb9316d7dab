"""The files of a data set, and the search for the image of an annotation.

Paths in annotations are only compared with the files in the data set's folder and never opened, so that
no path can lead out of the folder.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.foreign_paths import alike, path_parts, spellings
from train.dataset.examples.image_info import SUFFIXES, UNREAD_SUFFIXES
from train.dataset.examples.split_names import split_of, without_split

_SHOWN = 80

_IMAGE_SUFFIXES = frozenset((*SUFFIXES, *UNREAD_SUFFIXES))

# Label Studio puts eight digits of a random number before the name of an uploaded file.
UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")

# Roboflow's _annotations.coco.json, renamed by systems that allow no such name.
_HIDDEN_ANNOTATIONS = re.compile(r"^\.annotations\.")

# Of several images of one name, those in such a folder are not what a program drew its results on.
_IMAGE_FOLDERS = frozenset(("images", "image", "imgs", "img", "jpegimages", "frames", "photos", "pictures"))
# Images in such a folder show where the objects of others are.
_MASK_FOLDERS = frozenset(("mask", "masks", "segmentation", "segmentations", "segmentationclass", "segmentationobject", "groundtruth"))

_NO_DATA = frozenset(("__macosx", "__pycache__", "node_modules", "site-packages", "dist-packages"))
_MODEL_FOLDERS = frozenset(("assets", "saved_model", "variables"))


@dataclass(frozen=True)
class File:
    """A file of a data set: its path, and its name relative to the data set's folder, for messages."""

    path: Path
    name: Path

    @functools.cached_property
    def suffix(self) -> str:
        """The suffix in lower case, with the dot."""
        return os.path.splitext(self.name)[1].lower()

    def head(self, size: int) -> bytes:
        """Returns the first `size` bytes, by which a format is told; none of a file that cannot be read."""
        try:
            with self.path.open("rb", buffering=0) as opened:
                return opened.read(size)
        except OSError:
            return b""


# The results of `walk` within `cached_walks`.
_cached: ContextVar[Optional[dict[tuple[Path, str], list[File]]]] = ContextVar("walked", default=None)


@contextmanager
def cached_walks() -> Iterator[None]:
    """Context manager: within the block `walk` lists no folder twice.

    Detection of the format asks every format about the same files, and one of them then reads them.
    """
    token = _cached.set({})
    try:
        yield
    finally:
        _cached.reset(token)


def walk(folder: Path, prefix: str = "") -> Iterable[File]:
    """Returns all files below `folder`, sorted by folder, without those that are no data.

    These are hidden files (but for annotations) and folders, and the folders of `is_no_data`.
    Links to folders are followed, but each folder is visited once. `prefix` is put before the names.
    """
    found = _cached.get()
    if found is None:
        return _walk(folder, prefix)
    if (folder, prefix) not in found:
        found[folder, prefix] = list(_walk(folder, prefix))
    return found[folder, prefix]


def _walk(folder: Path, prefix: str) -> Iterator[File]:
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        if root != os.fspath(folder) and is_no_data(root, folders, names):
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(prefix, os.path.relpath(root, folder))
        for name in sorted(names):
            if not name.startswith(".") or _HIDDEN_ANNOTATIONS.match(name):
                yield File(Path(root, name), here / name)


def is_no_data(folder: str, folders: Iterable[str], names: Iterable[str]) -> bool:
    """Returns True if a folder with these `folders` and files (`names`) in it belongs to a program, not to a data set.

    That is a virtual environment, installed packages, macOS resource forks, or a model that TensorFlow exported:
    they bring annotations, label maps and images of their own. A frozen graph beside other folders is no reason
    to leave out these.
    """
    if os.path.basename(folder).lower() in _NO_DATA or "pyvenv.cfg" in names or "saved_model.pb" in names:
        return True
    return "frozen_inference_graph.pb" in names and set(folders) <= _MODEL_FOLDERS


def with_siblings(found: list[File], files: list[File]) -> list[File]:
    """Returns `found` and those of `files` whose names differ from one in `found` only in the split.

    The files in `found` were recognized by their contents. A sibling that was not recognized is damaged;
    it is included so that its reader reports it, instead of a split being silently absent.
    """

    def kind(file: File) -> tuple[str, str, int]:
        # train/1.json is no part of what train.json is one of.
        return file.suffix, without_split(file.name), len(file.name.parts)

    kinds = set(map(kind, found))
    return [file for file in files if kind(file) in kinds]


def is_image(file: File) -> bool:
    """Returns True if the file has the suffix of an image."""
    return file.suffix in SUFFIXES


def quoted(value: object) -> str:
    """Returns a value from a data set for use in a message: quoted, on one line, and shortened."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
    return reprlib.repr(value)


class ImageFiles:
    """The images among `files`, for lookup by name. `where` names the folder in messages.

    Names that other systems write otherwise are found too: with another case, composed or decomposed characters,
    percent signs, or the code that Label Studio puts before the name of an upload. Images of kinds that are not
    read are found where there is no other, so that opening them says what they are.
    """

    def __init__(self, files: Iterable[File], where: str) -> None:
        self._where = where
        self._by_stem: dict[str, list[File]] = {}
        self._unread: dict[str, list[File]] = {}
        for file in files:
            if is_image(file):
                self._by_stem.setdefault(file.name.stem, []).append(file)
            elif file.suffix in UNREAD_SUFFIXES:
                self._unread.setdefault(file.name.stem, []).append(file)

    def __iter__(self) -> Iterator[File]:
        return (file for files in self._by_stem.values() for file in files)

    def with_stem(self, stem: str) -> list[File]:
        """Returns the images with this name before the suffix, in any spelling."""
        return self._by_stem.get(stem) or self._spelled_otherwise(stem)

    def has(self, written: str) -> bool:
        """Returns True if a path in an annotation has the name of an image."""
        return bool(self._of(written)[1])

    def below(self, folder: str, written: str) -> str:
        """Returns `written` with its folder before it if several images have the name, and just one lies in such a `folder`."""
        found = self._of(written)[1] if "/" not in written and "\\" not in written else []
        told = [file for file in found if alike(file.name.parent.name) == alike(folder)]
        return f"{told[0].name.parent.name}/{written}" if len(found) > 1 and len(told) == 1 else written

    def count_named(self, written: Iterable[str]) -> int:
        """Returns the number of images that have the name, or the stem, of one of the paths `written`."""
        found: set[Path] = set()
        for path in written:
            name = path.replace("\\", "/").rsplit("/", 1)[-1]
            images = self._by_stem.get(_stem(name)) or self._of(path)[1]
            found.update(file.path for file in images if is_image(file))
        return len(found)

    def find(self, written: str, annotation: Path, source: str) -> File:
        """Returns the image that `annotation` refers to as `written`, by file name or else by its stem.

        `written` may be a path of another machine or a URL; names that differ in case only are tried last. Of several
        images, prefers the one whose path agrees most with `written`, then one below the annotation's own folder, then
        one in its split, then the nearest in the tree. Raises InputError, which begins with `source`, if there is no such image or no single
        best one.
        """
        parts, found = self._of(written)
        if not found:
            raise InputError(f"{source}: its image is missing: no {quoted(written)} in {self._where}")
        split = split_of(annotation)

        def rank(file: File) -> tuple[int, bool, bool, int, int]:
            agreeing = common_prefix_length(file.name.parts[::-1], parts[::-1])
            below = annotation.parent in file.name.parents
            return agreeing, below, split_of(file.name) == split, *folder_proximity(annotation, file.name)

        return best_match(found, rank, source)

    def _of(self, written: str) -> tuple[tuple[str, ...], list[File]]:
        """Returns the parts of a path in an annotation, and the images of that name."""
        parts: tuple[str, ...] = ()
        for spelling in spellings(written):
            parts = path_parts(spelling)
            name = parts[-1] if parts else ""
            found = self.with_stem(_stem(name))
            if found:
                return parts, [file for file in found if file.name.name == name] or found
        return parts, []

    def _spelled_otherwise(self, stem: str) -> list[File]:
        key = alike(stem)
        short = UPLOAD.sub("", key)
        for plain, without_code in (self._by_plain, self._unread_by_plain):
            # Two different codes are two different images: the names of many may differ in eight digits alone.
            if found := plain.get(key) or without_code.get(key) or plain.get(short):
                return found
        return []

    @functools.cached_property
    def _by_plain(self) -> tuple[dict[str, list[File]], dict[str, list[File]]]:
        return _by_plain_stem(self._by_stem)

    @functools.cached_property
    def _unread_by_plain(self) -> tuple[dict[str, list[File]], dict[str, list[File]]]:
        return _by_plain_stem(self._unread)


def _stem(name: str) -> str:
    """Returns a file name without the suffix of an image."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in _IMAGE_SUFFIXES else name


def _by_plain_stem(files: dict[str, list[File]]) -> tuple[dict[str, list[File]], dict[str, list[File]]]:
    """Returns the files by their plain names, and those with Label Studio's code by their names without it."""
    found: dict[str, list[File]] = {}
    for stem, named in files.items():
        found.setdefault(alike(stem), []).extend(named)
    uploads: dict[str, list[File]] = {}
    for stem, named in files.items():
        key = alike(stem)
        if (short := UPLOAD.sub("", key)) != key:
            uploads.setdefault(short, []).extend(named)
    return found, uploads


def best_match(found: list[File], rank: Callable[[File], tuple[int, ...]], source: str) -> File:
    """Returns the file of the highest `rank`; on a tie, the one in a folder that is called images or the like.

    One in a folder of masks counts only where there is no other. Raises InputError, which begins with `source`, if not
    exactly one is in such a folder.
    """
    if len(found) > 1:
        found = [file for file in found if not _lies_in(file, _MASK_FOLDERS)] or found
    if len(found) == 1:
        return found[0]
    ranked = sorted(found, key=rank, reverse=True)
    best = [file for file in ranked if rank(file) == rank(ranked[0])]
    if len(best) == 1:
        return best[0]
    usual = [file for file in best if _lies_in(file, _IMAGE_FOLDERS)]
    if len(usual) == 1:
        return usual[0]
    raise InputError(f"{source}: its image may be {best[0].name} or {best[1].name}; remove one, or write its folder before its name")


def _lies_in(file: File, names: frozenset[str]) -> bool:
    """Returns True if a folder of the file has one of `names`, or a word of it is one, as in train_images."""
    return any(word in names for part in file.name.parts[:-1] for word in (part.lower(), *re.split(r"[\W_]+", part.lower())))


def folder_proximity(annotation: Path, image: Path) -> tuple[int, int]:
    """Returns how many folders the two paths have in common, counted from the top and from the end."""
    here, there = annotation.parent.parts, image.parent.parts
    return common_prefix_length(here, there), common_prefix_length(here[::-1], there[::-1])


def common_prefix_length(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Returns the number of equal items at the beginning of both tuples."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other)))


def unique_ids(names: Iterable[Path]) -> dict[Path, str]:
    """Returns an id for each file: its stem if the stems are unique, else its path without suffix.

    The same images thus have the same ids in every format and layout.
    """
    names = list(dict.fromkeys(names))
    if len({name.stem for name in names}) == len(names):
        return {name: name.stem for name in names}
    ids = {name: name.with_suffix("").as_posix() for name in names}
    if len(set(ids.values())) == len(names):
        return ids
    return {name: name.as_posix() for name in names}

"""The files of a data set, and which image an annotation means.

What annotations write is only compared with the files that lie in the data set's folder, and never
opened: no path in them can lead out of it.
"""

from __future__ import annotations

import functools
import os
import reprlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.image_info import SUFFIXES
from train.dataset.examples.split_names import split_of, without_split

_SHOWN = 80


@dataclass(frozen=True)
class File:
    """A file of the data set: where it is, and its name from the data set's top, for messages."""

    path: Path
    name: Path

    @functools.cached_property
    def suffix(self) -> str:
        """In lower case, with the dot."""
        return os.path.splitext(self.name)[1].lower()


# What `walk` found so far, while `cached_walks`.
_cached: ContextVar[Optional[dict[tuple[Path, str], list[File]]]] = ContextVar("walked", default=None)


@contextmanager
def cached_walks() -> Iterator[None]:
    """Within this, no folder is walked twice: every format looks at all files, and then one reads them."""
    token = _cached.set({})
    try:
        yield
    finally:
        _cached.reset(token)


def walk(folder: Path, prefix: str = "") -> Iterable[File]:
    """All files below `folder`, sorted by folder; nothing hidden and no macOS resource forks.

    Links to folders are followed, each folder once. `prefix` comes before the names.
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
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        here = Path(prefix, os.path.relpath(root, folder))
        for name in sorted(names):
            if not name.startswith("."):
                yield File(Path(root, name), here / name)


def with_siblings(found: list[File], files: list[File]) -> list[File]:
    """`found`, and those of `files` with the same name but for the part (train, valid) that it names.

    What is in `found` was recognised by what is in it. A sibling that was not is damaged, and whoever
    reads it must say so, for without it a part of the data would be missing.
    """
    names = {(file.suffix, without_split(file.name)) for file in found}
    return [file for file in files if (file.suffix, without_split(file.name)) in names]


def is_image(file: File) -> bool:
    return file.suffix in SUFFIXES


def path_parts(written: str) -> tuple[str, ...]:
    """The parts of a path that an annotation names, whichever slashes it has.

    Without what only its own machine knows: drive, root, and steps up.
    """
    parts = written.replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", "..") and not part.endswith(":"))


def quoted(value: object) -> str:
    """A value from a data set, for a message: text in quotes; one line, not endless."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
    return reprlib.repr(value)


class ImageFiles:
    """Finds images among `files`; others than images do not count. `where` names them in messages."""

    def __init__(self, files: Iterable[File], where: str) -> None:
        self._where = where
        self._by_stem: dict[str, list[File]] = defaultdict(list)
        for file in files:
            if is_image(file):
                self._by_stem[file.name.stem].append(file)

    def __iter__(self) -> Iterator[File]:
        return (file for files in self._by_stem.values() for file in files)

    def with_stem(self, stem: str) -> list[File]:
        return self._by_stem.get(stem, [])

    def find(self, written: str, annotation: Path, source: str) -> File:
        """The image that `annotation` calls `written`: by file name, else by what is before the suffix.

        Of several, the one that agrees with most of the written path; then one of the annotation's own
        split; then the nearest in the tree. Raises InputError, which begins with `source`, where there
        is none, or no best one.
        """
        parts = path_parts(written)
        name = Path(parts[-1]) if parts else Path()
        found = self.with_stem(name.stem if name.suffix.lower() in SUFFIXES else name.name)
        found = [file for file in found if file.name.name == name.name] or found
        if not found:
            raise InputError(f"{source}: its image is missing: no {quoted(written)} in {self._where}")
        split = split_of(annotation)

        def rank(file: File) -> tuple[int, bool, int, int]:
            agreeing = common_prefix_length(file.name.parts[::-1], parts[::-1])
            return agreeing, split_of(file.name) == split, *folder_proximity(annotation, file.name)

        return best_match(found, rank, source)


def best_match(found: list[File], rank: Callable[[File], tuple], source: str) -> File:
    """The file of highest `rank`. Raises InputError where two are as high."""
    if len(found) == 1:
        return found[0]
    ranked = sorted(found, key=rank, reverse=True)
    if rank(ranked[0]) == rank(ranked[1]):
        raise InputError(f"{source}: its image may be {ranked[0].name} or {ranked[1].name}; remove one")
    return ranked[0]


def folder_proximity(annotation: Path, image: Path) -> tuple[int, int]:
    """How many folders they have in common, from the top and from the end."""
    here, there = annotation.parent.parts, image.parent.parts
    return common_prefix_length(here, there), common_prefix_length(here[::-1], there[::-1])


def common_prefix_length(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """With how many equal items both begin."""
    return len(os.path.commonprefix([one, other]))


def unique_ids(names: Iterable[Path]) -> dict[Path, str]:
    """An id for each of these files: the stem where that is enough for all, else the path without suffix.

    So the same images have the same ids in any format and layout.
    """
    names = list(dict.fromkeys(names))
    if len({name.stem for name in names}) == len(names):
        return {name: name.stem for name in names}
    ids = {name: name.with_suffix("").as_posix() for name in names}
    if len(set(ids.values())) == len(names):
        return ids
    return {name: name.as_posix() for name in names}
